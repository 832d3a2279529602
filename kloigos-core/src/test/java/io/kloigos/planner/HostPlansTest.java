package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DataDisks;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitVolumes;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class HostPlansTest {
    private static final String MANAGER = "kloigos 4711";

    static SampleFleet plain() {
        return SampleFleet.of(
                SampleFleet.request("host1", "4-7", "8-11,14", "12-13"),
                SampleHost.debian().facts());
    }

    static SampleFleet withEveryCpu() {
        return SampleFleet.of(
                SampleFleet.request("host1", "0-7", "8-15"),
                SampleHost.debian()
                        .without(Capability.ATD)
                        .without(Capability.QUOTA_TOOLS)
                        .facts());
    }

    static SampleFleet withSharedDisk() {
        return SampleFleet.of(
                SampleFleet.request(
                        "host1",
                        "0-1",
                        List.of(new DataDisk("/dev/sdb", FileSystemType.EXT4)),
                        new LimitRequest(
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                List.of(new IoLimit("/dev/sdb", ByteSize.parse("10M"), null, null, 500L)),
                                PortEnforcement.SOCKET_BIND),
                        "4-7",
                        "8-15"),
                SampleHost.debian().with("reserved_ports", "2100,9000-9100").facts());
    }

    static SampleFleet withOwnDisks() {
        return SampleFleet.of(
                SampleFleet.request(
                        "host1",
                        null,
                        List.of(
                                new DataDisk("/dev/sdb", FileSystemType.EXT4),
                                new DataDisk("/dev/sdc", FileSystemType.XFS)),
                        LimitRequest.defaults(),
                        "4-7",
                        "8-15"),
                SampleHost.debian().without(Capability.CRON).facts());
    }

    static SampleFleet withLogicalVolumes() {
        return SampleFleet.of(
                SampleFleet.request(
                        "host1", new UnitVolumes("vg-fast", FileSystemType.XFS, ByteSize.parse("4G")), "4-7", "8-15"),
                SampleHost.debian().withVolumeGroup("vg-fast", 2560, "home").facts());
    }

    static Stream<SampleFleet> fleets() {
        return Stream.of(plain(), withEveryCpu(), withSharedDisk(), withOwnDisks(), withLogicalVolumes());
    }

    private static HostPlan init(SampleFleet fleet) {
        return InitPlanner.init("init.1", fleet.server(), fleet.units(), MANAGER);
    }

    private static HostPlan decommission(SampleFleet fleet, DataDisks disks) {
        return DecommissionPlanner.decommission("decommission.1", fleet.server(), fleet.units(), disks);
    }

    // Allocation

    @ParameterizedTest
    @MethodSource("fleets")
    void theKeyIsWrittenLastSoThatWhoLogsInFindsEveryLimitHeld(SampleFleet fleet) {
        ComputeUnit unit = fleet.units().get(0);
        List<Step> steps = TenancyPlanner.allocate("a.1", fleet.server(), unit, List.of(SampleFleet.KEY))
                .steps();

        assertThat(steps.get(steps.size() - 1)).isInstanceOfSatisfying(Step.TextFile.class, file -> {
            assertThat(file.path()).isEqualTo("/etc/kloigos/keys/" + unit.user());
            assertThat(file.content()).isEqualTo(SampleFleet.KEY + "\n");
            assertThat(file.access()).isEqualTo(new Step.Access(0, unit.uid(), 0640));
        });
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void everyLimitIsReadBackFromTheKernel(SampleFleet fleet) {
        ComputeUnit unit = fleet.units().get(0);
        List<Step> steps = TenancyPlanner.allocate("a.1", fleet.server(), unit, List.of(SampleFleet.KEY))
                .steps();

        assertThat(expected(steps, unit, "cpuset.cpus.effective"))
                .isEqualTo(unit.cpus().toString());
        assertThat(expected(steps, unit, "cpuset.mems.effective"))
                .isEqualTo(unit.limits().memoryNodes().toString());
        assertThat(expected(steps, unit, "memory.max"))
                .isEqualTo("" + unit.limits().memoryMax().bytes());
        assertThat(expected(steps, unit, "memory.high"))
                .isEqualTo("" + unit.limits().memoryHigh().bytes());
        assertThat(expected(steps, unit, "memory.swap.max")).isEqualTo("0");
        assertThat(expected(steps, unit, "pids.max"))
                .isEqualTo("" + unit.limits().tasksMax());
    }

    private static String expected(List<Step> steps, ComputeUnit unit, String file) {
        Reading reading = new Reading.FileText("/sys/fs/cgroup/user.slice/user-" + unit.uid() + ".slice/" + file);
        return all(steps, Step.Expectation.class)
                .filter(step -> step.reading().equals(reading))
                .map(Step.Expectation::expected)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void ioLimitsAreReadBackByDeviceNumber() {
        SampleFleet fleet = withSharedDisk();
        List<Step> steps = TenancyPlanner.allocate(
                        "a.1", fleet.server(), fleet.units().get(0), List.of(SampleFleet.KEY))
                .steps();

        assertThat(all(steps, Step.Expectation.class).map(Step.Expectation::expected))
                .contains("8:16 rbps=10485760 wbps=max riops=max wiops=500");
    }

    @Test
    void nothingOfTheTenantIsInACommand() {
        SampleFleet fleet = plain();
        ComputeUnit unit = fleet.units().get(0);
        SshPublicKey hostile = new SshPublicKey(SampleFleet.KEY.line() + " '; touch /pwned; $(reboot) `id` -rf /");
        List<Step> steps = TenancyPlanner.allocate("a.1", fleet.server(), unit, List.of(hostile))
                .steps();

        assertThat(steps)
                .filteredOn(step -> step.toString().contains("pwned"))
                .singleElement()
                .satisfies(step -> {
                    assertThat(step).isInstanceOf(Step.TextFile.class);
                    assertThat(step.describe()).doesNotContain("pwned");
                });
        assertThat(arguments(steps)).noneMatch(argument -> argument.contains("AAAA"));
    }

    @Test
    void anAllocationDoesNotReloadSystemd() {
        SampleFleet fleet = plain();

        assertThat(arguments(TenancyPlanner.allocate(
                                "a.1", fleet.server(), fleet.units().get(0), List.of(SampleFleet.KEY))
                        .steps()))
                .doesNotContain("daemon-reload");
    }

    // Deallocation

    @ParameterizedTest
    @MethodSource("fleets")
    void nothingComesInAgainBeforeTheProcessesEnd(SampleFleet fleet) {
        ComputeUnit unit = fleet.units().get(1);
        List<Step> steps =
                ReleasePlanner.deallocate("d.1", fleet.server(), unit).steps();
        int kill = first(steps, erases(Trace.PROCESSES));

        assertThat(first(steps, removes("/etc/kloigos/keys/" + unit.user()))).isZero();
        assertThat(first(steps, removes("/var/lib/systemd/linger/" + unit.user())))
                .isLessThan(kill);
        assertThat(first(steps, runs("usermod -e 1 " + unit.user()))).isLessThan(kill);
        assertThat(first(steps, erases(Trace.CRONTABS))).isLessThan(kill);
        assertThat(first(steps, erases(Trace.AT_JOBS))).isLessThan(kill);
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void filesGoWhenNothingRunsAnyMore(SampleFleet fleet) {
        ComputeUnit unit = fleet.units().get(1);
        List<Step> steps =
                ReleasePlanner.deallocate("d.1", fleet.server(), unit).steps();
        int lastKill = Math.max(first(steps, erases(Trace.SESSIONS)), first(steps, erases(Trace.MOUNTS)));

        assertThat(first(steps, erases(Trace.FILES))).isGreaterThan(lastKill);
        assertThat(first(steps, removes(unit.home()))).isGreaterThan(lastKill);
        assertThat(first(steps, removes(unit.opt()))).isGreaterThan(lastKill);
        Predicate<Step> data =
                unit.dataDirectory() == null ? removes(unit.mnt()) : step -> step.equals(new Step.Emptying(unit.mnt()));
        assertThat(first(steps, data)).isGreaterThan(lastKill);
    }

    @ParameterizedTest
    @EnumSource
    void everyTraceIsErasedAndThenLookedFor(Trace trace) {
        SampleFleet fleet = plain();
        ComputeUnit unit = fleet.units().get(0);
        List<Step> steps =
                ReleasePlanner.deallocate("d.1", fleet.server(), unit).steps();
        int look = first(
                steps,
                step -> step instanceof Step.Expectation expectation
                        && expectation.expected().equals("none")
                        && expectation.reading() instanceof Reading.Traces traces
                        && traces.trace() == trace
                        && traces.tenant().uid() == unit.uid());

        assertThat(look).isGreaterThan(last(steps, step -> step instanceof Step.Erasure));
        // What is only counted goes with the files.
        assertThat(first(steps, erases(trace == Trace.DISK_USAGE ? Trace.FILES : trace)))
                .isLessThan(look);
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void theAccountIsOpenedAgainWhenTheNextTenantFindsItStaged(SampleFleet fleet) {
        ComputeUnit unit = fleet.units().get(0);
        List<Step> steps =
                ReleasePlanner.deallocate("d.1", fleet.server(), unit).steps();

        assertThat(steps.get(steps.size() - 1))
                .isInstanceOfSatisfying(
                        Step.Ensure.class,
                        step -> assertThat(step.argv()).containsExactly("usermod", "-e", "", unit.user()));
        // Nobody but root can be in the home while root fills it.
        assertThat(last(steps, step -> step.equals(new Step.Directories(unit.home(), new Step.Access(0, 0700)))))
                .isGreaterThan(first(steps, erases(Trace.FILES)));
        assertThat(last(
                        steps,
                        step -> step instanceof Step.TextFile file
                                && file.path().equals(unit.home() + "/WELCOME.txt")))
                .isPositive();
    }

    @Test
    void aUnitsPlanLocksOnlyTheUnit() {
        SampleFleet fleet = plain();
        ComputeUnit unit = fleet.units().get(0);

        assertThat(TenancyPlanner.allocate("a.1", fleet.server(), unit, List.of(SampleFleet.KEY))
                        .scope())
                .isEqualTo(HostPlan.Scope.unit("u4-7"));
        assertThat(ReleasePlanner.deallocate("d.1", fleet.server(), unit).scope())
                .isEqualTo(HostPlan.Scope.unit("u4-7"));
        assertThat(init(fleet).scope().isHost()).isTrue();
        assertThat(decommission(fleet, DataDisks.KEEP).scope().isHost()).isTrue();
    }

    // Init and decommission

    @ParameterizedTest
    @MethodSource("fleets")
    void whatInitWritesDecommissionRemoves(SampleFleet fleet) {
        List<Step> undo = decommission(fleet, DataDisks.KEEP).steps();
        List<String> removed =
                all(undo, Step.Removal.class).map(Step.Removal::path).toList();
        List<String> removedIfEmpty = all(undo, Step.Command.class)
                .filter(step -> step.argv().contains("-empty"))
                .flatMap(step -> step.argv().stream())
                .map(name -> "/etc/systemd/system/" + name)
                .toList();

        assertThat(written(init(fleet).steps()))
                .isNotEmpty()
                // systemd's own, and there on every host that once kept a user lingering.
                .filteredOn(path -> !path.equals("/var/lib/systemd/linger"))
                .allSatisfy(path -> assertThat(
                                removed.stream().anyMatch(gone -> path.equals(gone) || path.startsWith(gone + "/"))
                                        || removedIfEmpty.contains(path))
                        .as("%s is removed", path)
                        .isTrue());
    }

    private static List<String> written(List<Step> steps) {
        return Stream.concat(
                        all(steps, Step.Directories.class).flatMap(step -> step.paths().stream()),
                        all(steps, Step.TextFile.class).map(Step.TextFile::path))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void whatInitEnablesDecommissionDisables(SampleFleet fleet) {
        List<Step> done = init(fleet).steps();
        List<Step> undo = decommission(fleet, DataDisks.KEEP).steps();
        List<String> enabled = all(done, Step.Command.class)
                .map(Step.Command::argv)
                .filter(argv -> argv.contains("enable"))
                .flatMap(argv -> argv.subList(argv.indexOf("enable") + 1, argv.size()).stream())
                .toList();

        assertThat(enabled).contains("kloigos-ports.service").hasSize(1 + mounts(fleet));
        enabled.forEach(unit -> assertThat(wantedBy(done, unit))
                .isNotEmpty()
                .allSatisfy(target -> assertThat(undo)
                        .contains(new Step.Removal("/etc/systemd/system/" + target + ".wants/" + unit))));
        assertThat(first(undo, runs("systemctl stop kloigos-ports.service"))).isPositive();
    }

    private static List<String> wantedBy(List<Step> steps, String unit) {
        String key = "WantedBy=";
        return all(steps, Step.TextFile.class)
                .filter(file -> file.path().equals("/etc/systemd/system/" + unit))
                .flatMap(file -> file.content().lines())
                .filter(line -> line.startsWith(key))
                .flatMap(line -> Stream.of(line.substring(key.length()).split(" ", -1)))
                .toList();
    }

    private static int mounts(SampleFleet fleet) {
        return fleet.server().volumes().isEmpty()
                ? 0
                : fleet.server().volumes().size() + fleet.units().size();
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void theLinesThatInitAppendsDecommissionTakesOut(SampleFleet fleet) {
        List<Step.RemovedLines> appended = all(init(fleet).steps(), Step.AppendedLines.class)
                .map(step -> new Step.RemovedLines(step.path(), step.lines()))
                .toList();

        assertThat(appended).isNotEmpty();
        assertThat(decommission(fleet, DataDisks.KEEP).steps()).containsAll(appended);
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void theAccountsThatInitMakesDecommissionDeletes(SampleFleet fleet) {
        List<Step> steps = decommission(fleet, DataDisks.KEEP).steps();

        fleet.units().forEach(unit -> {
            assertThat(first(steps, runs("userdel " + unit.user())))
                    .isGreaterThan(last(steps, step -> step instanceof Step.Erasure));
            assertThat(first(steps, runs("groupdel " + unit.user()))).isPositive();
        });
        assertThat(first(steps, runs("groupdel kloigos"))).isPositive();
        assertThat(first(steps, runs("nft delete table inet kloigos"))).isPositive();
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void theQuotasThatInitSetsDecommissionLifts(SampleFleet fleet) {
        List<Step.Command> lifted = quotas(decommission(fleet, DataDisks.KEEP).steps());

        assertThat(quotas(init(fleet).steps()))
                .filteredOn(set -> !set.argv().get(3).startsWith("/var/lib/kloigos/"))
                .allSatisfy(set -> {
                    String none = set.stdin().replaceAll(" [0-9]+", " 0");
                    assertThat(none).isNotEqualTo(set.stdin());
                    assertThat(lifted).contains(new Step.Command(set.argv(), none));
                });
    }

    private static List<Step.Command> quotas(List<Step> steps) {
        return all(steps, Step.Command.class)
                .filter(step -> step.argv().get(0).equals("setquota")
                        && !step.argv().get(1).equals("-t"))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void tenantsAreErasedBeforeTheirUnitsGo(SampleFleet fleet) {
        List<Step> steps = decommission(fleet, DataDisks.KEEP).steps();

        fleet.units().forEach(unit -> {
            assertThat(first(steps, removes("/etc/kloigos/keys/" + unit.user())))
                    .isNotNegative();
            // What is only counted goes with the files.
            for (Trace trace : EnumSet.complementOf(EnumSet.of(Trace.DISK_USAGE))) {
                assertThat(all(steps, Step.Erasure.class)
                                .filter(step ->
                                        step.trace() == trace && step.tenant().uid() == unit.uid()))
                        // Jobs go before processes, which they would start again, and after them, which could leave
                        // some.
                        .hasSize(Set.of(Trace.CRONTABS, Trace.AT_JOBS).contains(trace) ? 2 : 1);
            }
        });
    }

    @Test
    void dataThatIsKeptIsUnmountedBeforeAnythingAboveItIsRemoved() {
        for (SampleFleet fleet : List.of(withSharedDisk(), withOwnDisks())) {
            List<Step> steps = decommission(fleet, DataDisks.KEEP).steps();

            fleet.units().forEach(unit -> {
                assertThat(first(steps, runs("umount " + unit.mnt()))).isBetween(0, first(steps, removes(unit.mnt())));
                assertThat(steps).doesNotContain(new Step.Emptying(unit.mnt()));
            });
            fleet.server()
                    .volumes()
                    .forEach(volume -> assertThat(first(steps, runs("umount " + volume.mountPoint())))
                            .isBetween(0, first(steps, removes("/var/lib/kloigos"))));
            assertThat(arguments(steps)).doesNotContain("wipefs");
        }
    }

    @Test
    void dataDisksAreWipedOnlyWhenAskedAndThenUnmountedFirst() {
        SampleFleet fleet = withOwnDisks();
        List<Step> steps = decommission(fleet, DataDisks.WIPE).steps();

        assertThat(first(steps, runs("wipefs -a /dev/sdb")))
                .isGreaterThan(first(steps, runs("umount /var/lib/kloigos/data0")));
        assertThat(first(steps, runs("wipefs -a /dev/sdc")))
                .isGreaterThan(first(steps, runs("umount /var/lib/kloigos/data1")));
        fleet.units().forEach(unit -> assertThat(steps).contains(new Step.Emptying(unit.mnt())));
    }

    @ParameterizedTest
    @EnumSource
    void logicalVolumesGoWithTheUnitsAndNothingElseOfTheGroup(DataDisks disks) {
        SampleFleet fleet = withLogicalVolumes();
        List<Step> steps = decommission(fleet, disks).steps();

        assertThat(first(steps, runs("lvremove -y --config devices/issue_discards=1 vg-fast/kloigos-c4-7")))
                .isGreaterThan(first(steps, runs("umount /var/lib/kloigos/data0")));
        assertThat(arguments(steps).stream().filter(word -> word.startsWith("vg-fast")))
                .containsOnly("vg-fast/kloigos-c4-7", "vg-fast/kloigos-c8-15");
        assertThat(arguments(steps)).doesNotContain("wipefs");
    }

    @Test
    void whatATenantStoredOnADiskOfTheUnitIsDiscardedWhenItIsGone() {
        for (SampleFleet fleet : List.of(withOwnDisks(), withLogicalVolumes())) {
            ComputeUnit unit = fleet.units().get(0);
            List<Step> steps =
                    ReleasePlanner.deallocate("d.1", fleet.server(), unit).steps();
            assertThat(first(steps, runs("fstrim --quiet-unsupported /var/lib/kloigos/data0")))
                    .isGreaterThan(steps.indexOf(new Step.Emptying(unit.mnt())));
            assertThat(arguments(steps)).doesNotContain("/var/lib/kloigos/data1");
        }
        SampleFleet shared = withSharedDisk();
        assertThat(arguments(ReleasePlanner.deallocate(
                                "d.1", shared.server(), shared.units().get(0))
                        .steps()))
                .doesNotContain("fstrim");
    }

    @Test
    void portsThatTheHostReservedItselfStayReserved() {
        SampleFleet fleet = withSharedDisk();

        assertThat(all(init(fleet).steps(), Step.TextFile.class))
                .filteredOn(file -> file.path().startsWith("/etc/sysctl.d/"))
                .singleElement()
                .satisfies(
                        file -> assertThat(file.content()).contains("ip_local_reserved_ports = 2000-2399,9000-9100\n"));
        assertThat(all(decommission(fleet, DataDisks.KEEP).steps(), Step.Command.class))
                .contains(new Step.Command(
                        List.of("tee", "/proc/sys/net/ipv4/ip_local_reserved_ports"), "2100,9000-9100\n"));
    }

    @Test
    void aHostIsNotedAsManagedBeforeAnythingElseAndForgottenLast() {
        SampleFleet fleet = plain();
        List<Step> steps = decommission(fleet, DataDisks.KEEP).steps();

        assertThat(init(fleet).steps().get(1))
                .isEqualTo(new Step.TextFile("/etc/kloigos/managed-by", MANAGER + " host1\n", Step.Access.rootFile()));
        assertThat(first(steps, removes("/etc/kloigos"))).isGreaterThanOrEqualTo(steps.size() - 2);
    }

    @Test
    void theSystemIsLeftWhereItIsWhenUnitsHaveEveryCpu() {
        List<Step> steps = init(withEveryCpu()).steps();

        assertThat(written(steps)).noneMatch(path -> path.contains("system.slice") || path.contains("init.scope"));
    }

    @Test
    void aPlanPrintsAsOneNumberedLineForEachStep() {
        for (SampleFleet fleet : fleets().toList()) {
            HostPlan plan = init(fleet);
            List<String> lines = plan.toString().lines().toList();

            assertThat(lines).hasSameSizeAs(plan.steps());
            for (int i = 0; i < lines.size(); i++) {
                assertThat(lines.get(i)).matches(" *" + (i + 1) + "  \\S.*");
            }
        }
        assertThat(TenancyPlanner.allocate(
                                "a.1", plain().server(), plain().units().get(0), List.of(SampleFleet.KEY))
                        .toString())
                .endsWith("  file /etc/kloigos/keys/u4-7 0640 0:20000, 1 lines\n");
    }

    // Looking into plans

    private static <S extends Step> Stream<S> all(List<Step> steps, Class<S> type) {
        return steps.stream().filter(type::isInstance).map(type::cast);
    }

    private static List<String> arguments(List<Step> steps) {
        return steps.stream()
                .flatMap(step -> {
                    if (step instanceof Step.Command command) {
                        return command.argv().stream();
                    }
                    if (step instanceof Step.Ensure ensure) {
                        return Stream.concat(ensure.argv().stream(), ensure.condition().argv().stream());
                    }
                    if (step instanceof Step.Expectation expectation
                            && expectation.reading() instanceof Reading.Output output) {
                        return output.argv().stream();
                    }
                    return Stream.empty();
                })
                .toList();
    }

    private static Predicate<Step> removes(String path) {
        return step -> step.equals(new Step.Removal(path));
    }

    private static Predicate<Step> erases(Trace trace) {
        return step -> step instanceof Step.Erasure erasure && erasure.trace() == trace;
    }

    private static Predicate<Step> runs(String command) {
        return step -> (step instanceof Step.Command run
                        && String.join(" ", run.argv()).equals(command))
                || (step instanceof Step.Ensure ensure
                        && String.join(" ", ensure.argv()).equals(command));
    }

    private static int first(List<Step> steps, Predicate<Step> wanted) {
        for (int i = 0; i < steps.size(); i++) {
            if (wanted.test(steps.get(i))) {
                return i;
            }
        }
        throw new AssertionError("no such step in " + steps);
    }

    private static int last(List<Step> steps, Predicate<Step> wanted) {
        for (int i = steps.size() - 1; i >= 0; i--) {
            if (wanted.test(steps.get(i))) {
                return i;
            }
        }
        throw new AssertionError("no such step in " + steps);
    }

    @Test
    void aReleaseHasTimeForAsManyFilesAsTheUnitMayHave() {
        SampleFleet few = withInodes(10_000);
        SampleFleet many = withInodes(32_000_000);

        assertThat(release(few)).isBetween(Duration.ofMinutes(5), Duration.ofMinutes(6));
        assertThat(release(many)).isBetween(Duration.ofHours(4), Duration.ofHours(5));
        assertThat(DecommissionPlanner.decommission("d", many.server(), many.units(), DataDisks.KEEP)
                        .timeLimit())
                .isGreaterThan(Duration.ofHours(8));
        assertThat(release(withEveryCpu())).as("where no quota counts").isGreaterThan(Duration.ofMinutes(20));
    }

    private static Duration release(SampleFleet fleet) {
        return ReleasePlanner.deallocate("d", fleet.server(), fleet.units().get(0))
                .timeLimit();
    }

    private static SampleFleet withInodes(long inodes) {
        LimitRequest limits =
                new LimitRequest(null, null, null, null, null, null, null, inodes, List.of(), PortEnforcement.NFTABLES);
        return SampleFleet.of(
                SampleFleet.request("host1", null, List.of(), limits, "4-7", "8-11"),
                SampleHost.debian().facts());
    }
}
