"""Looks from outside the unit, as root: where processes are, what clients reach, what became of the neighbour.

It answers a closed set of questions from the suite inside the unit, none of which changes anything of the host's.
"""
import ctypes
import glob
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

import syscalls
from suite import WITNESS, Unit, archive, error_of, read, said, wait_for

NETWORK = "kloigos-escape"
OUTSIDE = {4: "10.98.76.2", 6: "fd98:76::2"}
INSIDE = {4: "10.98.76.1", 6: "fd98:76::1"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
PATIENCE = 4
NEIGHBOUR = "\0kloigos-escape-neighbour"
questions = {}


def question(function):
    questions[function.__name__] = function
    return function


class Witness:
    def __init__(self, values):
        self.me, self.neighbour = Unit(values["tenant"]), Unit(values["neighbour"])
        self.kept = {}


@question
def slice(w, file):
    if not re.fullmatch("[a-z.]+", file):
        raise ValueError("no such file")
    return read("/sys/fs/cgroup%s/%s" % (w.me.cgroup, file))


@question
def where(w, pid):
    """Cgroup and the CPUs of every thread."""
    try:
        tasks = os.listdir("/proc/%d/task" % pid)
        cpus = [re.search(r"Cpus_allowed_list:\s*(\S+)", read("/proc/%d/task/%s/status" % (pid, t))).group(1) for t in tasks]
        return {"cgroup": read("/proc/%d/cgroup" % pid).split("::")[1], "cpus": cpus}
    except (FileNotFoundError, ProcessLookupError):
        return None


@question
def ids(w, pid):
    """Every user and group id that a thread of a process has or can take; None if it has ended."""
    found = set()
    for path in glob.glob("/proc/%d/task/*/status" % pid):
        try:
            status = read(path)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if not re.search(r"^State:\s+[ZX]", status, re.M):
            found.update(int(each) for line in re.findall(r"^[UG]id:(.*)", status, re.M) for each in line.split())
    return sorted(found) or None


@question
def ring_owners(w, pid):
    """The user ids of credentials that are registered with rings of io_uring that a process has open."""
    found = set()
    try:
        for number in os.listdir("/proc/%d/fd" % pid):
            if "io_uring" in os.readlink("/proc/%d/fd/%s" % (pid, number)):
                found.update(int(each) for each in re.findall(r"^\s+Uid:\s+(\d+)", read("/proc/%d/fdinfo/%s" % (pid, number)), re.M))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return sorted(found)


@question
def keep(w, name, value):
    w.kept[name] = value


@question
def kept(w, name):
    return w.kept[name]


@question
def swap_total(w):
    return read("/proc/meminfo").split("SwapTotal:")[1].split()[0]


@question
def device(w, path):
    """The whole disk that holds a path."""
    number = os.stat(path).st_dev
    block = os.path.realpath("/sys/dev/block/%d:%d" % (os.major(number), os.minor(number)))
    if os.path.exists(block + "/partition"):
        block = os.path.dirname(block)
    return "/dev/" + os.path.basename(block)


def in_network(action):
    """Runs an action as a client outside the host."""
    box = {}

    def work():
        try:
            with open("/run/netns/" + NETWORK) as file:
                syscalls.setns(file.fileno(), syscalls.CLONE_NEWNET)
            box["result"] = action()
        except BaseException as e:
            box["error"] = e

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["result"]


def connect(kind, family, address, port, protocol=0):
    client = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, kind, protocol)
    with client:
        client.settimeout(PATIENCE)
        try:
            client.connect((address, port))
            if kind == socket.SOCK_DGRAM:
                client.send(b"ping")
            return "answered" if client.recv(64) else "closed"
        except ConnectionRefusedError:
            return "refused"
        except (socket.timeout, TimeoutError):
            return "timeout"
        except OSError as e:
            return str(e)


KINDS = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0), "mptcp": (socket.SOCK_STREAM, 262),
         "udplite": (socket.SOCK_DGRAM, 136), "sctp": (socket.SOCK_STREAM, 132), "dccp": (6, 33)}


