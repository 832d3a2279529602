package io.kloigos.model;

import io.kloigos.model.UnitLimits.DiskLimit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Limits that a unit in a tenant's hands gets; null leaves one as it is. Meanings and least values are those of {@link
 * LimitRequest}.
 *
 * @param memoryMax memory at which the kernel kills within the unit
 * @param memoryHigh memory at which the kernel slows the unit down; 15/16 of {@code memoryMax} if only that is given
 * @param swapMax swap
 * @param tasksMax processes and threads
 * @param diskMax what the unit may store on each file system of the host
 * @param dataMax what the unit may store on its data disk
 * @param inodesMax files and directories on each file system
 * @param io all limits per block device; none lifts them
 */
public record LimitChange(
        @Nullable ByteSize memoryMax,
        @Nullable ByteSize memoryHigh,
        @Nullable ByteSize swapMax,
        @Nullable Integer tasksMax,
        @Nullable ByteSize diskMax,
        @Nullable ByteSize dataMax,
        @Nullable Long inodesMax,
        @Nullable List<IoLimit> io) {
    private static final ByteSize MEBIBYTE = ByteSize.ofMebibytes(1);

    public LimitChange {
        io = io == null ? null : List.copyOf(io);
        new LimitRequest(
                null,
                memoryMax,
                memoryHigh,
                swapMax,
                tasksMax,
                diskMax,
                dataMax,
                inodesMax,
                io == null ? List.of() : io,
                null);
    }

    /**
     * Returns the limits that the unit will have.
     *
     * @throws KloigosException INVALID_REQUEST with every limit that it cannot have
     */
    UnitLimits appliedTo(ComputeUnit unit) {
        UnitLimits now = unit.limits();
        UnitLimits then = new UnitLimits(
                now.memoryNodes(),
                memoryMax == null ? now.memoryMax() : memoryMax.roundedDown(MEBIBYTE),
                high(now),
                swapMax == null ? now.swapMax() : swapMax.roundedDown(MEBIBYTE),
                tasksMax == null ? now.tasksMax() : tasksMax,
                now.disks().stream().map(disk -> disk(unit, disk)).toList(),
                io == null ? now.io() : io,
                now.portEnforcement());
        Faults faults = new Faults();
        if (then.memoryHigh().compareTo(then.memoryMax()) >= 0) {
            faults.add(
                    "memory_high",
                    then.memoryHigh() + " is not below the memory_max of " + then.memoryMax()
                            + ", so it would never act",
                    "memory_high");
        }
        requireQuota(unit, faults);
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot resize unit " + unit.id());
        return then;
    }

    private ByteSize high(UnitLimits now) {
        if (memoryHigh != null) {
            return memoryHigh.roundedDown(MEBIBYTE);
        }
        return memoryMax == null ? now.memoryHigh() : memoryMax.times(15, 16).roundedDown(MEBIBYTE);
    }

    private DiskLimit disk(ComputeUnit unit, DiskLimit now) {
        ByteSize size = isOnDataDisk(unit, now) ? dataMax : diskMax;
        return new DiskLimit(
                now.mountPoint(),
                size == null ? now.bytes() : size.roundedDown(MEBIBYTE),
                inodesMax == null ? now.inodes() : inodesMax);
    }

    private static boolean isOnDataDisk(ComputeUnit unit, DiskLimit limit) {
        String directory = unit.dataDirectory();
        return directory != null
                && directory.startsWith(limit.mountPoint() + "/")
                && !limit.mountPoint().equals("/");
    }

    private void requireQuota(ComputeUnit unit, Faults faults) {
        List<DiskLimit> disks = unit.limits().disks();
        if (diskMax != null && disks.stream().allMatch(disk -> isOnDataDisk(unit, disk))) {
            faults.add("no_quota", "the host has no quotas, so sizes are not limited", "disk_max");
        }
        if (dataMax != null && disks.stream().noneMatch(disk -> isOnDataDisk(unit, disk))) {
            faults.add("no_data_disk", "the unit has no data disk", "data_max");
        }
        if (inodesMax != null && disks.isEmpty()) {
            faults.add("no_quota", "the host has no quotas, so files are not counted", "inodes_max");
        }
    }
}
