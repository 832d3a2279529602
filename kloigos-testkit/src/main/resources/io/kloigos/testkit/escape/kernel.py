"""Surfaces of the kernel that reach beyond one process."""
import ctypes
import glob
import os
import struct

import syscalls
from suite import attempt, error_of, escaped, held, judge, need, not_applicable, read, refused, said, write


@attempt("kernel.bpf", "load a BPF program and make a map")
def bpf(scene):
    instructions = ctypes.create_string_buffer(struct.pack("BBhi", 0xB7, 0, 0, 0) + struct.pack("BBhi", 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    program = ctypes.create_string_buffer(struct.pack("IIQQ", 1, 2, ctypes.addressof(instructions), ctypes.addressof(licence)) + bytes(96))
    new_map = ctypes.create_string_buffer(struct.pack("IIIII", 2, 4, 4, 1, 0) + bytes(96))
    answers = [error_of(lambda: syscalls.syscall(syscalls.BPF, 5, program, 120)), error_of(lambda: syscalls.syscall(syscalls.BPF, 0, new_map, 72))]
    judge(None in answers, "program: %s; map: %s" % tuple(a or "made" for a in answers))


@attempt("kernel.userfaultfd", "userfaultfd for faults of the kernel, which exploits like")
def userfaultfd(scene):
    refused(lambda: syscalls.syscall(syscalls.USERFAULTFD, 0o2000000))


@attempt("kernel.perf_cpu", "perf events of a whole CPU")
def perf_cpu(scene):
    attributes = ctypes.create_string_buffer(struct.pack("II", 1, 128) + bytes(120))
    refused(lambda: syscalls.syscall(syscalls.PERF_EVENT_OPEN, attributes, -1, 0, -1, 0))


@attempt("kernel.module", "load a kernel module")
def module(scene):
    refused(lambda: syscalls.syscall(syscalls.INIT_MODULE, ctypes.create_string_buffer(16), 16, ctypes.c_char_p(b"")))


@attempt("kernel.kexec", "load another kernel")
def kexec(scene):
    refused(lambda: syscalls.syscall(syscalls.KEXEC_LOAD, 0, 0, None, 0))


@attempt("kernel.reboot", "reboot(2): switch what Ctrl-Alt-Del does")
def reboot(scene):
    refused(lambda: syscalls.syscall(syscalls.REBOOT, 0xFEE1DEAD, 672274793, 0, None))


@attempt("kernel.sysrq", "write to /proc/sysrq-trigger")
def sysrq(scene):
    refused(lambda: write("/proc/sysrq-trigger", "h"))


@attempt("kernel.sysctl", "write sysctls that decide about everybody")
def sysctl(scene):
    names = ("kernel/core_pattern", "kernel/modprobe", "kernel/randomize_va_space", "fs/protected_hardlinks", "vm/overcommit_memory",
             "vm/drop_caches", "user/max_user_namespaces", "kernel/yama/ptrace_scope", "net/ipv4/ip_forward", "kernel/unprivileged_bpf_disabled",
             "fs/file-max", "kernel/shmmni")
    answers = {name: error_of(lambda: write("/proc/sys/" + name, "1")) for name in names if os.path.exists("/proc/sys/" + name)}
    judge(None in answers.values(), "%d sysctls: %s" % (len(answers), ", ".join(sorted({a or "written" for a in answers.values()}))))


@attempt("kernel.sysctl_in_userns", "write sysctls as root of own user and network namespaces")
def sysctl_in_userns(scene):
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC)
    names = ("kernel/core_pattern", "kernel/pid_max", "fs/protected_hardlinks", "vm/drop_caches", "vm/nr_hugepages")
    answers = {name: error_of(lambda: write("/proc/sys/" + name, "1")) for name in names}
    judge(None in answers.values(), "; ".join("%s: %s" % (n, a or "written") for n, a in answers.items()))


@attempt("kernel.sys", "write to /sys: switch a CPU off, unbind a device, drop memory")
def sys_files(scene):
    paths = ["/sys/devices/system/cpu/cpu%d/online" % max(scene.foreign_cpus or {1}), "/sys/power/state", "/sys/kernel/mm/transparent_hugepage/enabled",
             "/sys/block/vda/queue/scheduler", "/sys/devices/virtual/workqueue/cpumask", "/sys/kernel/mm/ksm/run", *glob.glob("/sys/bus/pci/drivers/virtio-pci/unbind")]
    answers = {p: error_of(lambda: write(p, "0")) for p in paths if os.path.exists(p)}
    judge(None in answers.values(), "%d files: %s" % (len(answers), ", ".join(sorted({a or "written" for a in answers.values()}))))


@attempt("kernel.interrupts", "move interrupts to the neighbour's CPUs")
def interrupts(scene):
    paths = glob.glob("/proc/irq/*/smp_affinity_list")
    answers = {error_of(lambda: write(p, str(min(scene.neighbour.cpus)))) for p in paths}
    judge(None in answers, "%d interrupts: %s" % (len(paths), ", ".join(sorted(a or "moved" for a in answers))))


@attempt("kernel.mount", "mount a file system on the host")
def mount(scene):
    refused(lambda: syscalls.mount("none", "/mnt", "tmpfs"))


@attempt("kernel.chroot", "chroot")
def chroot(scene):
    refused(lambda: os.chroot("/"))


@attempt("kernel.device_node", "mknod of the disk")
def device_node(scene):
    path = scene.me.home + "/" + scene.name
    error = error_of(lambda: os.mknod(path, 0o660 | 0o060000, os.makedev(254, 0)))
    in_namespace = None
    if error:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        in_namespace = error_of(lambda: os.mknod(path, 0o660 | 0o060000, os.makedev(254, 0)))
    opened = error_of(lambda: os.close(os.open(path, os.O_RDONLY)))
    error_of(lambda: os.unlink(path))
    judge(opened is None, "mknod: %s; as root of a user namespace: %s" % (error or "made", in_namespace or "made"))


@attempt("kernel.accounting", "process accounting into an own file")
def accounting(scene):
    path = scene.me.home + "/" + scene.name
    write(path, "")
    error = error_of(lambda: syscalls.syscall(syscalls.ACCT, ctypes.c_char_p(path.encode())))
    os.unlink(path)
    judge(error is None, error or "switched on")


@attempt("kernel.ports", "I/O ports of the machine (iopl)")
def ports(scene):
    refused(lambda: syscalls.syscall(syscalls.IOPL, 3))


@attempt("kernel.addresses", "addresses of the kernel in /proc/kallsyms, /proc/kcore and /proc/iomem")
def addresses(scene):
    with open("/proc/kallsyms") as symbols:
        first = [symbols.readline().split()[0] for _ in range(20)]
    kcore = error_of(lambda: open("/proc/kcore", "rb"))
    judge(any(int(a, 16) for a in first) or kcore is None, "kallsyms: %s; kcore: %s" % (first[0], kcore))


@attempt("kernel.tracing", "debugfs and tracefs")
def tracing(scene):
    answers = [error_of(lambda: os.listdir(path)) for path in ("/sys/kernel/debug", "/sys/kernel/tracing", "/sys/fs/bpf")]
    judge(None in answers, "; ".join(a or "listed" for a in answers))


@attempt("kernel.keys_of_root", "the kernel's own keyrings")
def keys_of_root(scene):
    keys = [line.split()[0] for line in read("/proc/keys").splitlines() if " 0 " in line and ".builtin" in line]
    visible = len(read("/proc/keys").splitlines())
    answers = [error_of(lambda: syscalls.syscall(syscalls.KEYCTL, 3, ctypes.c_int(int(k, 16)))) for k in keys]
    judge(None in answers, "%d keys visible; revoke: %s" % (visible, "; ".join(a or "revoked" for a in answers) or "none to try"))


@attempt("kernel.binfmt", "register an interpreter that runs for everybody (binfmt_misc)")
def binfmt(scene):
    refused(lambda: write("/proc/sys/fs/binfmt_misc/register", ":kesc:M::escape::/bin/sh:C"))
