"""As much of io_uring as shows where its kernel threads run."""
import ctypes
import mmap
import os
import struct

import syscalls
from suite import not_applicable, read

SQPOLL, SQ_AFF = 2, 4
READ, ASYNC = 22, 1 << 4
ENTRIES = 8


class Ring:
    def __init__(self, flags=0, cpu=0):
        self.parameters = ctypes.create_string_buffer(120)
        struct.pack_into("IIIII", self.parameters, 0, 0, 0, flags, cpu, 10000)
        try:
            self.fd = syscalls.syscall(syscalls.IO_URING_SETUP, ENTRIES, self.parameters)
        except OSError as e:
            if e.errno in (1, 38) and not flags & SQ_AFF:
                from suite import held
                held("io_uring_setup: %s" % e)
            raise
        offsets = struct.unpack_from("10I", self.parameters, 40)
        self.tail, self.array = offsets[1], offsets[6]
        self.queue = mmap.mmap(self.fd, 4096, offset=0)
        self.entries = mmap.mmap(self.fd, 4096, offset=0x10000000)
        self.buffer = ctypes.create_string_buffer(64)

    def read_pipe_asynchronously(self):
        """Submits a read of an empty pipe that must be done by a worker, where it waits."""
        reader, self.writer = os.pipe()
        tail = struct.unpack_from("I", self.queue, self.tail)[0]
        slot = tail % ENTRIES
        struct.pack_into("BBHiQQII", self.entries, slot * 64, READ, ASYNC, 0, reader, 0, ctypes.addressof(self.buffer), 64, 0)
        struct.pack_into("I", self.queue, self.array + 4 * slot, slot)
        struct.pack_into("I", self.queue, self.tail, tail + 1)
        syscalls.syscall(syscalls.IO_URING_ENTER, self.fd, 1, 0, 0, None, 0)


def threads_named(prefix):
    """(name, CPUs) of each thread of this process with such a name."""
    found = []
    for thread in os.listdir("/proc/self/task"):
        try:
            name = read("/proc/self/task/%s/comm" % thread)
            status = read("/proc/self/task/%s/status" % thread)
        except OSError:
            continue
        if name.startswith(prefix):
            found.append((name, status.split("Cpus_allowed_list:")[1].split()[0]))
    return found
