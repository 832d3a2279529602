"""What one tenant leaves for after its release, looked for as the next tenant of the same unit, whose user has the same name and
number. Its neighbour is in league with it, and stays."""
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import logins
import syscalls
from suite import attempt, error_of, escaped, held, judge, missing, need, not_applicable, python, read, said, spawn, wait_for, write
from userservice import environment

registry = {}
MARK = "kloigos-escape-left"
ACL_VERSION, ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_MASK, ACL_OTHER = 2, 1, 2, 4, 16, 32


def survivor(name, tried, plant, limit=60):
    """Registers an attempt that `plant` prepares, before the release; the function says what the next tenant finds."""

    def register(function):
        function.plant = plant
        return attempt("survival." + name, tried, limit=limit, registry=registry)(function)

    return register


def mark(scene, what):
    """A file that says that something ran after the release."""
    return "/var/tmp/%s-%s-%d" % (MARK, what, scene.me.uid)


def judge_mark(scene, what, seconds):
    there = wait_for(lambda: os.path.exists(mark(scene, what)), seconds)
    judge(there, "it ran again" if there else "nothing ran within %d s" % seconds)


def detached(action):
    """Runs `action` in a daemon of a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        try:
            action()
        finally:
            os._exit(0)
    os.wait()


# What would start, or go on, by itself


def plant_daemon(scene):
    reader, writer = os.pipe()

    def stay():
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                error_of(lambda: signal.signal(number, signal.SIG_IGN))
        os.write(writer, b"%d" % os.getpid())
        time.sleep(3600)

    detached(stay)
    scene.keep("daemon", int(os.read(reader, 20)))


@survivor("daemon", "a daemon in a session of its own that ignores every signal", plant_daemon)
def daemon(scene):
    judge_process(scene, scene.kept("daemon"))


def judge_process(scene, pid):
    ids = scene.ask("ids", pid=pid)
    judge(ids and scene.me.uid in ids, "process %d has the ids %s" % (pid, ids) if ids else "process %d is gone" % pid)


def plant_namespaces(scene):
    scene.keep("namespaces", spawn("unshare", "-UrmpCf", "sleep", "3600", start_new_session=True).pid)


@survivor("namespaces", "a daemon in own user, process, mount and cgroup namespaces", plant_namespaces)
def namespaces(scene):
    judge_process(scene, scene.kept("namespaces"))


def user_unit(scene, name, text):
    directory = scene.me.home + "/.config/systemd/user"
    os.makedirs(directory, exist_ok=True)
    write("%s/%s" % (directory, name), text)


def plant_service(scene):
    environment()
    user_unit(scene, MARK + ".service", "[Service]\nExecStart=/bin/sleep 3600\nRestart=always\nKillMode=none\n[Install]\nWantedBy=default.target\n")
    said("systemctl", "--user", "enable", "--now", MARK + ".service")


@survivor("service", "a service of the user manager that starts with it and is never to be stopped", plant_service)
def service(scene):
    environment()
    code, text = said("systemctl", "--user", "is-active", MARK + ".service")
    judge(code == 0, "systemd: " + text)


def plant_timer(scene):
    environment()
    user_unit(scene, MARK + "-timer.service", "[Service]\nExecStart=/usr/bin/touch %s\n" % mark(scene, "timer"))
    user_unit(scene, MARK + "-timer.timer", "[Timer]\nOnCalendar=*:*:0/5\nAccuracySec=1s\n[Install]\nWantedBy=timers.target\n")
    said("systemctl", "--user", "enable", "--now", MARK + "-timer.timer")


@survivor("timer", "a timer of the user manager, every five seconds", plant_timer)
def timer(scene):
    judge_mark(scene, "timer", 20)


def plant_crontab(scene):
    if not missing("crontab"):
        said("crontab", "-", stdin="* * * * * touch %s\n" % mark(scene, "crontab"))


@survivor("crontab", "a crontab, every minute", plant_crontab, limit=110)
def crontab(scene):
    need("crontab")
    judge_mark(scene, "crontab", 75)


def plant_at_jobs(scene):
    if not missing("at"):
        for minutes in range(1, 8):
            said("at", "now + %d minutes" % minutes, stdin="touch %s\n" % mark(scene, "at"))


@survivor("at_jobs", "at jobs for the next minutes", plant_at_jobs, limit=110)
def at_jobs(scene):
    need("at")
    judge_mark(scene, "at", 75)


# How it would come in again


def plant_login(scene):
    path = logins.key(scene)
    with open(scene.me.home + "/.ssh/authorized_keys", "a") as file:
        file.write(read(path + ".pub") + "\n")
    os.chmod(scene.me.home + "/.ssh/authorized_keys", 0o600)
    scene.keep("login", read(path))


@survivor("login", "log in with the key that the last tenant had in ~/.ssh/authorized_keys", plant_login, limit=240)
def login(scene):
    path = scene.me.home + "/" + scene.name
    write(path, scene.kept("login") + "\n")
    os.chmod(path, 0o600)
    code, text = said(*logins.argv(path, scene.me.user, "id -un"), seconds=200)
    judge(code == 0, "ssh: " + text)


STARTUP = (".profile", ".bashrc", ".bash_profile", ".bash_logout", ".ssh/rc", ".config/environment.d/90-left.conf")


def plant_startup(scene):
    for name in STARTUP:
        path = "%s/%s" % (scene.me.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a") as file:
            file.write("# %s\n" % MARK)


@survivor("startup_files", "lines in the files that a shell, sshd and the user manager read first", plant_startup)
def startup_files(scene):
    paths = ["%s/%s" % (scene.me.home, name) for name in STARTUP]
    found = [path for path in paths if os.path.exists(path) and MARK in read(path)]
    judge(found, " ".join(found) or "none of them has a line of the last tenant")


def plant_program(scene):
    copy_of_python(scene.me.opt)


def copy_of_python(directory):
    """A set-user-ID and set-group-ID program of the caller's that others can run; returns its path."""
    path = directory + "/%s-python" % MARK
    if not os.path.exists(path):
        subprocess.run(["cp", os.path.realpath(sys.executable), path], check=True)
    os.chmod(directory, 0o755)
    os.chmod(path, 0o6755)
    return path


