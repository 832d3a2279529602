"""More memory and swap than the unit has."""
import ctypes
import mmap
import os
import resource
import signal
import subprocess
import sys
import time

import syscalls
from suite import MIB, attempt, error_of, escaped, held, judge, need, not_applicable, python, read, refused, said, write
from userservice import environment

PAGEOUT = 21

# Tells how many MiB it has got so far; the kernel may end it at any of them.
HOGS = {
    "anonymous": "import mmap\nkept = []\ndef more():\n m = mmap.mmap(-1, 1 << 24); kept.append(m)\n for o in range(0, 1 << 24, 4096): m[o] = 1\n",
    "file": "import sys\nfile = open(sys.argv[2], 'wb', buffering=0)\nblock = b'x' * (1 << 20)\ndef more():\n for _ in range(16): file.write(block)\n",
    "memfd": "import os\nfile = os.fdopen(os.memfd_create('x'), 'wb', buffering=0)\nblock = b'x' * (1 << 20)\ndef more():\n for _ in range(16): file.write(block)\n",
    "sysv": """import ctypes, syscalls
syscalls.libc.shmat.restype = ctypes.c_void_p
def more():
 n = syscalls.syscall(syscalls.SHMGET, 0, 1 << 24, 0o1600)
 a = syscalls.libc.shmat(n, None, 0)
 syscalls.syscall(syscalls.SHMCTL, n, 0, None)
 for o in range(0, 1 << 24, 4096): ctypes.memset(a + o, 1, 1)
""",
    "userns": """import syscalls
syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
syscalls.mount('none', '/mnt', 'tmpfs', 0, 'size=8g')
file = open('/mnt/x', 'wb', buffering=0)
block = b'x' * (1 << 20)
def more():
 for _ in range(16): file.write(block)
""",
    "locked": """import mmap, ctypes, syscalls
kept = []
def more():
 m = mmap.mmap(-1, 1 << 24); kept.append(m)
 if syscalls.libc.mlock(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(m))), ctypes.c_size_t(1 << 24)): syscalls.fail()
""",
}
LOOP = """
open('/proc/self/oom_score_adj', 'w').write('1000')
got = 0
while got < int(sys.argv[1]):
 more(); got += 16; print(got, flush=True)
"""


