"""More bytes per second of a limited device."""
import mmap
import os
import subprocess
import time

from suite import MIB, attempt, error_of, judge, not_applicable, python, read, said, write
from userservice import environment

WRITE = """
import mmap, os, time
block = mmap.mmap(-1, 1 << 20); block.write(b'x' * (1 << 20))
fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR | os.O_DIRECT, 0o600)
size = int(sys.argv[2])
for n in range(size): os.pwrite(fd, block, n << 20)
os.fsync(fd)
began = time.monotonic()
if sys.argv[3] == 'write':
    for n in range(size): os.pwrite(fd, block, n << 20)
elif sys.argv[3] == 'buffered':
    plain = os.open(sys.argv[1], os.O_RDWR)
    for n in range(size): os.pwrite(plain, block, n << 20)
    os.fsync(plain)
else:
    for n in range(size): os.preadv(fd, [block], n << 20)
print('rate', int(size * (1 << 20) / (time.monotonic() - began)))
"""


def limited_directories(scene, key):
    """A directory of the unit on each device with such a limit, and that limit."""
    places = {scene.ask("device", path=directory): directory for directory in ("/var/tmp", "/tmp", scene.me.home, scene.me.opt, scene.me.mnt)}
    found = [(places[limit["device"]], limit[key]) for limit in scene.me.io if limit.get(key) and limit["device"] in places]
    return found or not_applicable("no device of the unit's directories has such a limit")


def transfer(scene, how, key, prefix=lambda directory: []):
    seen, left = [], False
    for directory, limit in limited_directories(scene, key):
        path = directory + "/" + scene.name
        size = max(4, 2 * limit // MIB)
        try:
            code, text = said(*prefix(directory), *python(WRITE, path, str(size), how), seconds=110)
        finally:
            error_of(lambda: os.unlink(path))
        if "rate " in text:
            rate = int(text.split("rate ")[1].split()[0])
            # The first half second of a throttling group passes at once.
            left = left or rate > 1.6 * limit
            text = "%.1f MB/s, limit %.1f MB/s" % (rate / 1e6, limit / 1e6)
        seen.append(directory + ": " + text)
    judge(left, "; ".join(seen))


@attempt("io.write", "write past the cache (O_DIRECT), as fast as it goes", limit=240)
def direct_write(scene):
    transfer(scene, "write", "write_bytes")


@attempt("io.buffered_write", "write through the page cache, so that a kernel thread writes back", limit=240)
def buffered_write(scene):
    transfer(scene, "buffered", "write_bytes")


@attempt("io.read", "read past the cache, as fast as it goes", limit=240)
def direct_read(scene):
    transfer(scene, "read", "read_bytes")


@attempt("io.user_service", "read in a user scope with IOReadBandwidthMax= of 10 GB/s", limit=240)
def user_service(scene):
    environment()
    transfer(scene, "read", "read_bytes",
             lambda directory: ["systemd-run", "--user", "-q", "--scope", "-p", "IOReadBandwidthMax=%s 10G" % directory])


@attempt("io.write_limit", "write max into io.max of the slice")
def write_limit(scene):
    if not scene.me.io:
        not_applicable("the unit has no I/O limit")
    before = scene.slice("io.max")
    number = before.split()[0]
    error = error_of(lambda: write("/sys/fs/cgroup%s/io.max" % scene.me.cgroup, number + " rbps=max wbps=max"))
    judge(scene.slice("io.max") != before, error or "it succeeded")


@attempt("io.weight", "write a higher io.weight and cpu.weight of the slice")
def weight(scene):
    files = ("io.weight", "cpu.weight", "io.bfq.weight")
    answers = [error_of(lambda: write("/sys/fs/cgroup%s/%s" % (scene.me.cgroup, file), "10000")) for file in files]
    judge(None in answers, ", ".join(a or "it succeeded" for a in answers))
