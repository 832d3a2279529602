"""More disk space and more files than the unit has."""
import ctypes
import errno
import fcntl
import os
import random
import signal
import socket
import struct
import threading
import time

import syscalls
from suite import MIB, attempt, error_of, escaped, held, judge, missing, need, not_applicable, read, refused, said, write

GETXATTR, SETXATTR = 0x801C581F, 0x401C5820  # FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR


def mount_point(path):
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def limit_of(scene, directory):
    """The limit of the file system that holds a directory, as the host names it."""
    source = scene.ask("device", path=directory)
    for disk in scene.me.disks:
        if scene.ask("device", path=disk["mount_point"]) == source:
            return disk
    not_applicable("no size limit was promised on the file system of " + directory)


def set_project(path, project, inherit=0):
    """What chattr -p does: ioctl_fssetxattr, FS_IOC_FSSETXATTR."""
    fd = os.open(path, os.O_RDONLY)
    try:
        buffer = bytearray(28)
        fcntl.ioctl(fd, GETXATTR, buffer)
        flags, extent, extents, _, cow = struct.unpack_from("5I", buffer)
        flags = flags & ~0x200 | inherit
        struct.pack_into("5I", buffer, 0, flags, extent, extents, project, cow)
        fcntl.ioctl(fd, SETXATTR, buffer)
    finally:
        os.close(fd)