def plant_saved_id(scene):
    pid = scene.neighbour_says("spawn", argv=[copy_of_python(scene.me.opt), "-c", "import os, time\n"
                                              "user, owner, group = os.getuid(), os.geteuid(), os.getgid()\n"
                                              "os.setresgid(group, group, group)\nos.setresuid(user, user, owner)\n"
                                              "time.sleep(3600)\n"])
    wait_for(lambda: scene.me.uid in (scene.ask("ids", pid=pid) or ()), 10)
    scene.keep("saved_id", pid)


@survivor("saved_user_id", "a set-user-ID program of the last tenant's, in which a neighbour keeps the user id as the saved one", plant_saved_id)
def saved_user_id(scene):
    judge_process(scene, scene.kept("saved_id"))


def plant_thread(scene, name, then):
    """Has the neighbour run a program with a second thread that keeps the tenant's ids, and a first one that does `then`, by system
    calls of its own: libc would do it for all threads."""
    pid = scene.neighbour_says("spawn", argv=[copy_of_python(scene.me.opt), "-c", "import ctypes, os, threading, time\n"
                                              "user, group, libc = os.getuid(), os.getgid(), ctypes.CDLL(None)\n"
                                              "threading.Thread(target=time.sleep, args=(3600,)).start()\n"
                                              "time.sleep(1)\n" + then + "\ntime.sleep(3600)\n"])
    wait_for(lambda: scene.me.uid in (scene.ask("ids", pid=pid) or ()), 10)
    time.sleep(2)
    scene.keep(name, pid)


def plant_thread_ids(scene):
    # setresgid, setresuid
    plant_thread(scene, "thread_ids", "libc.syscall(119, group, group, group)\nlibc.syscall(117, user, user, user)")


@survivor("thread_user_id", "a set-user-ID program of the last tenant's, of which only a thread keeps the ids, and the first one has the neighbour's", plant_thread_ids)
def thread_user_id(scene):
    judge_process(scene, scene.kept("thread_ids"))


def plant_ended_thread(scene):
    # exit, which exit_group(2) is not
    plant_thread(scene, "ended_thread", "libc.syscall(60, 0)")


@survivor("ended_first_thread", "a set-user-ID program of the last tenant's whose first thread has ended, so that it looks like a zombie", plant_ended_thread)
def ended_first_thread(scene):
    judge_process(scene, scene.kept("ended_thread"))


# Where Yama guards processes, this one is open to whoever has its user id: ptrace(2), PR_SET_PTRACER.
LET_TRACE = "import ctypes, time\nctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)\ntime.sleep(3600)\n"