def hog(scene, kind, prefix=(), path=""):
    """Takes memory until the unit's limit is passed, or the kernel says no, or next to nothing more is had."""
    limit = scene.me.memory_max // MIB
    kills_before = kills(scene)
    process = subprocess.Popen([*prefix, *python(HOGS[kind] + LOOP, str(limit + 64), path)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    most, counted, end, latest = 0, 0, time.monotonic() + 12, time.monotonic() + 45
    while process.poll() is None and time.monotonic() < min(end, latest):
        time.sleep(0.2)
        most = max(most, int(scene.slice("memory.current")))
        if most > counted + 32 * MIB:
            counted, end = most, max(end, time.monotonic() + 4)
    ended = process.poll()
    process.kill()
    text = process.stdout.read()
    process.wait()
    errors = process.stderr.read().strip().splitlines()
    got = int(text.split()[-1]) if text.split() else 0
    how = ("still at it, slowed down" if ended is None else "killed by signal %d" % -ended if ended < 0
           else "exit code %d" % ended)
    killed = kills(scene) - kills_before
    answered = "%s after %d MiB of %d; memory.current at most %d MiB; %d killed for memory%s" % (
        how, got, limit, most // MIB, killed, "; " + errors[-1] if errors else "")
    judge(got > limit or most > scene.me.memory_max, answered)


def kills(scene):
    events = dict(line.split() for line in scene.slice("memory.events").splitlines())
    return int(events["oom_kill"])


@attempt("memory.anonymous", "touch more memory than memory.max", alone=True)
def anonymous(scene):
    hog(scene, "anonymous")


@attempt("memory.user_service", "the same in a user service with MemoryMax=infinity", alone=True)
def user_service(scene):
    environment()
    hog(scene, "anonymous", ["systemd-run", "--user", "-q", "--scope", "-p", "MemoryMax=infinity", "-p", "MemoryHigh=infinity"])


@attempt("memory.dev_shm", "more than memory.max in /dev/shm", alone=True)
def dev_shm(scene):
    path = "/dev/shm/" + scene.name
    try:
        hog(scene, "file", path=path)
    finally:
        os.unlink(path)


@attempt("memory.run_user", "more than memory.max in /run/user", alone=True)
def run_user(scene):
    path = "/run/user/%d/%s" % (scene.me.uid, scene.name)
    try:
        hog(scene, "file", path=path)
    finally:
        os.unlink(path)


@attempt("memory.memfd", "more than memory.max in a memfd", alone=True)
def memfd(scene):
    hog(scene, "memfd")


@attempt("memory.sysv_shared", "more than memory.max in System V segments", alone=True)
def sysv_shared(scene):
    hog(scene, "sysv")


@attempt("memory.tmpfs_in_userns", "more than memory.max in a tmpfs of an own user namespace", alone=True)
def tmpfs_in_userns(scene):
    hog(scene, "userns")


@attempt("memory.mlock", "lock more memory than memory.max", alone=True)
def mlock(scene):
    hog(scene, "locked")


@attempt("memory.page_cache", "read a file larger than memory.max, so that it stays cached", alone=True)
def page_cache(scene):
    path = scene.me.home + "/" + scene.name
    size = scene.me.memory_max + 64 * MIB
    try:
        with open(path, "w+b", buffering=0) as file:
            file.truncate(size)
            most, block = 0, bytearray(4 * MIB)
            for n in range(size // (4 * MIB)):
                file.readinto(block)
                if n % 8 == 7:
                    most = max(most, int(scene.slice("memory.current")))
    finally:
        os.unlink(path)
    judge(most > scene.me.memory_max, "%d MiB read; memory.current at most %d MiB" % (size // MIB, most // MIB))


@attempt("memory.write_limit", "write max into memory.max, memory.high and memory.swap.max of the slice")
def write_limit(scene):
    answers = [error_of(lambda: write("/sys/fs/cgroup%s/%s" % (scene.me.cgroup, file), "max"))
               for file in ("memory.max", "memory.high", "memory.swap.max", "memory.oom.group")]
    judge(scene.slice("memory.max") != str(scene.me.memory_max), ", ".join(a or "it succeeded" for a in answers))


@attempt("memory.oom_score", "make the own process the last that the out-of-memory killer takes")
def oom_score(scene):
    refused(lambda: write("/proc/self/oom_score_adj", "-1000"))


@attempt("memory.lock_limit", "raise RLIMIT_MEMLOCK")
def lock_limit(scene):
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (-1, -1))
        escaped("raised")
    except (OSError, ValueError) as e:
        held(e)


@attempt("memory.hugepages", "reserve huge pages, which are not charged like others")
def hugepages(scene):
    error = error_of(lambda: write("/proc/sys/vm/nr_hugepages", "8"))
    mapped = error_of(lambda: mmap.mmap(-1, 2 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000))
    judge(error is None or mapped is None, "nr_hugepages: %s; mmap: %s" % (error, mapped))


@attempt("swap.page_out", "push own pages into swap with madvise(MADV_PAGEOUT)")
def page_out(scene):
    if scene.me.memory_max and not int(scene.ask("swap_total")):
        not_applicable("the host has no swap")
    size = 32 * MIB
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for offset in range(0, size, 4096):
        memory[offset] = 1
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    error = error_of(lambda: syscalls.syscall(syscalls.MADVISE, address, size, PAGEOUT))
    swapped = read("/proc/self/status").split("VmSwap:")[1].split()[0]
    judge(int(swapped) * 1024 > scene.values["tenant"]["swap_max"], "%s; VmSwap %s kB" % (error or "the call succeeded", swapped))


@attempt("swap.user_service", "the same in a user service with MemorySwapMax=infinity")
def swap_in_user_service(scene):
    if not int(scene.ask("swap_total")):
        not_applicable("the host has no swap")
    environment()
    code = ("import mmap, ctypes, syscalls\nm = mmap.mmap(-1, 1 << 25, flags=34)\nfor o in range(0, 1 << 25, 4096): m[o] = 1\n"
            "syscalls.syscall(28, ctypes.addressof(ctypes.c_char.from_buffer(m)), 1 << 25, 21)\n"
            "print('VmSwap', open('/proc/self/status').read().split('VmSwap:')[1].split()[0])")
    _, text = said("systemd-run", "--user", "-q", "--scope", "-p", "MemorySwapMax=infinity", *python(code))
    if "VmSwap" not in text:
        held(text)
    judge(int(text.split()[-1]) * 1024 > scene.values["tenant"]["swap_max"], text + " kB")


@attempt("swap.swapon", "swapon of an own file")
def swapon(scene):
    path = scene.me.home + "/" + scene.name
    write(path, "x" * 65536)
    try:
        refused(lambda: syscalls.syscall(syscalls.SWAPON, ctypes.c_char_p(path.encode()), 0))
    finally:
        os.unlink(path)
