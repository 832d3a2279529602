# Answers requests over loopback TCP, one every few milliseconds: latency.py SECONDS PORT
# Prints a line each: when it was due, on the monotonic clock, and how long after that the answer was there, in microseconds.
import hashlib, os, socket, sys, time

PERIOD = 0.004
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
answers = []
due = time.monotonic()
end = due + float(sys.argv[1])
while due < end:
    wait = due - time.monotonic()
    if wait > 0:
        time.sleep(wait)
    client.sendall(b"?")
    client.recv(1)
    answers.append((due, time.monotonic() - due))
    due += PERIOD
client.close()
os.wait()
for due, took in answers:
    print(round(due * 1e6), round(took * 1e6))