def plant_ring(scene):
    """Has the neighbour hold a ring of io_uring with the credentials of this user, for which sockets do not serve: a program with
    the neighbour's user id inherits it, and the neighbour takes it from there."""
    from uring import Ring
    try:
        ring = Ring()
        syscalls.syscall(syscalls.IO_URING_REGISTER, ring.fd, 9, None, 0)
    except BaseException as e:
        scene.keep("ring", str(e))
        return
    bridge = scene.neighbour_says("set_user_id_program")
    os.set_inheritable(ring.fd, True)
    process = spawn(bridge, "-c", "import os, sys\nos.setresgid(*3 * (os.getegid(),))\nos.setresuid(*3 * (os.geteuid(),))\n"
                                "os.execv(sys.argv[1], [sys.argv[1], '-c', sys.argv[2]])\n", sys.executable, LET_TRACE,
                    pass_fds=(ring.fd,), start_new_session=True)
    wait_for(lambda: read("/proc/%d/comm" % process.pid).startswith("python3"), 10)
    time.sleep(1)
    pid = scene.neighbour_says("spawn", argv=python(
        "import os, sys, time, syscalls\n"
        "fd = syscalls.syscall(syscalls.PIDFD_OPEN, int(sys.argv[1]), 0)\n"
        "ring = syscalls.syscall(syscalls.PIDFD_GETFD, fd, int(sys.argv[2]), 0)\n"
        "time.sleep(3600)\n", str(process.pid), str(ring.fd)))
    scene.keep("ring", pid)


@survivor("ring_credentials", "a ring of io_uring with the last tenant's credentials (IORING_REGISTER_PERSONALITY) in a neighbour's hands", plant_ring)
def ring_credentials(scene):
    pid = scene.kept("ring")
    if isinstance(pid, str):
        held("io_uring: " + pid)
    owners = scene.ask("ring_owners", pid=pid)
    judge(scene.me.uid in owners, "rings of process %d act for %s" % (pid, owners or "nobody"))


# With the credentials of whoever mounts it an overlay looks into the directories below, for whoever has it open.
OVERLAY = """import os, socket, syscalls, sys
directory, name, place = sys.argv[1:]
syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
syscalls.mount("overlay", place, "overlay", 0, "lowerdir=%s:/usr/share,userxattr" % directory)
fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\\0" + name)
    socket.send_fds(connection, [b"x"], [fd])
    connection.recv(1)
"""


def plant_overlay(scene):
    os.chmod(scene.me.mnt, 0o777)
    name = scene.neighbour_says("adopt", name="overlay")
    code, text = said(*python(OVERLAY, scene.me.mnt, name, "/media"))
    scene.keep("overlay", text if code else "")


@survivor("overlay", "an overlay of the unit's data directory, mounted by the last tenant and open in a neighbour's hands", plant_overlay)
def overlay(scene):
    if scene.kept("overlay"):
        held("overlay: " + scene.kept("overlay"))
    path = "%s/%s" % (scene.me.mnt, scene.name)
    write(path, "of the next tenant")
    os.chmod(path, 0o644)
    seen = scene.neighbour_says("look", name="overlay", path=scene.name)
    judge(seen == "of the next tenant", "the neighbour reads: %s" % seen)


# What would lie about


def plant_files(scene):
    for directory in (scene.me.home, scene.me.opt, scene.me.mnt, "/tmp", "/var/tmp", "/dev/shm"):
        write("%s/%s-file-%d" % (directory, MARK, scene.me.uid), MARK)
    for directory in ("/tmp", "/var/tmp"):
        error_of(lambda: os.mkdir("%s/%s-sealed-%d" % (directory, MARK, scene.me.uid), 0o000))
    error_of(lambda: os.link(scene.me.home + "/%s-file-%d" % (MARK, scene.me.uid), "/var/tmp/%s-link-%d" % (MARK, scene.me.uid)))


@survivor("files", "files, sealed directories and hard links, in its own directories and wherever all may write", plant_files)
def files(scene):
    found = ["%s/%s" % (directory, entry) for directory in (scene.me.home, scene.me.opt, scene.me.mnt, "/tmp", "/var/tmp", "/dev/shm")
             for entry in os.listdir(directory) if entry.startswith(MARK) and entry.endswith("-%d" % scene.me.uid)]
    judge(found, " ".join(found) or "none is there")


