"""Processes of others."""
import ctypes
import os
import signal
import struct

import neighbour
import syscalls
from suite import attempt, error_of, escaped, held, judge, need, not_applicable, read, refused, said, write


def unchanged(scene, before, said):
    after = scene.neighbour_says("state")
    changed = [key for key in before if before[key] != after[key]]
    judge(changed, "%s; the neighbour's process: %s" % (said or "it succeeded", "changed: " + ", ".join(changed) if changed else "as before"))


def on_neighbour(scene, action):
    """Does something to the neighbour's process and looks at that process before and after."""
    before = scene.neighbour_says("state")
    unchanged(scene, before, error_of(lambda: action(before["pid"])))


@attempt("processes.kill", "kill the neighbour's process, and init")
def kill(scene):
    init = error_of(lambda: os.kill(1, signal.SIGTERM))
    on_neighbour(scene, lambda pid: os.kill(pid, signal.SIGKILL)) if init else escaped("kill of init succeeded")


@attempt("processes.kill_all", "kill the neighbour's processes as root of an own user namespace")
def kill_all(scene):
    before = scene.neighbour_says("state")
    if os.fork() == 0:
        error_of(lambda: syscalls.unshare(syscalls.CLONE_NEWUSER))
        error_of(lambda: os.kill(before["pid"], signal.SIGKILL))
        error_of(lambda: os.kill(before["main"], signal.SIGKILL))
        os._exit(0)
    os.wait()
    unchanged(scene, before, "done as root of a user namespace")


@attempt("processes.ptrace", "attach to the neighbour's process with ptrace")
def ptrace(scene):
    refused(lambda: syscalls.syscall(syscalls.PTRACE, 16, scene.neighbour_says("state")["pid"], 0, 0))


@attempt("processes.memory_file", "open the neighbour's /proc/PID/mem")
def memory_file(scene):
    refused(lambda: open("/proc/%d/mem" % scene.neighbour_says("state")["pid"], "rb"))


@attempt("processes.read_memory", "process_vm_readv from the neighbour")
def read_memory(scene):
    buffer = ctypes.create_string_buffer(64)
    local = struct.pack("QQ", ctypes.addressof(buffer), 64)
    remote = struct.pack("QQ", 0x400000, 64)
    refused(lambda: syscalls.syscall(syscalls.PROCESS_VM_READV, scene.neighbour_says("state")["pid"],
                                     ctypes.c_char_p(local), 1, ctypes.c_char_p(remote), 1, 0))


@attempt("processes.priority", "lower the priority of the neighbour's process")
def priority(scene):
    on_neighbour(scene, lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19))


@attempt("processes.affinity", "press the neighbour's process onto one CPU")
def affinity(scene):
    on_neighbour(scene, lambda pid: os.sched_setaffinity(pid, {min(scene.neighbour.cpus)}))


@attempt("processes.limits", "prlimit of the neighbour's process")
def limits(scene):
    import resource
    on_neighbour(scene, lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3)))


@attempt("processes.oom_score", "make the neighbour's process the first that the out-of-memory killer takes")
def oom_score(scene):
    on_neighbour(scene, lambda pid: write("/proc/%d/oom_score_adj" % pid, "1000"))


@attempt("processes.io_priority", "lower the I/O priority of the neighbour's process")
def io_priority(scene):
    refused(lambda: syscalls.syscall(syscalls.IOPRIO_SET, 1, scene.neighbour_says("state")["pid"], 3 << 13))


@attempt("processes.migrate", "migrate the pages of the neighbour's process")
def migrate(scene):
    mask = ctypes.c_ulong(1)
    pid = scene.neighbour_says("state")["pid"]
    refused(lambda: syscalls.syscall(syscalls.MIGRATE_PAGES, pid, 64, ctypes.byref(mask), ctypes.byref(mask)))


@attempt("processes.capture", "move the neighbour's process into a cgroup of the unit's")
def capture(scene):
    target = "/sys/fs/cgroup%s/user@%d.service/cgroup.procs" % (scene.me.cgroup, scene.me.uid)
    on_neighbour(scene, lambda pid: write(target, str(pid)))


