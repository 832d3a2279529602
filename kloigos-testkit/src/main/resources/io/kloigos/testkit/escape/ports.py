"""Ports of others: serving them, taking them away, receiving what is sent to them."""
import contextlib
import os
import socket
import struct
import subprocess
import threading
import time

import neighbour
import syscalls
from suite import (attempt, error_of, escaped, held, judge, need, not_applicable, python, read, refused, said, sleeper,
                   spawn, wait_for, write)
from userservice import environment, main_pid
from witness import KINDS

SERVER = """
import socket, sys, threading
proto, port = sys.argv[1], int(sys.argv[2])
server = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    c, _ = server.accept(); c.sendall(b"served"); c.close()
"""


def serving(server, proto):
    """Answers whoever comes, in the background."""

    def stream():
        while True:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.sendall(b"served")
                connection.close()

    def datagrams():
        while True:
            with contextlib.suppress(OSError):
                _, peer = server.recvfrom(256)
                server.sendto(b"served", peer)

    target = stream if proto in ("tcp", "mptcp", "sctp", "dccp") else datagrams
    threading.Thread(target=target, daemon=True).start()


def listen(proto, address, port, *options):
    kind, protocol = KINDS[proto]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, kind, protocol)
    for level, option, value in options:
        server.setsockopt(level, option, value)
    if port is not None:
        server.bind((address, port))
    if kind != socket.SOCK_DGRAM:
        server.listen(8)
    serving(server, proto)
    return server


def judge_reach(scene, proto, port, said="", families=(4, 6)):
    seen = scene.ask("reach", proto=proto, port=port, families=families)
    text = ", ".join("%s: %s" % pair for pair in sorted(seen.items()))
    judge("answered" in seen.values(), (said + "; clients: " if said else "bound; clients: ") + text)


def serve(scene, proto, address, port, *options, families=(4, 6)):
    """Serves a port and looks whether anybody gets an answer."""
    try:
        server = listen(proto, address, port, *options)
    except OSError as e:
        if e.errno in (93, 94, 22, 96, 97):
            not_applicable("socket: %s" % e)
        held("%s: %s" % ("bind" if port is not None else "listen", e))
    judge_reach(scene, proto, server.getsockname()[1], families=families)


@attempt("ports.tcp", "serve a TCP port that nobody owns, on IPv4")
def tcp(scene):
    serve(scene, "tcp", "0.0.0.0", scene.nobodys_port, families=(4,))


@attempt("ports.tcp6", "serve a TCP port that nobody owns, on IPv6")
def tcp6(scene):
    serve(scene, "tcp", "::", scene.nobodys_port, (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1), families=(6,))


@attempt("ports.dual_stack", "serve IPv4 clients with an IPv6 socket (v4-mapped)")
def dual_stack(scene):
    serve(scene, "tcp", "::", scene.nobodys_port, (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0))


@attempt("ports.v4_mapped", "bind ::ffff:127.0.0.1 and serve it")
def v4_mapped(scene):
    serve(scene, "tcp", "::ffff:127.0.0.1", scene.nobodys_port, families=(4,))


@attempt("ports.loopback", "serve a port that nobody owns on 127.0.0.1 only")
def loopback(scene):
    serve(scene, "tcp", "127.0.0.1", scene.nobodys_port, families=(4,))


@attempt("ports.loopback6", "serve a port that nobody owns on ::1 only")
def loopback6(scene):
    serve(scene, "tcp", "::1", scene.nobodys_port, families=(6,))


@attempt("ports.neighbours", "serve a free port of the neighbour's range")
def neighbours(scene):
    serve(scene, "tcp", "0.0.0.0", scene.neighbours_port, families=(4,))


@attempt("ports.without_bind", "listen without bind, on a port that the kernel chooses")
def without_bind(scene):
    serve(scene, "tcp", "::", None)


def cookies_sent():
    names, values = (line.split() for line in read("/proc/net/netstat").splitlines() if line.startswith("TcpExt:"))
    return int(dict(zip(names, values))["SyncookiesSent"])


def serve_by_cookies(scene, backlog, port):
    """Keeps its own queue of half-open connections full, so that everybody else is answered by SYN cookies, which have no user."""
    server = socket.socket(socket.AF_INET6)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    error = error_of(lambda: (port and server.bind(("::", port)), server.listen(backlog)))
    if error:
        held("bind and listen: " + error)
    serving(server, "tcp")
    port = server.getsockname()[1]
    # What answers these is dropped, so they stay half open for a minute.
    half_open = [socket.socket() for _ in range(backlog + 4)]
    for client in half_open:
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        time.sleep(0.02)
    before = cookies_sent()
    seen = scene.ask("reach", proto="tcp", port=port)
    text = ", ".join("%s: %s" % pair for pair in sorted(seen.items()))
    judge("answered" in seen.values(), "%d SYN cookies; clients: %s" % (cookies_sent() - before, text))


