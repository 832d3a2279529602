package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Server;
import io.kloigos.model.UnitLimits.DiskLimit;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * How long it may take to remove what tenants stored. A tenant decides how many files that are, so a limit that takes no account of
 * them would let any tenant keep its unit from being released.
 */
final class EraseTime {
    /** A disk with moving heads removes two thousand a second if it has to look for each. */
    private static final Duration PER_FILE = Duration.ofNanos(500_000);

    /** As file systems are made by default: mke2fs.conf(5), inode_ratio. */
    private static final long BYTES_PER_INODE = 16384;

    private EraseTime() {}

    /** Returns the time for as many files as the units may have, or as fit on the file systems where nothing limits them. */
    static Duration of(Server server, List<ComputeUnit> units) {
        long limited = units.stream()
                .flatMap(unit -> unit.limits().disks().stream())
                .mapToLong(DiskLimit::inodes)
                .sum();
        List<String> limits = units.stream()
                .flatMap(unit -> unit.limits().disks().stream())
                .map(DiskLimit::mountPoint)
                .toList();
        long unlimited = Stream.of("/home", "/opt", "/mnt", "/tmp", "/var/tmp", "/var/spool")
                .map(server.facts()::mountOf)
                .distinct()
                .filter(mount -> !mount.type().equals("tmpfs") && !limits.contains(mount.mountPoint()))
                .map(HostFacts.Mount::size)
                .mapToLong(size -> size.bytes() / BYTES_PER_INODE)
                .sum();
        return PER_FILE.multipliedBy(limited + unlimited);
    }
}
