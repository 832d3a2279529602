"""The tenant next door: has secrets, serves ports, and tells the witness how it fares."""
import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import syscalls
from suite import Unit, error_of
from witness import NEIGHBOUR

SECRET = "kloigos-escape-secret"
SERVED, SERVED_UDP, REUSED_UDP, REUSED_TCP = 10, 10, 11, 12


class Neighbour:
    def __init__(self, values):
        self.unit = Unit(values["neighbour"])
        self.heard = []
        self.adopted = {}

    def plant(self):
        os.umask(0o022)
        for directory in (self.unit.home, self.unit.opt, self.unit.mnt):
            with open(directory + "/kloigos-escape-secret", "w") as file:
                file.write(SECRET)
        with open("/tmp/kloigos-escape-public-%d" % self.unit.uid, "w") as file:
            file.write("public")
        self.shm = "/dev/shm/kloigos-escape-shm"
        old = os.umask(0o077)
        with open(self.shm, "w") as file:
            file.write(SECRET)
        os.umask(old)
        self.segment = syscalls.syscall(syscalls.SHMGET, 0, 4096, 0o1600)
        syscalls.libc.shmat.restype = ctypes.c_void_p
        ctypes.memmove(syscalls.libc.shmat(self.segment, None, 0), SECRET.encode(), len(SECRET))
        self.queue = syscalls.syscall(syscalls.MSGGET, 0, 0o1600)
        self.key = syscalls.syscall(syscalls.ADD_KEY, b"user", b"kloigos-escape-neighbour", SECRET.encode(), len(SECRET), -4)
        self.sleeper = subprocess.Popen(["sleep", "1000000"], env={"SECRET": SECRET, "PATH": "/usr/bin:/bin"})
        self.agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True).stdout
        self.socket_path = self.agent.split("SSH_AUTH_SOCK=")[1].split(";")[0]

    def serve(self):
        first = self.unit.first_port
        self.tcp(first + SERVED)
        self.udp(first + SERVED_UDP, "served")
        self.udp(first + REUSED_UDP, "reused", socket.SO_REUSEADDR, socket.SO_REUSEPORT)
        self.tcp(first + REUSED_TCP, socket.SO_REUSEPORT)

    def tcp(self, port, *options):
        server = socket.socket()
        for option in (socket.SO_REUSEADDR, *options):
            server.setsockopt(socket.SOL_SOCKET, option, 1)
        server.bind(("0.0.0.0", port))
        server.listen(16)

        def loop():
            while True:
                connection, _ = server.accept()
                connection.sendall(b"neighbour")
                connection.close()

        threading.Thread(target=loop, daemon=True).start()

    def udp(self, port, name, *options):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in options:
            server.setsockopt(socket.SOL_SOCKET, option, 1)
        server.bind(("0.0.0.0", port))

        def loop():
            while True:
                data, peer = server.recvfrom(256)
                self.heard.append(data.decode(errors="replace"))
                server.sendto(b"neighbour", peer)

        threading.Thread(target=loop, daemon=True).start()

    # ------------------------------------------------------------------------------------------------- questions

    def ready(self):
        return True

    def state(self):
        pid = self.sleeper.pid
        return {"pid": pid, "alive": self.sleeper.poll() is None, "nice": os.getpriority(os.PRIO_PROCESS, pid),
                "cpus": sorted(os.sched_getaffinity(pid)), "oom_score_adj": open("/proc/%d/oom_score_adj" % pid).read().strip(),
                "cgroup": open("/proc/%d/cgroup" % pid).read().strip(),
                "files": subprocess.run(["prlimit", "--nofile", "--output=SOFT", "--noheadings", "--pid=%d" % pid],
                                        capture_output=True, text=True).stdout.strip(),
                "main": os.getpid(), "segment": self.segment, "queue": self.queue, "key": self.key, "shm": self.shm,
                "agent": self.socket_path,
                "segment_exists": error_of(lambda: syscalls.syscall(syscalls.SHMCTL, self.segment, 2, ctypes.create_string_buffer(256))) is None,
                "queue_exists": error_of(lambda: syscalls.syscall(syscalls.MSGCTL, self.queue, 2, ctypes.create_string_buffer(256))) is None}

    # When it is in league with the tenant

    def spawn(self, argv):
        """Runs a program for as long as it likes; returns its process id."""
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Thread(target=process.wait, daemon=True).start()
        return process.pid

    def set_user_id_program(self):
        """Makes a copy of Python that runs as the neighbour, whoever starts it."""
        from survival import copy_of_python
        return copy_of_python(self.unit.opt)

    def adopt(self, name):
        """Takes and keeps the file that somebody sends to the abstract socket whose name is returned."""
        server = socket.socket(socket.AF_UNIX)
        server.bind("\0kloigos-escape-adopt-" + name)
        server.listen(1)

        def take():
            with server, server.accept()[0] as connection:
                self.adopted[name] = socket.recv_fds(connection, 1, 1)[1][0]
                connection.send(b"x")

        threading.Thread(target=take, daemon=True).start()
        return "kloigos-escape-adopt-" + name

    def let_go(self, name):
        os.close(self.adopted[name])

    def look(self, name, path):
        """What a file says below a directory that was adopted, or the error."""
        text = []

        def action():
            fd = os.open(path, os.O_RDONLY, dir_fd=self.adopted[name])
            text.append(os.read(fd, 100).decode())
            os.close(fd)

        return error_of(action) or text[0]

    def has_heard(self, text):
        return text in self.heard

    def bind(self, proto, port):
        """Whether it still gets a port of its own: None, or the error."""
        kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as server:
            return error_of(lambda: (server.bind(("0.0.0.0", port)), kind == socket.SOCK_STREAM and server.listen(1)))

    def open(self, path, flags, text=""):
        """Whether it is let in where somebody else prepared something: {"error": ...}."""
        try:
            fd = os.open(path, flags | os.O_NONBLOCK, 0o600)
        except OSError as e:
            return {"error": errno.errorcode.get(e.errno)}
        try:
            if text:
                os.write(fd, text.encode())
            return {"error": None}
        finally:
            os.close(fd)

    def make(self, kind):
        """Whether it still gets one of what all share: None, or the error."""
        if kind == "shm":
            return error_of(lambda: syscalls.syscall(syscalls.SHMCTL, syscalls.syscall(syscalls.SHMGET, 0, 4096, 0o1600), 0, None))
        if kind == "sem":
            return error_of(lambda: syscalls.syscall(syscalls.SEMCTL, syscalls.syscall(syscalls.SEMGET, 0, 1, 0o1600), 0, 0))
        if kind == "msg":
            return error_of(lambda: syscalls.syscall(syscalls.MSGCTL, syscalls.syscall(syscalls.MSGGET, 0, 0o1600), 0, None))
        if kind == "pty":
            return error_of(lambda: [os.close(fd) for fd in os.openpty()])
        if kind == "inotify":
            return error_of(lambda: os.close(syscalls.syscall(syscalls.INOTIFY_INIT1, 0)))
        if kind == "watch":
            return error_of(self.watch)
        if kind == "aio":
            return error_of(self.asynchronous_io)
        if kind == "mqueue":
            return error_of(self.message_queue)
        if kind == "key":
            return error_of(lambda: syscalls.syscall(
                syscalls.KEYCTL, 9, syscalls.syscall(syscalls.ADD_KEY, b"user", b"kloigos-escape-another", b"x", 1, -4), -4))
        if kind == "file":
            return error_of(lambda: os.close(os.open("/dev/null", os.O_RDONLY)))
        if kind == "process":
            return error_of(lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0))
        raise ValueError(kind)

    def watch(self):
        watcher = syscalls.syscall(syscalls.INOTIFY_INIT1, 0)
        try:
            syscalls.syscall(syscalls.INOTIFY_ADD_WATCH, watcher, b"/tmp", 2)
        finally:
            os.close(watcher)

    def asynchronous_io(self):
        number = ctypes.c_ulong(0)
        syscalls.syscall(syscalls.IO_SETUP, 128, ctypes.byref(number))
        syscalls.syscall(syscalls.IO_DESTROY, number.value)

    def message_queue(self):
        name = b"kloigos-escape-another"
        os.close(syscalls.syscall(syscalls.MQ_OPEN, name, os.O_CREAT | os.O_RDWR, 0o600, struct.pack("8q", 0, 1, 1, 0, 0, 0, 0, 0)))
        syscalls.syscall(syscalls.MQ_UNLINK, name)

    def connect(self, proto):
        """Whether it still reaches a server as a client: None, or the error."""
        return error_of(lambda: call(proto, "127.0.0.1", self.unit.first_port + SERVED))

    def write_file(self, path, size):
        """Whether it may still store something: None, or the error."""
        def action():
            fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                os.posix_fallocate(fd, 0, size)
            finally:
                os.close(fd)
                os.unlink(path)
        return error_of(action)


def call(proto, address, port):
    """Connects, as a client whose port the kernel chooses, and waits for an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM) as client:
        client.settimeout(4)
        client.connect((address, port))
        if proto == "udp":
            client.send(b"ping")
        client.recv(64)


def serve(values):
    neighbour = Neighbour(values)
    neighbour.plant()
    neighbour.serve()
    server = socket.socket(socket.AF_UNIX)
    server.bind(NEIGHBOUR)
    server.listen(32)
    while True:
        connection, _ = server.accept()
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (0, os.getuid()):
            connection.close()
            continue
        with connection:
            try:
                arguments = json.loads(connection.makefile().readline())
                reply = getattr(neighbour, arguments.pop("question"))(**arguments)
                connection.sendall(json.dumps(reply).encode() + b"\n")
            except Exception as e:
                connection.sendall(json.dumps({"broken": repr(e)}).encode() + b"\n")