@attempt("ports.cookies", "serve a port that nobody owns by SYN cookies, with a queue of no length kept full")
def cookies(scene):
    serve_by_cookies(scene, 0, scene.nobodys_port)


@attempt("ports.cookies_backlog", "serve a port that nobody owns by SYN cookies, with a queue of 8 kept full")
def cookies_backlog(scene):
    serve_by_cookies(scene, 8, scene.nobodys_port)


@attempt("ports.cookies_neighbours", "serve a free port of the neighbour's range by SYN cookies")
def cookies_neighbours(scene):
    serve_by_cookies(scene, 0, scene.neighbours_port)


@attempt("ports.cookies_without_bind", "serve by SYN cookies on a port that the kernel chooses, without bind")
def cookies_without_bind(scene):
    serve_by_cookies(scene, 0, None)


@attempt("ports.udp", "answer UDP clients on a port that nobody owns")
def udp(scene):
    serve(scene, "udp", "0.0.0.0", scene.nobodys_port, families=(4,))


@attempt("ports.udp6", "answer UDP clients on a port of the neighbour's, on IPv6")
def udp6(scene):
    serve(scene, "udp", "::", scene.neighbours_port, (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1), families=(6,))


@attempt("ports.mptcp", "serve with Multipath TCP")
def mptcp(scene):
    serve(scene, "mptcp", "0.0.0.0", scene.nobodys_port, families=(4,))


@attempt("ports.udplite", "answer UDP-Lite clients")
def udplite(scene):
    serve(scene, "udplite", "0.0.0.0", scene.nobodys_port, families=(4,))


@attempt("ports.sctp", "serve with SCTP")
def sctp(scene):
    serve(scene, "sctp", "0.0.0.0", scene.nobodys_port, families=(4,))


@attempt("ports.dccp", "serve with DCCP")
def dccp(scene):
    try:
        server = socket.socket(socket.AF_INET, 6, 33)
    except OSError as e:
        not_applicable("socket: %s" % e)
    server.setsockopt(269, 2, struct.pack("I", 42))
    error = error_of(lambda: (server.bind(("0.0.0.0", scene.nobodys_port)), server.listen(8)))
    if error:
        held("bind and listen: " + error)
    serving(server, "dccp")
    judge_reach(scene, "dccp", scene.nobodys_port, families=(4,))


@attempt("ports.raw", "a raw socket, which needs no port")
def raw(scene):
    refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))


@attempt("ports.packet", "a packet socket, which hears everybody's traffic")
def packet(scene):
    refused(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300))


@attempt("ports.privileged", "bind a port below 1024")
def privileged(scene):
    refused(lambda: socket.socket().bind(("0.0.0.0", 80)))


@attempt("ports.privileged_sysctl", "lower net.ipv4.ip_unprivileged_port_start")
def privileged_sysctl(scene):
    refused(lambda: write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"))


@attempt("ports.reserved_sysctl", "empty net.ipv4.ip_local_reserved_ports, so that clients take the neighbour's ports")
def reserved_sysctl(scene):
    refused(lambda: write("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n"))


@attempt("ports.namespace", "serve from an own network namespace")
def namespace(scene):
    error = error_of(lambda: syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET))
    if error:
        held("unshare: " + error)
    serve(scene, "tcp", "0.0.0.0", scene.nobodys_port, families=(4,))


@attempt("ports.namespace_raw", "raw and packet sockets of an own network namespace")
def namespace_raw(scene):
    error = error_of(lambda: syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET))
    if error:
        held("unshare: " + error)
    devices = sorted(line.split(":")[0].strip() for line in read("/proc/net/dev").splitlines()[2:])
    got = error_of(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300))
    judge(set(devices) - {"lo", "tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"},
          "packet socket: %s; the namespace has %s" % (got or "made", devices))


@attempt("ports.namespace_rules", "flush the firewall from an own network namespace")
def namespace_rules(scene):
    need("nft")
    _, text = said("unshare", "-Urn", "nft", "flush", "ruleset")
    judge(not scene.ask("table"), text + "; the host's rules: " + ("there" if scene.ask("table") else "gone"))


