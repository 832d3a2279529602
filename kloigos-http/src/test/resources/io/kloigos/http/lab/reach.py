"""Tries every given PROTO:ADDRESS:PORT (the address may hold colons) at once, prints one line each: open, refused or timeout."""
import socket
import sys
import threading

SECONDS = 6
results = {}


def reach(target):
    proto, rest = target.split(":", 1)
    address, port = rest.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    client.settimeout(SECONDS)
    try:
        client.connect((address, int(port)))
        if proto == "udp":
            client.send(b"ping")
        results[target] = "open" if client.recv(16) == b"pong" else "odd"
    except ConnectionRefusedError:
        results[target] = "refused"
    except (socket.timeout, TimeoutError):
        results[target] = "timeout"
    except OSError as e:
        results[target] = "error " + str(e)


threads = [threading.Thread(target=reach, args=(target,)) for target in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for target in sys.argv[1:]:
    print(target, results[target])
