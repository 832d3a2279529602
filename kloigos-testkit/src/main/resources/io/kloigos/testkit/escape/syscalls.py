"""System calls that Python has no name for."""
import ctypes
import os
import platform

if platform.machine() != "x86_64":
    raise SystemExit("the escape suite knows the system calls of x86_64 only")

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

PTRACE = 101
IOPL = 172
ACCT = 163
REBOOT = 169
SWAPON = 167
INIT_MODULE = 175
QUOTACTL = 179
SETTIMEOFDAY = 164
MBIND = 237
SET_MEMPOLICY = 238
GET_MEMPOLICY = 239
KEXEC_LOAD = 246
KEYCTL = 250
ADD_KEY = 248
IOPRIO_SET = 251
MIGRATE_PAGES = 256
MOVE_PAGES = 279
PERF_EVENT_OPEN = 298
OPEN_BY_HANDLE_AT = 304
KCMP = 312
PROCESS_VM_READV = 310
SCHED_SETATTR = 314
MEMFD_CREATE = 319
BPF = 321
USERFAULTFD = 323
IO_URING_SETUP = 425
IO_URING_ENTER = 426
IO_URING_REGISTER = 427
PIDFD_OPEN = 434
PIDFD_GETFD = 438
SHMGET = 29
SHMAT = 30
SHMCTL = 31
SEMGET = 64
SEMCTL = 66
MSGGET = 68
MSGSND = 69
MSGCTL = 71
INOTIFY_INIT1 = 294
INOTIFY_ADD_WATCH = 254
INOTIFY_RM_WATCH = 255
IO_SETUP = 206
IO_DESTROY = 207
MQ_OPEN = 240
MQ_UNLINK = 241
MADVISE = 28

CLONE_NEWNS = 0x20000
CLONE_NEWCGROUP = 0x2000000
CLONE_NEWIPC = 0x8000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000


def syscall(number, *arguments):
    """Makes a system call; numbers become longs. Raises OSError."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        fail()
    return result


def fail():
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


def unshare(flags):
    """Enters new namespaces; with a user namespace, as its root."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(ctypes.c_int(flags)) != 0:
        fail()
    if flags & CLONE_NEWUSER:
        for file, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid), ("gid_map", "0 %d 1" % gid)):
            with open("/proc/self/" + file, "w") as out:
                out.write(text)


def mount(source, target, kind, flags=0, data=None):
    encode = lambda text: None if text is None else text.encode()
    if libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)) != 0:
        fail()


def setns(fd, kind):
    if libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)) != 0:
        fail()
