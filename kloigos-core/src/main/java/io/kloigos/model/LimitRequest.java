package io.kloigos.model;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The limits that an operator asks for, the same for every unit of a server; null leaves the choice to Kloigos, see
 * {@code io.kloigos.rules.ServerLayout}.
 *
 * @param memoryReserve memory that no unit may have, kept for the system
 * @param memoryMax memory at which the kernel kills within the unit
 * @param memoryHigh memory at which the kernel slows the unit down, below {@code memoryMax}
 * @param swapMax swap that the unit may use
 * @param tasksMax processes and threads
 * @param diskMax what the unit may store on each file system that holds /home, /opt, /tmp or /var/tmp (and /mnt without a
 *     data disk)
 * @param dataMax what the unit may store in /mnt on a data disk
 * @param inodesMax files and directories on each file system
 * @param io limits per block device
 * @param portEnforcement what keeps the unit to its ports
 */
public record LimitRequest(
        @Nullable ByteSize memoryReserve,
        @Nullable ByteSize memoryMax,
        @Nullable ByteSize memoryHigh,
        @Nullable ByteSize swapMax,
        @Nullable Integer tasksMax,
        @Nullable ByteSize diskMax,
        @Nullable ByteSize dataMax,
        @Nullable Long inodesMax,
        List<IoLimit> io,
        @Nullable PortEnforcement portEnforcement) {
    /** The least memory in which a login and a user manager still work. */
    public static final ByteSize LEAST_MEMORY = ByteSize.ofMebibytes(64);

    private static final ByteSize LEAST_DISK = ByteSize.ofMebibytes(1);
    private static final int LEAST_TASKS = 32;
    private static final int MOST_TASKS = 4_194_304;
    private static final int LEAST_INODES = 200;

    public LimitRequest {
        io = List.copyOf(io);
        Faults faults = new Faults();
        if (memoryMax != null && memoryMax.compareTo(LEAST_MEMORY) < 0) {
            faults.add(
                    "memory_max",
                    memoryMax + " is less than the " + LEAST_MEMORY + " that a login needs",
                    "memory_max");
        }
        if (memoryHigh != null && memoryHigh.compareTo(LEAST_MEMORY) < 0) {
            faults.add(
                    "memory_high",
                    memoryHigh + " is less than the " + LEAST_MEMORY + " that a login needs",
                    "memory_high");
        }
        if (memoryHigh != null && memoryMax != null && memoryHigh.compareTo(memoryMax) >= 0) {
            faults.add("memory_high", memoryHigh + " is not below memory_max, so it would never act", "memory_high");
        }
        if (tasksMax != null && (tasksMax < LEAST_TASKS || tasksMax > MOST_TASKS)) {
            faults.add("tasks_max", tasksMax + " is not within " + LEAST_TASKS + " to " + MOST_TASKS, "tasks_max");
        }
        if (diskMax != null && diskMax.compareTo(LEAST_DISK) < 0) {
            faults.add("disk_max", diskMax + " is less than " + LEAST_DISK, "disk_max");
        }
        if (dataMax != null && dataMax.compareTo(LEAST_DISK) < 0) {
            faults.add("data_max", dataMax + " is less than " + LEAST_DISK, "data_max");
        }
        if (inodesMax != null && inodesMax < LEAST_INODES) {
            faults.add(
                    "inodes_max",
                    inodesMax + " is less than the " + LEAST_INODES + " that a home directory needs",
                    "inodes_max");
        }
        Set<String> devices = new HashSet<>();
        for (int i = 0; i < io.size(); i++) {
            if (!devices.add(io.get(i).device())) {
                faults.add("io_limit", io.get(i).device() + " is named twice", "io", i, "device");
            }
        }
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot use these limits");
    }

    /** Returns a request that leaves every choice to Kloigos. */
    public static LimitRequest defaults() {
        return new LimitRequest(null, null, null, null, null, null, null, null, List.of(), null);
    }
}