def fill(scene, directory, before=lambda path: None):
    """Stores more than the limit allows, piece by piece."""
    disk = limit_of(scene, directory)
    place = os.path.join(directory, scene.name)
    os.mkdir(place)
    stored, answer = 0, "all was stored"
    try:
        before_said = error_of(lambda: before(place))
        piece = 8 * MIB
        while stored <= disk["size"] + 2 * piece:
            path = "%s/%d" % (place, stored)
            fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            error_of(lambda: before(path))
            try:
                os.posix_fallocate(fd, 0, piece)
            finally:
                os.close(fd)
            stored += piece
    except OSError as e:
        answer = "%s: %s" % (errno.errorcode.get(e.errno), e.strerror)
    used = scene.ask("quota_used", uid=scene.me.uid, mount_point=disk["mount_point"])
    said("rm", "-rf", place)
    judge(stored > disk["size"] or used["kib"] << 10 > disk["size"],
          "%s after %d MiB of %d; the kernel counts %d MiB" % (answer, stored // MIB, disk["size"] // MIB, used["kib"] >> 10))


@attempt("quota.home", "store more than the limit in the home", alone=True)
def home(scene):
    fill(scene, scene.me.home)


@attempt("quota.opt", "store more than the limit in /opt", alone=True)
def opt(scene):
    fill(scene, scene.me.opt)


@attempt("quota.mnt", "store more than the limit in /mnt", alone=True)
def mnt(scene):
    fill(scene, scene.me.mnt)


def fill_shared(scene, directory):
    if os.stat(directory).st_dev != os.stat(scene.me.home).st_dev and "tmpfs" in said("stat", "-f", "-c", "%T", directory)[1]:
        from memory import hog
        path = directory + "/" + scene.name
        try:
            hog(scene, "file", path=path)
        finally:
            os.unlink(path)
    fill(scene, directory)


@attempt("quota.tmp", "store more than the limit in /tmp", alone=True)
def tmp(scene):
    fill_shared(scene, "/tmp")


@attempt("quota.var_tmp", "store more than the limit in /var/tmp", alone=True)
def var_tmp(scene):
    fill_shared(scene, "/var/tmp")


@attempt("quota.project_zero", "leave the project (chattr -p 0), then store more than the limit", alone=True)
def project_zero(scene):
    fill(scene, scene.me.mnt, lambda path: set_project(path, 0))


@attempt("quota.no_inheritance", "drop project inheritance (chattr -P) in the home, then store more than the limit", alone=True)
def no_inheritance(scene):
    def drop(path):
        if os.path.isdir(path):
            set_project(scene.me.home, 0)
            set_project(path, 0)

    try:
        fill(scene, scene.me.home, drop)
    finally:
        set_project(scene.me.home, scene.me.uid, 0x200)


@attempt("quota.neighbours_project", "charge own files to the neighbour's project, so that the neighbour cannot write", alone=True)
def neighbours_project(scene):
    disk = limit_of(scene, scene.me.mnt)
    place = scene.me.mnt + "/" + scene.name
    os.mkdir(place)
    stored, answer = 0, "as much as was wanted"
    error = error_of(lambda: set_project(place, scene.neighbour.uid, 0x200))
    try:
        while stored <= disk["size"]:
            fd = os.open("%s/%d" % (place, stored), os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(fd, 0, 4 * MIB)
            finally:
                os.close(fd)
            stored += 4 * MIB
    except OSError as e:
        answer = errno.errorcode.get(e.errno)
    theirs = scene.neighbour_says("write_file", path=scene.neighbour.mnt + "/kloigos-escape-file", size=16 * MIB)
    said("rm", "-rf", place)
    judge(theirs, "set project: %s; stored %d MiB there (%s); the neighbour writing 16 MiB: %s" % (
        error or "set", stored // MIB, answer, theirs or "stored"))


@attempt("quota.files", "make more files than the limit", alone=True, limit=60)
def files(scene):
    disk = limit_of(scene, scene.me.home)
    place = scene.me.home + "/" + scene.name
    os.mkdir(place)
    wanted, made, answer = disk["inodes"] + 64, 0, "all were made"
    try:
        for n in range(wanted):
            os.mknod("%s/%d" % (place, n))
            made += 1
    except OSError as e:
        answer = "%s: %s" % (errno.errorcode.get(e.errno), e.strerror)
    used = scene.ask("quota_used", uid=scene.me.uid, mount_point=disk["mount_point"])
    said("rm", "-rf", place, seconds=50)
    judge(used["files"] > disk["inodes"] or made > disk["inodes"], "%s after %d of %d; the kernel counts %d" % (
        answer, made, disk["inodes"], used["files"]))


@attempt("quota.attributes", "store data in extended attributes, which are no blocks of a file", alone=True)
def attributes(scene):
    disk = limit_of(scene, scene.me.home)
    path = scene.me.home + "/" + scene.name
    before = scene.ask("quota_used", uid=scene.me.uid, mount_point=disk["mount_point"])["kib"]
    stored = 0
    try:
        os.mkdir(path)
        for n in range(64):
            file = "%s/%d" % (path, n)
            os.mknod(file)
            os.setxattr(file, "user.data", os.urandom(3000))
            stored += 3
    except OSError as e:
        held(e)
    finally:
        os.sync()
        after = scene.ask("quota_used", uid=scene.me.uid, mount_point=disk["mount_point"])["kib"]
        said("rm", "-rf", path)
    judge(after - before < stored, "%d KiB in attributes; the kernel counts %d KiB more" % (stored, after - before))


@attempt("quota.sparse", "a sparse file that is filled later", alone=True)
def sparse(scene):
    disk = limit_of(scene, scene.me.home)
    path = scene.me.home + "/" + scene.name
    written, answer = 0, "all was written"
    try:
        with open(path, "wb", buffering=0) as file:
            file.truncate(disk["size"] * 4)
            while written <= disk["size"] + 16 * MIB:
                os.posix_fallocate(file.fileno(), written * 3, 8 * MIB)
                written += 8 * MIB
    except OSError as e:
        answer = "%s: %s" % (errno.errorcode.get(e.errno), e.strerror)
    finally:
        os.unlink(path)
    judge(written > disk["size"], "%s after %d MiB of %d" % (answer, written // MIB, disk["size"] // MIB))


@attempt("quota.subordinate_users", "own files by subordinate user ids (newuidmap), outside the quota")
def subordinate_users(scene):
    ids = [line for line in read("/etc/subuid").splitlines() if line.startswith(scene.me.user + ":")] if os.path.exists("/etc/subuid") else []
    if missing("newuidmap"):
        judge(ids, "newuidmap is not installed; /etc/subuid names %s" % (ids or "none for the unit"))
    _, text = said("unshare", "-U", "--map-users=auto", "--map-groups=auto", "true")
    judge(ids, "%s; /etc/subuid names %s" % (text, ids or "none for the unit"))


@attempt("quota.userns_owner", "own files by another user id of an own user namespace")
def userns_owner(scene):
    path = scene.me.home + "/" + scene.name
    write(path, "x")
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    error = error_of(lambda: os.chown(path, 1, 1))
    owner = scene.ask("owner", path=path)
    os.unlink(path)
    judge(owner["uid"] != scene.me.uid, error or "it succeeded")


@attempt("quota.quotactl", "raise the own quota, or switch quotas off")
def quotactl(scene):
    import ctypes
    disk = limit_of(scene, scene.me.home)
    source = next(l.split()[0] for l in read("/proc/mounts").splitlines() if l.split()[1] == disk["mount_point"])
    block = ctypes.create_string_buffer(128)
    answers = [error_of(lambda: syscalls.syscall(syscalls.QUOTACTL, command << 8, ctypes.c_char_p(os.path.realpath(source).encode()), scene.me.uid, block))
               for command in (0x800008, 0x800003)]
    judge(None in answers, "Q_SETQUOTA: %s; Q_QUOTAOFF: %s" % tuple(a or "it succeeded" for a in answers))


@attempt("quota.run_lock", "fill /run/lock, a small tmpfs that all share", alone=True)
def run_lock(scene):
    path = "/run/lock/" + scene.name
    stored, answer = 0, "8 MiB were stored"
    try:
        with open(path, "wb", buffering=0) as file:
            while stored < 8 * MIB:
                stored += file.write(b"x" * 65536)
    except OSError as e:
        answer = "%s: %s" % (errno.errorcode.get(e.errno), e.strerror)
    theirs = scene.ask("room", path="/run/lock")
    error_of(lambda: os.unlink(path))
    judge(theirs == 0, "%s after %d KiB; root finds %d KiB free" % (answer, stored >> 10, theirs >> 10))


def exhaust(scene, kind, make, remove, most):
    """Takes as many of what all share as it can, and looks whether the neighbour still gets one."""
    made, answer = [], "as many as were wanted"
    try:
        while len(made) < most:
            made.append(make())
    except OSError as e:
        answer = "%s: %s" % (errno.errorcode.get(e.errno), e.strerror)
    try:
        theirs = scene.neighbour_says("make", kind=kind)
    finally:
        for each in made:
            remove(each)
    judge(theirs, "%d made, %s; the neighbour: %s" % (len(made), answer, theirs or "still gets one"))


@attempt("shared.sysv_segments", "take every System V shared memory id of the host", alone=True)
def sysv_segments(scene):
    exhaust(scene, "shm", lambda: syscalls.syscall(syscalls.SHMGET, 0, 1, 0o1600),
            lambda n: syscalls.syscall(syscalls.SHMCTL, n, 0, None), 5000)


@attempt("shared.sysv_semaphores", "take every System V semaphore id of the host", alone=True)
def sysv_semaphores(scene):
    exhaust(scene, "sem", lambda: syscalls.syscall(syscalls.SEMGET, 0, 1, 0o1600),
            lambda n: syscalls.syscall(syscalls.SEMCTL, n, 0, 0), 33000)


@attempt("shared.sysv_queues", "take every System V message queue of the host", alone=True)
def sysv_queues(scene):
    exhaust(scene, "msg", lambda: syscalls.syscall(syscalls.MSGGET, 0, 0o1600),
            lambda n: syscalls.syscall(syscalls.MSGCTL, n, 0, None), 33000)


@attempt("shared.terminals", "take every pseudo terminal of the host", alone=True)
def terminals(scene):
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    exhaust(scene, "pty", lambda: os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY), os.close, 6000)


@attempt("shared.inotify", "take every inotify instance")
def inotify(scene):
    exhaust(scene, "inotify", lambda: syscalls.syscall(syscalls.INOTIFY_INIT1, 0), os.close, 1000)


@attempt("shared.inotify_watches", "take every inotify watch", alone=True)
def inotify_watches(scene):
    watcher = syscalls.syscall(syscalls.INOTIFY_INIT1, 0)
    directories = [d for d, _, _ in os.walk("/usr")] + [d for d, _, _ in os.walk("/sys")]

    def watch(paths=iter(directories)):
        return syscalls.syscall(syscalls.INOTIFY_ADD_WATCH, watcher, os.fsencode(next(paths)), 2)

    exhaust(scene, "watch", watch, lambda n: syscalls.syscall(syscalls.INOTIFY_RM_WATCH, watcher, n), len(directories))


@attempt("shared.aio", "take every event of asynchronous I/O (fs.aio-max-nr)", alone=True)
def aio(scene):
    def context():
        number = ctypes.c_ulong(0)
        syscalls.syscall(syscalls.IO_SETUP, 256, ctypes.byref(number))
        return number.value

    exhaust(scene, "aio", context, lambda n: syscalls.syscall(syscalls.IO_DESTROY, n), 5000)


@attempt("shared.message_queues", "take every POSIX message queue of the host (fs.mqueue.queues_max)", alone=True)
def message_queues(scene):
    names = ["%s-%d" % (scene.name, n) for n in range(20000)]
    attributes = struct.pack("8q", 0, 1, 1, 0, 0, 0, 0, 0)

    def queue(left=iter(names)):
        name = next(left).encode()
        os.close(syscalls.syscall(syscalls.MQ_OPEN, name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600, attributes))
        return name

    exhaust(scene, "mqueue", queue, lambda name: syscalls.syscall(syscalls.MQ_UNLINK, name), len(names))


@attempt("shared.keys", "take every key that the kernel keeps", alone=True)
def keys(scene):
    def key(numbers=iter(range(5000))):
        name = b"%s-%d" % (scene.name.encode(), next(numbers))
        return syscalls.syscall(syscalls.ADD_KEY, b"user", name, b"x", 1, -1)

    exhaust(scene, "key", key, lambda n: syscalls.syscall(syscalls.KEYCTL, 9, n, -1), 4000)


@attempt("shared.open_files", "open files until nobody can (fs.file-max)", alone=True, limit=120)
def open_files(scene):
    take_every_file()
    exhaust(scene, "file", lambda: os.open("/dev/null", os.O_RDONLY), os.close, 400000)


@attempt("shared.processes", "take every process id and every task of the host", alone=True, limit=120)
def processes(scene):
    def process():
        pid = os.fork()
        if pid == 0:
            signal.pause()
        return pid

    def end(pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    exhaust(scene, "process", process, end, scene.me.tasks_max)


def take_every_file():
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def ephemeral_port(kind, wanted):
    """Keeps a port that the kernel gives to clients: the wanted one, or any if that is refused."""
    taken = socket.socket(socket.AF_INET, kind)
    try:
        try:
            taken.bind(("0.0.0.0", wanted))
        except PermissionError:
            if kind == socket.SOCK_STREAM:
                taken.listen(1)
            else:
                taken.connect(("127.0.0.1", 9))
        return taken
    except OSError:
        taken.close()
        raise


def take_ephemeral_ports(kind):
    first, last = map(int, read("/proc/sys/net/ipv4/ip_local_port_range").split())
    taken, answer = [], None
    for port in range(first, last + 1):
        try:
            taken.append(ephemeral_port(kind, port))
        except OSError as e:
            answer = errno.errorcode.get(e.errno)
            if e.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                break
    return taken, "%d of %d, last refusal: %s" % (len(taken), last + 1 - first, answer)


@attempt("shared.ephemeral_ports", "keep every port that the kernel gives to clients, so that nobody can connect", alone=True, limit=180)
def ephemeral_ports(scene):
    take_every_file()
    said_of, troubled = [], []
    for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        taken, answer = take_ephemeral_ports(kind)
        try:
            theirs, roots = scene.neighbour_says("connect", proto=name), scene.ask("connects", proto=name)
        finally:
            for each in taken:
                each.close()
        troubled += [theirs, roots]
        said_of.append("%s: %s; the neighbour: %s; root: %s" % (name, answer, theirs or "connects", roots or "connects"))
    judge(any(troubled), "; ".join(said_of))


TRACKED = "/proc/sys/net/netfilter/nf_conntrack_"


def open_and_close(port, _):
    with socket.socket() as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", port))


def open_and_keep(port, kept):
    client = socket.socket()
    client.settimeout(1)
    client.connect(("127.0.0.1", port))
    kept.append(client)


def send_everywhere(port, kept):
    if not kept:
        kept += [socket.socket(socket.AF_INET, socket.SOCK_DGRAM), random.Random(os.getpid())]
    for _ in range(64):
        kept[0].sendto(b"x", ("127.%d.%d.%d" % tuple(kept[1].randrange(1, 255) for _ in range(3)), port))


@attempt("shared.conntrack", "fill the table of tracked connections, so that nobody gets another", alone=True, limit=120)
def conntrack(scene):
    if not os.path.exists(TRACKED + "count"):
        not_applicable("the kernel tracks no connections here")
    take_every_file()
    most, before = int(read(TRACKED + "max")), int(read(TRACKED + "count"))
    server = socket.socket()
    server.bind(("0.0.0.0", scene.me.first_port + 30))
    server.listen(4096)
    end = time.monotonic() + 25

    def fill(action):
        pid = os.fork()
        if pid == 0:
            kept = []
            while time.monotonic() < end + 15:
                if time.monotonic() < end:
                    error_of(lambda: action(scene.me.first_port + 30, kept))
                else:
                    time.sleep(1)
            os._exit(0)
        return pid

    def accept(kept=[]):
        while True:
            kept.append(server.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    children = [fill(action) for action in (open_and_close, open_and_keep, send_everywhere, send_everywhere)]
    try:
        time.sleep(max(0, end - time.monotonic()))
        count = int(read(TRACKED + "count"))
        theirs, roots = scene.neighbour_says("connect", proto="tcp"), scene.ask("connects", proto="tcp")
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    judge(theirs or roots or count - before > most // 4, "%d of %d tracked after 25 s, %d before; the neighbour: %s; root: %s" % (
        count, most, before, theirs or "connects", roots or "connects"))
