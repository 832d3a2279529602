/*
 * Makes every program that it is loaded into (LD_PRELOAD) see a disk that acknowledges a write after SLOW_DISK_MICROS more microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int later(int answer) {
    const char *micros = getenv("SLOW_DISK_MICROS");
    long nanos = micros ? atol(micros) * 1000 : 0;
    struct timespec rest = {nanos / 1000000000, nanos % 1000000000};
    int error = errno;
    while (nanosleep(&rest, &rest) && errno == EINTR)
        ;
    errno = error;
    return answer;
}

int fsync(int file) { return later((int)syscall(SYS_fsync, file)); }

int fdatasync(int file) { return later((int)syscall(SYS_fdatasync, file)); }
