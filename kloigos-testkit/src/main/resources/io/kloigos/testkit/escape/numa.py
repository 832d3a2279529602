"""Memory of other NUMA nodes."""
import ctypes
import mmap
import os

import syscalls
from suite import MIB, attempt, cpu_list, error_of, judge, need, not_applicable, python, read, said, write
from userservice import run_in_user_service

BIND, MOVE_ALL = 2, 4


def foreign_node(scene):
    nodes = scene.all_nodes - scene.me.nodes
    if not nodes:
        not_applicable("the unit may use every memory node of the host")
    return min(nodes)


def mask(node):
    return ctypes.byref(ctypes.c_ulong(1 << node))


def touched(size=16 * MIB):
    """Memory with something in it, and its address."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for offset in range(0, size, 4096):
        memory[offset] = 1
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


def nodes_of(pid):
    """The nodes on which a process has pages of its own: numa(7)."""
    nodes = set()
    for line in read("/proc/%s/numa_maps" % pid).splitlines():
        if "file=" not in line:
            nodes.update(int(word[1:].split("=")[0]) for word in line.split() if word[0] == "N" and word[1:2].isdigit())
    return nodes


def judge_nodes(scene, said):
    nodes = nodes_of("self")
    judge(nodes - scene.me.nodes, "%s; pages on nodes %s" % (said, sorted(nodes)))


@attempt("numa.set_mempolicy", "set_mempolicy(MPOL_BIND) to a foreign node, then touch memory")
def set_mempolicy(scene):
    node = foreign_node(scene)
    error = error_of(lambda: syscalls.syscall(syscalls.SET_MEMPOLICY, BIND, mask(node), 64))
    _ = touched()
    judge_nodes(scene, error or "it succeeded")


@attempt("numa.mbind", "mbind of a mapping to a foreign node")
def mbind(scene):
    node = foreign_node(scene)
    memory = mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    error = error_of(lambda: syscalls.syscall(syscalls.MBIND, address, 16 * MIB, BIND, mask(node), 64, 0))
    for offset in range(0, 16 * MIB, 4096):
        memory[offset] = 1
    judge_nodes(scene, error or "it succeeded")


@attempt("numa.move_pages", "move_pages of own pages to a foreign node")
def move_pages(scene):
    node = foreign_node(scene)
    _memory, address = touched()
    status = ctypes.c_int(-1)
    pages, nodes = (ctypes.c_void_p * 1)(address), (ctypes.c_int * 1)(node)
    error = error_of(lambda: syscalls.syscall(syscalls.MOVE_PAGES, 0, 1, pages, nodes, ctypes.byref(status), 2))
    judge_nodes(scene, "%s, page status %d" % (error or "the call succeeded", status.value))


@attempt("numa.migrate_pages", "migrate_pages of the own process to a foreign node")
def migrate_pages(scene):
    node = foreign_node(scene)
    _ = touched()
    old = ctypes.c_ulong(sum(1 << n for n in scene.me.nodes))
    error = error_of(lambda: syscalls.syscall(syscalls.MIGRATE_PAGES, 0, 64, ctypes.byref(old), mask(node)))
    judge_nodes(scene, error or "it succeeded")


@attempt("numa.numactl", "numactl --membind and --preferred of a foreign node")
def numactl(scene):
    need("numactl")
    node = foreign_node(scene)
    show = "b = bytearray(1 << 24)\nfrom numa import nodes_of\nprint('nodes', *sorted(nodes_of('self')))"
    answers = [said("numactl", option + str(node), *python(show)) for option in ("--membind=", "--preferred=")]
    words = [text.split("nodes ")[1].split() for _, text in answers if "nodes " in text]
    left = [w for w in words if set(map(int, w)) - scene.me.nodes]
    judge(left, "; ".join(text for _, text in answers))


@attempt("numa.cpuset_mems", "write every node into cpuset.mems of the slice")
def cpuset_mems(scene):
    foreign_node(scene)
    path = "/sys/fs/cgroup" + scene.me.cgroup + "/cpuset.mems"
    error = error_of(lambda: write(path, "0-%d" % max(scene.all_nodes)))
    judge(cpu_list(scene.slice("cpuset.mems.effective")) - scene.me.nodes, error or "it succeeded")


@attempt("numa.user_service_nodes", "systemd-run --user -p AllowedMemoryNodes= with every node")
def user_service_nodes(scene):
    foreign_node(scene)

    def judge_service(pid, text):
        allowed = read("/proc/%d/status" % pid).split("Mems_allowed_list:")[1].split()[0]
        judge(cpu_list(allowed) - scene.me.nodes, "%s; Mems_allowed_list %s" % (text, allowed))

    run_in_user_service(scene, "sleep", "60", properties=["AllowedMemoryNodes=0-%d" % max(scene.all_nodes)],
                        then=judge_service)


@attempt("numa.shared_memory", "shared memory of a foreign node by numactl --shm")
def shared_memory(scene):
    node = foreign_node(scene)
    path = "/dev/shm/" + scene.name
    with open(path, "w+b") as file:
        os.unlink(path)
        file.truncate(8 * MIB)
        memory = mmap.mmap(file.fileno(), 8 * MIB)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        error = error_of(lambda: syscalls.syscall(syscalls.MBIND, address, 8 * MIB, BIND, mask(node), 64, 0))
        for offset in range(0, 8 * MIB, 4096):
            memory[offset] = 1
        used = {int(w[1:].split("=")[0]) for line in read("/proc/self/numa_maps").splitlines() if scene.name in line
                for w in line.split() if w[0] == "N" and w[1:2].isdigit()}
    judge(used - scene.me.nodes, "%s; pages on nodes %s" % (error or "it succeeded", sorted(used)))