@attempt("ports.flush_rules", "flush the host's firewall")
def flush_rules(scene):
    need("nft")
    _, text = said("nft", "flush", "ruleset")
    judge(not scene.ask("table"), text)


@attempt("ports.tunnel", "a tun device in the host's network")
def tunnel(scene):
    import fcntl
    with open("/dev/net/tun", "rb+", buffering=0) as tun:
        refused(lambda: fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22s", b"kesc9", 0x1001, b"")))


@attempt("ports.squat_tcp", "bind a neighbour's free TCP port, so that the neighbour cannot")
def squat_tcp(scene):
    port = scene.neighbours_port
    server = socket.socket()
    error = error_of(lambda: (server.bind(("0.0.0.0", port)), server.listen(1)))
    theirs = scene.neighbour_says("bind", proto="tcp", port=port)
    judge(theirs, "bind: %s; the neighbour's bind: %s" % (error or "bound", theirs or "bound"))


@attempt("ports.squat_udp", "bind a neighbour's free UDP port, so that the neighbour cannot")
def squat_udp(scene):
    port = scene.neighbours_port
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    error = error_of(lambda: server.bind(("0.0.0.0", port)))
    theirs = scene.neighbour_says("bind", proto="udp", port=port)
    judge(theirs, "bind: %s; the neighbour's bind: %s" % (error or "bound", theirs or "bound"))


@attempt("ports.squat_host", "bind a free port that is no unit's, so that a service of the host cannot")
def squat_host(scene):
    port = scene.nobodys_port
    server = socket.socket()
    error = error_of(lambda: (server.bind(("0.0.0.0", port)), server.listen(1)))
    theirs = scene.ask("bind", port=port)
    judge(theirs, "bind: %s; root's bind: %s" % (error or "bound", theirs or "bound"))


@attempt("ports.squat_by_client", "keep a neighbour's port by connecting from it")
def squat_by_client(scene):
    port = scene.neighbours_port
    client = socket.socket()
    client.settimeout(3)
    error = error_of(lambda: client.bind(("0.0.0.0", port)))
    connected = error_of(lambda: client.connect(("127.0.0.1", 22)))
    theirs = scene.neighbour_says("bind", proto="tcp", port=port)
    judge(theirs, "bind: %s; connect: %s; the neighbour's bind: %s" % (error or "bound", connected or "connected", theirs or "bound"))


@attempt("ports.client_from_neighbours", "reach a server outside with a source port of the neighbour's")
def client_from_neighbours(scene):
    port, outside = scene.neighbours_port, scene.ask("address")["outside"]
    seen = []
    asking = threading.Thread(target=lambda: seen.append(scene.ask("accept_from", port=19000 + scene.number)))
    asking.start()
    client = socket.socket()
    client.settimeout(3)
    error = error_of(lambda: client.bind(("0.0.0.0", port)))
    connected = error if error else wait_for(lambda: (error_of(lambda: client.connect((outside, 19000 + scene.number))) or "connected"), 1)
    asking.join()
    judge(port in seen, "%s; the server saw source port %s" % (connected, seen[0]))


def steal(scene, proto, port, *options, address="0.0.0.0"):
    """Binds beside the neighbour's own socket and looks who gets what is sent there."""
    kind = KINDS[proto][0]
    thief = socket.socket(socket.AF_INET, kind)
    try:
        for level, option, value in options:
            thief.setsockopt(level, option, value)
        thief.bind((address, port))
        if kind == socket.SOCK_STREAM:
            thief.listen(8)
    except OSError as e:
        held("bind: %s" % e)
    thief.settimeout(0.5)
    taken = []

    def take():
        end = time.monotonic() + 8
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                taken.append(thief.recvfrom(256)[0] if kind == socket.SOCK_DGRAM else thief.accept())

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    for n in range(6):
        scene.ask("reach", proto=proto, port=port, families=[4]) if n == 0 else None
        if proto == "udp":
            scene.ask("send_udp", port=port, text="%s-%d" % (scene.name, n))
    time.sleep(1)
    heard = sum(scene.neighbour_says("has_heard", text="%s-%d" % (scene.name, n)) for n in range(6)) if proto == "udp" else "-"
    judge(taken, "bound beside the neighbour; got %d messages, the neighbour %s of 6" % (len(taken), heard))


@attempt("ports.steal_tcp", "bind the port that the neighbour serves, with SO_REUSEPORT like the neighbour")
def steal_tcp(scene):
    steal(scene, "tcp", scene.neighbour.first_port + neighbour.REUSED_TCP, (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1))


@attempt("ports.steal_tcp_address", "bind 127.0.0.1 of a port that the neighbour serves on every address")
def steal_tcp_address(scene):
    steal(scene, "tcp", scene.neighbour.first_port + neighbour.SERVED, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
          address="127.0.0.1")


@attempt("ports.steal_udp_reuseport", "share the neighbour's UDP port with SO_REUSEPORT")
def steal_udp_reuseport(scene):
    steal(scene, "udp", scene.neighbour.first_port + neighbour.REUSED_UDP, (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1))


@attempt("ports.steal_udp_reuseaddr", "share the neighbour's UDP port with SO_REUSEADDR, which the neighbour has set too")
def steal_udp_reuseaddr(scene):
    steal(scene, "udp", scene.neighbour.first_port + neighbour.REUSED_UDP, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1))


