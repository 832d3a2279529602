# Answers requests over loopback TCP, one every few milliseconds, and prints how long they took: latency.py SECONDS PORT
# One line: the number of requests, then the median and the 99th percentile, in microseconds, from when each was due.
import hashlib, os, socket, sys, time

PERIOD = 0.005
ports = socket.create_server(("127.0.0.1", int(sys.argv[2])))
data = os.urandom(65536)
if os.fork() == 0:
    connection, _ = ports.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while connection.recv(1):
        connection.sendall(hashlib.sha256(data).digest()[:1])
    os._exit(0)
client = socket.create_connection(ports.getsockname())
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
took = []
due = time.monotonic()
end = due + float(sys.argv[1])
while due < end:
    wait = due - time.monotonic()
    if wait > 0:
        time.sleep(wait)
    client.sendall(b"?")
    client.recv(1)
    took.append(time.monotonic() - due)
    due += PERIOD
client.close()
os.wait()
took.sort()
print(len(took), round(took[len(took) // 2] * 1e6), round(took[len(took) * 99 // 100] * 1e6))
