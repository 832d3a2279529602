package io.kloigos.model;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one unit uses, as its host counts it. What is null is not counted: while nothing of a tenant runs there is no cgroup, and
 * some kernels count no pressure.
 *
 * @param computeId which unit
 * @param readAt when the host was asked
 * @param cpuTime the CPU time used since the unit's slice was started ({@code usage_usec} of {@code cpu.stat})
 * @param memory memory in use, with the page cache ({@code memory.current})
 * @param swap swap in use ({@code memory.swap.current})
 * @param tasks processes and threads ({@code pids.current})
 * @param oomKills how many processes the kernel has ended because memory ran out ({@code oom_kill} of {@code memory.events})
 * @param cpuPressure how long tasks waited for a CPU ({@code cpu.pressure})
 * @param memoryPressure how long tasks waited for memory ({@code memory.pressure})
 * @param ioPressure how long tasks waited for disks ({@code io.pressure})
 * @param disks what is stored on each file system that has quotas
 * @param io what was read and written on each block device ({@code io.stat})
 * @param sockets those of the unit's user that listen
 * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html">Control Group v2</a>
 */
public record UnitUsage(
        ComputeId computeId,
        Instant readAt,
        @Nullable Duration cpuTime,
        @Nullable ByteSize memory,
        @Nullable ByteSize swap,
        @Nullable Long tasks,
        @Nullable Long oomKills,
        @Nullable Pressure cpuPressure,
        @Nullable Pressure memoryPressure,
        @Nullable Pressure ioPressure,
        List<Disk> disks,
        @Nullable List<Io> io,
        List<Socket> sockets) {
    public UnitUsage {
        Objects.requireNonNull(computeId);
        Objects.requireNonNull(readAt);
        disks = List.copyOf(disks);
        io = io == null ? null : List.copyOf(io);
        sockets = List.copyOf(sockets);
    }

    /**
     * The share of the time in which at least one task waited.
     *
     * @param avg10 per cent of the last 10 seconds
     * @param avg60 per cent of the last minute
     * @param avg300 per cent of the last 5 minutes
     * @param total the time waited since the unit's slice was started
     * @see <a href="https://docs.kernel.org/accounting/psi.html">Pressure Stall Information</a>
     */
    public record Pressure(double avg10, double avg60, double avg300, Duration total) {}

    /**
     * What the unit's user has on one file system, as the quota counts it.
     *
     * @param mountPoint where the file system is mounted
     * @param size what the files take
     * @param inodes files and directories
     */
    public record Disk(String mountPoint, ByteSize size, long inodes) {}

    /**
     * What was done on one block device since the unit's slice was started.
     *
     * @param device its path, or {@code MAJOR:MINOR} if it was not there at init
     * @param read bytes read
     * @param written bytes written
     * @param reads read operations
     * @param writes write operations
     */
    public record Io(String device, ByteSize read, ByteSize written, long reads, long writes) {}

    /**
     * A socket that listens.
     *
     * @param protocol {@code tcp} or {@code udp}
     * @param port the port, which may be none of the unit's
     */
    public record Socket(String protocol, int port) {}
}
