"""Serves every given PROTO:PORT on IPv4 and IPv6, loopback and outside, until killed. Says "ready" when all are bound."""
import os
import socket
import sys
import threading


def serve_tcp(listener):
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"pong")
        connection.close()


def serve_udp(listener):
    while True:
        _, peer = listener.recvfrom(64)
        try:
            listener.sendto(b"pong", peer)
        except OSError:
            pass  # the firewall refuses the answer


for argument in sys.argv[1:]:
    proto, port = argument.split(":")
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
        listener = socket.socket(family, kind)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, int(port)))
        if proto == "tcp":
            listener.listen(16)
        threading.Thread(target=serve_tcp if proto == "tcp" else serve_udp, args=(listener,), daemon=True).start()
print("ready", flush=True)
if os.environ.get("READY_FILE"):
    open(os.environ["READY_FILE"], "w").close()
threading.Event().wait()
