package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Server;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.spi.Step;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * The limits of units on one file system, set and read by one command each however many there are.
 *
 * @param limits by user id, which is the project id too
 */
record Quotas(QuotaKind kind, String mountPoint, Map<Integer, DiskLimit> limits) {
    static final Reading MOUNTS = new Reading.FileText("/proc/self/mountinfo");

    private static final int MOUNT_POINT = 4;

    static List<Quotas> of(Server server, List<ComputeUnit> units) {
        Map<String, Map<Integer, DiskLimit>> byMountPoint = new LinkedHashMap<>();
        for (ComputeUnit unit : units) {
            for (DiskLimit limit : unit.limits().disks()) {
                byMountPoint
                        .computeIfAbsent(limit.mountPoint(), any -> new LinkedHashMap<>())
                        .put(unit.uid(), limit);
            }
        }
        List<Quotas> quotas = new ArrayList<>();
        byMountPoint.forEach((mountPoint, limits) ->
                quotaKinds(server, mountPoint).forEach(kind -> quotas.add(new Quotas(kind, mountPoint, limits))));
        return quotas;
    }

    Reading reading() {
        return new Reading.QuotaLimits(kind, List.copyOf(limits.keySet()), mountPoint);
    }

    String expected() {
        List<String> lines = new ArrayList<>();
        limits.forEach((id, limit) -> lines.add(Reading.QuotaLimits.line(id, limit.bytes(), limit.inodes())));
        return String.join("\n", lines);
    }

    /** Returns what the kernel says of a mount where these limits hold, whatever name the option was given by. */
    String mountOption() {
        return kind == QuotaKind.USER ? "usrquota" : "prjquota";
    }

    /**
     * Tells whether the mount, the newest of those at this place, makes the kernel hold these limits.
     *
     * @param mounts what {@link #MOUNTS} reads
     * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html">proc_pid_mountinfo(5)</a>
     */
    boolean isEnforcedBy(String mounts) {
        return mounts.lines()
                .map(line -> line.split(" ", -1))
                .filter(fields -> fields.length > MOUNT_POINT
                        && fields[MOUNT_POINT].replace("\\040", " ").equals(mountPoint))
                .reduce((older, newer) -> newer)
                .filter(fields ->
                        List.of(fields[fields.length - 1].split(",", -1)).contains(mountOption()))
                .isPresent();
    }

    Step set() {
        return command(limit -> limit.bytes().kibibytes(), DiskLimit::inodes);
    }

    Step lift() {
        return command(limit -> 0, limit -> 0);
    }

    /** As setquota(8) reads them in a batch: an id, then soft and hard limits of blocks and of inodes. */
    private Step command(ToLongFunction<DiskLimit> kibibytes, ToLongFunction<DiskLimit> inodes) {
        boolean isHard = kind == QuotaKind.USER;
        StringBuilder lines = new StringBuilder();
        limits.forEach((id, limit) -> {
            long blocks = kibibytes.applyAsLong(limit);
            long files = inodes.applyAsLong(limit);
            lines.append(id).append(isHard ? " 0 " + blocks + " 0 " + files : " " + blocks + " 0 " + files + " 0");
            lines.append('\n');
        });
        return new Step.Command(List.of("setquota", isHard ? "-u" : "-P", "-b", mountPoint), lines.toString());
    }

    /**
     * User quotas are the hard limit, since the owner of a file may change its project; project quotas are what df shows. These
     * are soft limits that never become hard: otherwise a unit that gives its files the project of another would fill it.
     */
    static void limitDisks(Steps steps, Server server, List<ComputeUnit> units) {
        Quotas.of(server, units).forEach(quotas -> {
            steps.add(quotas.set());
            steps.add(new Step.Expectation(quotas.reading(), quotas.expected()));
        });
    }

    /** How long soft limits of projects may be exceeded. */
    static void setGrace(Steps steps, Stream<String> mountPoints, String seconds) {
        mountPoints.forEach(mountPoint -> steps.run("setquota", "-t", "-P", seconds, seconds, mountPoint));
    }

    static Stream<String> mountsWithProjects(Server server, List<ComputeUnit> units) {
        return units.stream()
                .flatMap(unit -> unit.limits().disks().stream())
                .map(DiskLimit::mountPoint)
                .filter(mountPoint -> hasProjects(server, mountPoint))
                .distinct();
    }

    static boolean isOnVolume(Server server, String mountPoint) {
        return server.volumes().stream().anyMatch(volume -> volume.mountPoint().equals(mountPoint));
    }

    private static List<QuotaKind> quotaKinds(Server server, String mountPoint) {
        return hasProjects(server, mountPoint) ? List.of(QuotaKind.USER, QuotaKind.PROJECT) : List.of(QuotaKind.USER);
    }

    static boolean hasProjects(Server server, String mountPoint) {
        return isOnVolume(server, mountPoint)
                || server.facts().mounts().values().stream()
                        .anyMatch(mount -> mount.mountPoint().equals(mountPoint) && mount.enforcesProjectQuota());
    }
}