@attempt("ports.steal_udp_address", "bind a more specific address of the neighbour's UDP port")
def steal_udp_address(scene):
    steal(scene, "udp", scene.neighbour.first_port + neighbour.SERVED_UDP, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
          address=scene.ask("address")["inside"])


@attempt("ports.steal_by_device", "bind the neighbour's UDP port on one device (SO_BINDTODEVICE)")
def steal_by_device(scene):
    steal(scene, "udp", scene.neighbour.first_port + neighbour.SERVED_UDP, (socket.SOL_SOCKET, 25, b"kesc0\0"))


@attempt("ports.udp_receive", "receive datagrams on a port that nobody owns, without answering")
def udp_receive(scene):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    error = error_of(lambda: server.bind(("0.0.0.0", scene.nobodys_port)))
    if error:
        held("bind: " + error)
    server.settimeout(2)
    scene.ask("send_udp", port=scene.nobodys_port, text="datagram")
    error = error_of(lambda: server.recvfrom(64))
    judge(error is None, "bound; " + (error or "received a datagram from outside"))


@attempt("ports.udp_punch", "write to an outsider first, so that its datagrams to a foreign port count as answers")
def udp_punch(scene):
    seen = []
    asking = threading.Thread(target=lambda: seen.append(scene.ask("accept_from", port=19000 + scene.number, proto="udp")))
    asking.start()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.5)
    error = error_of(lambda: client.bind(("0.0.0.0", scene.nobodys_port)))
    if error:
        asking.join()
        held("bind: " + error)
    outside = (scene.ask("address")["outside"], 19000 + scene.number)
    answer = wait_for(lambda: (error_of(lambda: client.sendto(b"ping", outside)),
                               error_of(lambda: client.recvfrom(64)) is None)[1], 4)
    asking.join()
    judge(answer, "bound; wrote to an outsider; " + ("its answer came in" if answer else "no answer"))


@attempt("ports.user_service", "serve a foreign port from a user service with SocketBindAllow=any")
def user_service(scene):
    environment()
    name = scene.name + ".service"
    code, text = said("systemd-run", "--user", "--collect", "--unit=" + name, "-p", "SocketBindAllow=any",
                      *python(SERVER, "tcp", str(scene.nobodys_port)))
    if code:
        held("systemd: " + text)
    try:
        wait_for(lambda: "LISTEN" in said("ss", "-Hltn", "sport = :%d" % scene.nobodys_port)[1] or not main_pid(name), 6)
        judge_reach(scene, "tcp", scene.nobodys_port, text)
    finally:
        said("systemctl", "--user", "stop", "--no-block", name)


@attempt("ports.socket_unit", "let the user manager listen: a socket unit with a foreign ListenStream=")
def socket_unit(scene):
    environment()
    listened = scene.nobodys_port
    code, text = said("systemd-run", "--user", "--collect", "--unit=" + scene.name, "--socket-property=ListenStream=%d" % listened,
                      "--socket-property=Accept=yes", "-p", "StandardOutput=socket", "/bin/echo", "served")
    try:
        if code:
            held("systemd: " + text)
        judge_reach(scene, "tcp", listened, "systemd: " + text)
    finally:
        said("systemctl", "--user", "stop", "--no-block", scene.name + ".socket")


@attempt("ports.transparent", "answer for addresses of others (IP_TRANSPARENT)")
def transparent(scene):
    refused(lambda: socket.socket().setsockopt(socket.IPPROTO_IP, 19, 1))


@attempt("ports.mark", "mark packets (SO_MARK), by which rules let packets pass")
def mark(scene):
    refused(lambda: socket.socket().setsockopt(socket.SOL_SOCKET, 36, 1))
