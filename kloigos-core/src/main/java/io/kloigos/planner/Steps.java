package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A plan in the making. */
final class Steps {
    static final Duration UNIT_LIMIT = Duration.ofMinutes(5);

    /** systemd answers a reload before every cgroup has its new limits. */
    static final Duration SETTLING = Duration.ofSeconds(20);

    private static final Duration HOST_LIMIT = Duration.ofMinutes(10);
    private static final Duration PER_UNIT = Duration.ofSeconds(30);

    private final List<Step> steps = new ArrayList<>();

    void add(Step step) {
        steps.add(step);
    }

    void run(String... argv) {
        steps.add(Step.Command.of(argv));
    }

    void directory(String path, Access access) {
        steps.add(new Step.Directories(path, access));
    }

    void directories(List<String> paths, Access access) {
        steps.add(new Step.Directories(paths, access));
    }

    void rootFile(String path, String content) {
        steps.add(new Step.TextFile(path, content, Access.rootFile()));
    }

    void expectFile(String expected, String path) {
        steps.add(new Step.Expectation(new Reading.FileText(path), expected));
    }

    void remove(String path) {
        steps.add(new Step.Removal(path));
    }

    /** An expired account is let in by neither sshd nor a job daemon. One that is gone counts as expired. */
    void expireAccount(ComputeUnit unit) {
        steps.add(Step.Ensure.that(
                new Condition(unexpired(unit), Condition.Exit.FAILURE), "usermod", "-e", "1", unit.user()));
    }

    void unexpireAccount(ComputeUnit unit) {
        steps.add(Step.Ensure.that(
                new Condition(unexpired(unit), Condition.Exit.SUCCESS), "usermod", "-e", "", unit.user()));
    }

    /** Looks for the account with an empty eighth field, the day of expiry: shadow(5). */
    private static List<String> unexpired(ComputeUnit unit) {
        return List.of("grep", "-qE", "^" + unit.user() + ":([^:]*:){6}:", "/etc/shadow");
    }

    void stopped(String unit) {
        steps.add(Step.Ensure.that(Condition.fails("systemctl", "is-active", "-q", unit), "systemctl", "stop", unit));
    }

    void unmounted(String mountPoint) {
        String unit = HostFiles.mountUnit(mountPoint);
        steps.add(Step.Ensure.that(Condition.fails("mountpoint", "-q", mountPoint), "umount", mountPoint));
        remove(HostFiles.wants("local-fs.target") + "/" + unit);
        remove(HostFiles.SYSTEMD + "/" + unit);
    }

    void mounted(List<String> mountPoints) {
        List<String> start = new ArrayList<>(List.of("systemctl", "start"));
        mountPoints.forEach(mountPoint -> start.add(HostFiles.mountUnit(mountPoint)));
        List<String> stat = new ArrayList<>(List.of("stat", "-c", "%m"));
        stat.addAll(mountPoints);
        steps.add(new Step.Command(start, ""));
        steps.add(new Step.Expectation(new Reading.Output(stat), String.join("\n", mountPoints)));
    }

    void removeEmptyDirectories(String above, List<String> names) {
        List<String> argv = new ArrayList<>(List.of("find", above, "-maxdepth", "1", "-type", "d", "-empty", "("));
        names.forEach(name -> argv.addAll(List.of("-name", name, "-o")));
        argv.addAll(List.of("-false", ")", "-delete"));
        steps.add(new Step.Command(argv, ""));
    }

    /** The unit's part of a data disk, and nothing else, is what /mnt shows of it. The disk is mounted first, as systemd does. */
    void dataMounted(ComputeUnit unit) {
        UnitDirectories.dataDirectory(unit)
                .ifPresent(directory -> steps.add(Step.Ensure.that(
                        Condition.succeeds("test", unit.mnt(), "-ef", directory),
                        "systemctl",
                        "restart",
                        HostFiles.mountUnit(unit.mnt()))));
    }

    boolean isEmpty() {
        return steps.isEmpty();
    }

    HostPlan plan(String id, Scope scope, Duration timeLimit) {
        return new HostPlan(id, scope, timeLimit, steps);
    }

    static Duration hostLimit(List<ComputeUnit> units) {
        return HOST_LIMIT.plus(PER_UNIT.multipliedBy(units.size()));
    }
}