@attempt("processes.file_of_other", "take a file descriptor out of the neighbour's process (pidfd_getfd)")
def file_of_other(scene):
    pidfd = syscalls.syscall(syscalls.PIDFD_OPEN, scene.neighbour_says("state")["main"], 0)
    refused(lambda: syscalls.syscall(syscalls.PIDFD_GETFD, pidfd, 0, 0))


@attempt("processes.visible", "see the processes of others, with their arguments, in /proc")
def visible(scene):
    state = scene.neighbour_says("state")
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and error_of(lambda: os.stat("/proc/" + name)) is None
              and os.stat("/proc/" + name).st_uid not in (os.getuid(),)]
    arguments = error_of(lambda: read("/proc/%d/cmdline" % state["pid"])) or read("/proc/%d/cmdline" % state["pid"]).replace("\0", " ")
    judge(state["pid"] in others or others, "%d processes of others are listed; the neighbour's arguments: %s" % (len(others), arguments))


@attempt("processes.cgroup_list", "see which processes and services the neighbour runs, in /sys/fs/cgroup")
def cgroup_list(scene):
    base = "/sys/fs/cgroup" + scene.neighbour.cgroup
    seen = error_of(lambda: os.listdir(base))
    pids = error_of(lambda: read(base + "/user@%d.service/init.scope/cgroup.procs" % scene.neighbour.uid))
    judge(seen is None or pids is None, "list: %s; pids: %s" % (seen or "listed", pids or "read"))


@attempt("processes.keys", "read, or take the possession of, the neighbour's kernel keys")
def keys(scene):
    key = scene.neighbour_says("state")["key"]
    buffer = ctypes.create_string_buffer(64)
    answers = [error_of(lambda: syscalls.syscall(syscalls.KEYCTL, 11, key, buffer, 64)),
               error_of(lambda: syscalls.syscall(syscalls.KEYCTL, 8, key, -4)),
               error_of(lambda: syscalls.syscall(syscalls.KEYCTL, 3, key))]
    judge(None in answers, "read: %s; link: %s; revoke: %s" % tuple(a or "it succeeded" for a in answers))


@attempt("processes.sysv_memory", "attach, read and remove the neighbour's System V shared memory")
def sysv_memory(scene):
    before = scene.neighbour_says("state")
    attach = error_of(lambda: syscalls.syscall(syscalls.SHMAT, before["segment"], 0, 0o10000))
    remove = error_of(lambda: syscalls.syscall(syscalls.SHMCTL, before["segment"], 0, None))
    if attach is None:
        escaped("attached")
    unchanged(scene, before, "attach: %s; remove: %s" % (attach, remove))


@attempt("processes.sysv_queue", "write into and remove the neighbour's System V message queue")
def sysv_queue(scene):
    before = scene.neighbour_says("state")
    message = ctypes.create_string_buffer(struct.pack("q8s", 1, b"message"))
    send = error_of(lambda: syscalls.syscall(syscalls.MSGSND, before["queue"], message, 8, 0o4000))
    remove = error_of(lambda: syscalls.syscall(syscalls.MSGCTL, before["queue"], 0, None))
    if send is None:
        escaped("sent")
    unchanged(scene, before, "send: %s; remove: %s" % (send, remove))


@attempt("processes.perf", "watch the neighbour's process with perf events")
def perf(scene):
    attributes = ctypes.create_string_buffer(struct.pack("II", 1, 128) + bytes(120))
    refused(lambda: syscalls.syscall(syscalls.PERF_EVENT_OPEN, attributes, scene.neighbour_says("state")["pid"], -1, -1, 0))


@attempt("processes.compare", "kcmp of the neighbour's process with another")
def compare(scene):
    state = scene.neighbour_says("state")
    refused(lambda: syscalls.syscall(syscalls.KCMP, state["pid"], state["main"], 1, 0, 0))
