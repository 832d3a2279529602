package io.kloigos.testkit.escape;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.UnitLimits;
import java.util.List;
import java.util.Objects;

/**
 * A tenant, or its neighbour, and what was promised to it.
 *
 * @param user its Unix user
 * @param uid its user id
 * @param unit the unit whose CPUs, ports, directories and limits it is held to
 */
public record Party(String user, int uid, ComputeUnit unit) {
    public Party {
        Objects.requireNonNull(user);
        Objects.requireNonNull(unit);
    }

    /** Returns the tenant of a unit. */
    public static Party of(ComputeUnit unit) {
        return new Party(unit.user(), unit.uid(), unit);
    }

    /** Returns what the suite needs to know, to be written as JSON. */
    Values values() {
        UnitLimits limits = unit.limits();
        return new Values(
                user,
                uid,
                unit.cpus().toString(),
                limits.memoryNodes().toString(),
                List.of(unit.ports().start(), unit.ports().last()),
                unit.directories(),
                limits.memoryMax().bytes(),
                limits.swapMax().bytes(),
                limits.tasksMax(),
                limits.disks().stream()
                        .map(disk -> new Disk(disk.mountPoint(), disk.bytes().bytes(), disk.inodes()))
                        .toList(),
                limits.io().stream()
                        .map(io -> new Io(
                                io.device(),
                                io.readBytes() == null ? 0 : io.readBytes().bytes(),
                                io.writeBytes() == null ? 0 : io.writeBytes().bytes()))
                        .toList());
    }

    record Values(
            String user,
            int uid,
            String cpus,
            String nodes,
            List<Integer> ports,
            List<String> directories,
            long memoryMax,
            long swapMax,
            int tasksMax,
            List<Disk> disks,
            List<Io> io) {}

    record Disk(String mountPoint, long size, long inodes) {}

    /** Zero is no limit. */
    record Io(String device, long readBytes, long writeBytes) {}
}
