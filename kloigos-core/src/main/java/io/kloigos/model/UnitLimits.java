package io.kloigos.model;

import java.util.List;
import java.util.Objects;

/**
 * What one unit may use, in the kernel's terms: every value here is written to the host and read back.
 *
 * @param memoryNodes the NUMA nodes of the unit's CPUs ({@code cpuset.mems})
 * @param memoryMax the kernel kills within the unit above this ({@code memory.max})
 * @param memoryHigh the kernel slows the unit down above this ({@code memory.high}), below {@code memoryMax}
 * @param swapMax swap ({@code memory.swap.max})
 * @param tasksMax processes and threads ({@code pids.max})
 * @param disks size limits by file system
 * @param io speed limits by block device ({@code io.max})
 * @param portEnforcement what keeps the unit to its ports
 */
public record UnitLimits(
        CpuSet memoryNodes,
        ByteSize memoryMax,
        ByteSize memoryHigh,
        ByteSize swapMax,
        int tasksMax,
        List<DiskLimit> disks,
        List<IoLimit> io,
        PortEnforcement portEnforcement) {
    /**
     * What a unit may store on one file system.
     *
     * @param mountPoint where the file system is mounted
     * @param bytes the size, a multiple of 1 KiB
     * @param inodes files and directories
     */
    public record DiskLimit(String mountPoint, ByteSize bytes, long inodes) {
        public DiskLimit {
            Objects.requireNonNull(mountPoint);
            Objects.requireNonNull(bytes);
        }
    }

    public UnitLimits {
        disks = List.copyOf(disks);
        io = List.copyOf(io);
    }
}
