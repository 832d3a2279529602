# Does one kind of work for a while: workload.py cpu|memory|disk SECONDS
# Prints how long each piece of it took, in microseconds.
import hashlib, os, sys, time

SECONDS = float(sys.argv[2])
data = os.urandom(1 << 16)
memory = bytearray(32 << 20)


def cpu():
    for _ in range(4):
        hashlib.sha256(data).digest()


def copy_memory():
    middle = len(memory) // 2
    view = memoryview(memory)
    view[middle:] = view[:middle]


def disk():
    with open("workload", "wb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())


work = {"cpu": cpu, "memory": copy_memory, "disk": disk}[sys.argv[1]]
took = []
now = time.monotonic()
end = now + SECONDS
while now < end:
    begin = now
    work()
    now = time.monotonic()
    took.append(now - begin)
if sys.argv[1] == "disk":
    os.remove("workload")
for seconds in took:
    print(round(seconds * 1e6))