def plant_attributes(scene):
    everyone = struct.pack("<I", ACL_VERSION)
    for tag, permissions, who in ((ACL_USER_OBJ, 7, -1), (ACL_USER, 7, scene.neighbour.uid), (ACL_GROUP_OBJ, 7, -1), (ACL_MASK, 7, -1), (ACL_OTHER, 5, -1)):
        everyone += struct.pack("<HHi", tag, permissions, who)
    for directory in (scene.me.home, scene.me.opt, scene.me.mnt):
        error_of(lambda: os.setxattr(directory, "user." + MARK, MARK.encode()))
        error_of(lambda: os.setxattr(directory, "system.posix_acl_default", everyone))
        said("chattr", "+S", directory)


@survivor("directory_attributes", "acl(5) entries for a neighbour, xattr(7) and chattr(1) attributes of the unit's directories themselves", plant_attributes)
def directory_attributes(scene):
    found = []
    for directory in (scene.me.home, scene.me.opt, scene.me.mnt):
        found += ["%s:%s" % (directory, name) for name in os.listxattr(directory)]
        code, text = said("lsattr", "-d", directory)
        if code == 0 and "S" in text.split()[0]:
            found.append(directory + ":chattr +S")
    judge(found, " ".join(found) or "none is there")


def plant_ipc(scene):
    scene.keep("ipc", [syscalls.syscall(syscalls.SHMGET, 0, 4096, 0o1600), syscalls.syscall(syscalls.SEMGET, 0, 1, 0o1600),
                       syscalls.syscall(syscalls.MSGGET, 0, 0o1600)])
    error_of(lambda: os.close(syscalls.syscall(syscalls.MQ_OPEN, MARK.encode(), os.O_CREAT | os.O_RDWR, 0o600, None)))


@survivor("ipc", "System V shared memory, semaphores and a message queue; a POSIX message queue", plant_ipc)
def ipc(scene):
    memory, semaphores, queue = scene.kept("ipc")
    room = ctypes.create_string_buffer(256)
    answers = [error_of(lambda: syscalls.syscall(syscalls.SHMCTL, memory, 2, room)),
               error_of(lambda: syscalls.syscall(syscalls.SEMCTL, semaphores, 0, 2, room)),
               error_of(lambda: syscalls.syscall(syscalls.MSGCTL, queue, 2, room)),
               error_of(lambda: os.close(syscalls.syscall(syscalls.MQ_OPEN, MARK.encode(), os.O_RDONLY, 0, None)))]
    judge(None in answers, "; ".join(answer or "it is there" for answer in answers))


USER_KEYRING, SEARCH, GET_PERSISTENT = -4, 10, 22


def persistent_keyring():
    return syscalls.syscall(syscalls.KEYCTL, GET_PERSISTENT, -1, -2)


def plant_keys(scene):
    for ring in (USER_KEYRING, persistent_keyring()):
        syscalls.syscall(syscalls.ADD_KEY, b"user", MARK.encode(), b"secret", 6, ring)


@survivor("keys", "keys in the user keyring and in the persistent one", plant_keys)
def keys(scene):
    answers = [error_of(lambda: syscalls.syscall(syscalls.KEYCTL, SEARCH, ring, b"user", MARK.encode(), 0))
               for ring in (USER_KEYRING, persistent_keyring())]
    judge(None in answers, "; ".join(answer or "it is there" for answer in answers))


def port(scene):
    return scene.me.first_port + 160


def plant_socket(scene):
    server = socket.socket()
    server.bind(("0.0.0.0", port(scene)))
    server.listen(1)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + scene.neighbour_says("adopt", name="socket"))
        socket.send_fds(connection, [b"x"], [server.fileno()])
        connection.recv(1)


@survivor("socket", "a listening socket of the unit's own port, handed to a neighbour", plant_socket)
def listening_socket(scene):
    with socket.socket() as server:
        error = error_of(lambda: server.bind(("0.0.0.0", port(scene))))
    judge(error, error or "the port is free")


def plant_message(scene):
    said("logger", MARK + "-message")


@survivor("journal", "what it logged", plant_message)
def journal(scene):
    code, text = said("journalctl", "-q", "--no-pager", "-o", "cat", "MESSAGE=" + MARK + "-message")
    judge(code == 0 and MARK in text, "journalctl: " + text)