@question
def reach(w, proto, port, families=(4, 6)):
    """What clients get from outside and over loopback: {"outside 4": "answered", ...}. All are tried at once."""
    kind, protocol = KINDS[proto]
    seen = {}

    def outside(family):
        seen["outside %d" % family] = in_network(lambda: connect(kind, family, INSIDE[family], port, protocol))

    def loopback(family):
        seen["loopback %d" % family] = connect(kind, family, LOOPBACK[family], port, protocol)

    threads = [threading.Thread(target=f, args=(n,)) for f in (outside, loopback) for n in families]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return seen


@question
def bind(w, port):
    """Whether root can have a TCP port for a moment: None, or what the kernel says."""
    with socket.socket() as server:
        try:
            server.bind(("0.0.0.0", port))
            server.listen(1)
        except OSError as e:
            return str(e)


@question
def send_udp(w, port, text):
    """One datagram from outside, without waiting for an answer."""
    def action():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(text.encode(), (INSIDE[4], port))
    in_network(action)
    return "sent"


@question
def accept_from(w, port, proto="tcp"):
    """Listens outside for a moment; the source port of whoever comes, or None."""
    def action():
        kind = KINDS[proto][0]
        with socket.socket(socket.AF_INET, kind) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((OUTSIDE[4], port))
            server.settimeout(PATIENCE)
            try:
                if kind == socket.SOCK_STREAM:
                    server.listen(4)
                    return server.accept()[1][1]
                _, peer = server.recvfrom(64)
                server.sendto(b"answer", peer)
                return peer[1]
            except (socket.timeout, TimeoutError):
                return None
    return in_network(action)


@question
def connects(w, proto):
    """Whether root still reaches a server as a client: None, or the error."""
    from neighbour import call
    return error_of(lambda: call(proto, LOOPBACK[4], w.neighbour.first_port + 10))


@question
def address(w):
    return {"inside": INSIDE[4], "outside": OUTSIDE[4]}


@question
def ask_neighbour(w, **arguments):
    return ask_the_neighbour(arguments)


def ask_the_neighbour(arguments):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(NEIGHBOUR)
        connection.sendall(json.dumps(arguments).encode() + b"\n")
        return json.loads(connection.makefile().readline())


@question
def owner(w, path):
    """User id, size and mode of what is at a path of the suite's own; None if nothing is."""
    if "kloigos-escape" not in path:
        raise ValueError("not a path of the suite")
    try:
        status = os.lstat(path)
        return {"uid": status.st_uid, "size": status.st_size, "mode": status.st_mode}
    except FileNotFoundError:
        return None


@question
def text_of(w, path):
    """What a file of the suite in the neighbour's directories says now."""
    if "kloigos-escape" not in path:
        raise ValueError("not a path of the suite")
    try:
        return read(path)
    except FileNotFoundError:
        return None


@question
def room(w, path):
    """Bytes that root still finds free on the file system of a path."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_bsize


@question
def lingers(w, user):
    return os.path.exists("/var/lib/systemd/linger/" + user)


@question
def hostname(w):
    return socket.gethostname()


@question
def uptime(w):
    return time.time()


@question
def table(w):
    """Whether the kernel has the port rules."""
    return said("nft", "list", "table", "inet", "kloigos")[0] == 0


@question
def unit_state(w, name):
    if "kloigos-escape" not in name and not name.startswith("user@"):
        raise ValueError("not a unit of the suite")
    return said("systemctl", "is-active", name)[1]


@question
def journal(w, marker):
    """The trusted fields of the newest message with this text: [{"_UID": ..., "SYSLOG_IDENTIFIER": ...}]."""
    def look():
        text = subprocess.run(["journalctl", "-q", "-n", "1", "-o", "json", "--no-pager", "-S", "-10min", "MESSAGE=" + marker],
                              capture_output=True, text=True).stdout
        return [json.loads(line) for line in text.splitlines()]
    return [{key: entry.get(key) for key in ("_UID", "SYSLOG_IDENTIFIER", "_COMM")} for entry in wait_for(look, 10)]


@question
def quota_used(w, uid, mount_point):
    """KiB and files that the kernel has counted for a user on a file system: quotactl(2), Q_GETQUOTA."""
    buffer = ctypes.create_string_buffer(128)
    source = next(line.split()[0] for line in read("/proc/mounts").splitlines() if line.split()[1] == mount_point)
    source = os.path.realpath(source)
    syscalls.syscall(syscalls.QUOTACTL, 0x800007 << 8, ctypes.c_char_p(source.encode()), uid, buffer)
    fields = struct.unpack_from("8Q", buffer)
    return {"kib": fields[2] >> 10, "files": fields[5]}


@question
def terminal(w):
    """A terminal of the neighbour's."""
    return w.terminal_path


