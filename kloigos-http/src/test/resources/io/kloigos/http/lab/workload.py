# Does one kind of work for a while: workload.py cpu|memory|disk SECONDS
# Prints how long each piece of it took, in microseconds; then, after a line with "each", what each piece took of the processor
# in microseconds, and how much and how often it made the disk write: KiB, writes, flushes.
import hashlib, os, resource, sys, time

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


def used():
    """https://docs.kernel.org/admin-guide/iostats.html: fields 5, 7 and 16 of all disks"""
    process = resource.getrusage(resource.RUSAGE_SELF)
    disks = [line.split() for line in open("/proc/diskstats")]
    return [
        (process.ru_utime + process.ru_stime) * 1e6,
        sum(int(disk[9]) / 2 for disk in disks),
        sum(int(disk[7]) for disk in disks),
        sum(int(disk[18]) for disk in disks),
    ]


work = {"cpu": cpu, "memory": copy_memory, "disk": disk}[sys.argv[1]]
took = []
before = used()
now = time.monotonic()
end = now + SECONDS
while now < end:
    begin = now
    work()
    now = time.monotonic()
    took.append(now - begin)
each = [(now - then) / len(took) for then, now in zip(before, used())]
if sys.argv[1] == "disk":
    os.remove("workload")
for seconds in took:
    print(round(seconds * 1e6))
print("each", *each)