@question
def terminal_said(w):
    os.set_blocking(w.terminal, False)
    try:
        return os.read(w.terminal, 65536).decode(errors="replace")
    except BlockingIOError:
        return ""


def open_terminal(w):
    w.terminal, follower = os.openpty()
    w.terminal_path = os.ttyname(follower)
    os.fchown(follower, w.neighbour.uid, -1)
    w.follower = follower


def make_network():
    said("ip", "netns", "add", NETWORK)
    said("ip", "link", "add", "kesc0", "type", "veth", "peer", "name", "kesc1", "netns", NETWORK)
    for command in ("addr add 10.98.76.1/24 dev kesc0", "-6 addr add fd98:76::1/64 dev kesc0 nodad", "link set kesc0 up",
                    "-n %s addr add 10.98.76.2/24 dev kesc1" % NETWORK,
                    "-n %s -6 addr add fd98:76::2/64 dev kesc1 nodad" % NETWORK,
                    "-n %s link set kesc1 up" % NETWORK, "-n %s link set lo up" % NETWORK):
        said("ip", *command.split())


def remove_network():
    said("ip", "link", "del", "kesc0")
    said("ip", "netns", "del", NETWORK)


def start_neighbour(w, values):
    """The neighbour's programs, in the neighbour's slice."""
    said("systemctl", "stop", "kloigos-escape-neighbour.service")
    code, text = said("systemd-run", "--collect", "--unit=kloigos-escape-neighbour", "--uid=" + w.neighbour.user,
                      "--slice=user-%d.slice" % w.neighbour.uid, "-p", "PAMName=login", "--working-directory=/",
                      sys.executable, archive(), "neighbour", json.dumps(values))
    if code:
        raise SystemExit("cannot start the neighbour: " + text)
    for _ in range(100):
        try:
            return ask_the_neighbour({"question": "ready"})
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the neighbour does not come up: " + said("journalctl", "-u", "kloigos-escape-neighbour", "-n", "5")[1])


def check_clients(w):
    """A port that nobody reaches proves nothing, unless ports that are served are reached."""
    for proto in ("tcp", "udp"):
        seen = reach(w, proto, w.neighbour.first_port + 10, families=[4])
        if set(seen.values()) != {"answered"}:
            raise SystemExit("clients do not reach the neighbour's own %s port: %s" % (proto, seen))


def serve(values):
    w = Witness(values)
    make_network()
    start_neighbour(w, values)
    check_clients(w)
    open_terminal(w)
    os.makedirs(os.path.dirname(WITNESS), exist_ok=True)
    if os.path.exists(WITNESS):
        os.unlink(WITNESS)
    server = socket.socket(socket.AF_UNIX)
    server.bind(WITNESS)
    os.chmod(WITNESS, 0o666)
    server.listen(64)
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(w, connection), daemon=True).start()


def answer(w, connection):
    with connection:
        try:
            arguments = json.loads(connection.makefile().readline())
            reply = {"answer": questions[arguments.pop("question")](w, **arguments.pop("arguments", {}), **arguments)}
        except BaseException as e:
            reply = {"error": repr(e)}
        try:
            connection.sendall(json.dumps(reply).encode() + b"\n")
        except OSError:
            pass


def tidy():
    said("systemctl", "stop", "kloigos-escape-neighbour.service")
    remove_network()
    if os.path.exists(WITNESS):
        os.unlink(WITNESS)
