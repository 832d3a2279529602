package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Deviation;
import io.kloigos.model.FactKind;
import io.kloigos.model.Tenancy;
import io.kloigos.model.UnitStatus;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class DriftCheckTest {
    private static final String MANAGER = "kloigos test";

    static Stream<SampleFleet> fleets() {
        return HostPlansTest.fleets();
    }

    private static List<ComputeUnit> withFirst(SampleFleet fleet, UnitStatus status) {
        Tenancy tenancy = Tenancy.none().withKeys(List.of(SampleFleet.KEY));
        return Stream.concat(
                        Stream.of(fleet.units().get(0).in(status, "").with(tenancy)),
                        fleet.units().stream().skip(1).map(unit -> unit.in(UnitStatus.FREE, "")))
                .toList();
    }

    private static DriftCheck check(SampleFleet fleet, UnitStatus first) {
        return DriftCheck.of(fleet.server(), withFirst(fleet, first), MANAGER);
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void aTenantsUnitIsComparedInAtLeast29Facts(SampleFleet fleet) {
        int all = check(fleet, UnitStatus.ALLOCATED).facts();
        int withoutTheFirst = check(fleet, UnitStatus.DEALLOCATING).facts();

        assertThat(all - withoutTheFirst).isGreaterThanOrEqualTo(29);
    }

    @ParameterizedTest
    @MethodSource("fleets")
    void everyFileThatInitWritesForRootIsLookedAt(SampleFleet fleet) {
        List<Reading> readings = check(fleet, UnitStatus.FREE).readings();

        HostPlan init = InitPlanner.init("init.1", fleet.server(), fleet.units(), MANAGER);
        assertThat(init.steps().stream()
                        .filter(Step.TextFile.class::isInstance)
                        .map(Step.TextFile.class::cast)
                        .filter(file -> file.access().equals(Step.Access.rootFile()))
                        .map(file -> (Reading) new Reading.FileText(file.path())))
                .isNotEmpty()
                .allMatch(readings::contains);
    }

    /** A host that answers with reasons why it cannot tell must not end the look at all that it can tell. */
    @ParameterizedTest
    @ValueSource(strings = {"", "Permission denied", "-1", "2000-x,9", "a=b\nc: d\n\ne /f"})
    void whateverAHostAnswersIsComparedWithWhatItShouldBe(String answer) {
        DriftCheck check = check(fleets().findFirst().orElseThrow(), UnitStatus.ALLOCATED);

        List<Deviation> found =
                check.compare(check.readings().stream().map(reading -> answer).toList());

        assertThat(found).extracting(Deviation::kind).contains(FactKind.RESERVED_PORTS, FactKind.USER_QUOTA);
        assertThat(found).hasSizeGreaterThan(check.facts() / 2);
    }

    private static List<Step> repair(FactKind kind, String actual) {
        SampleFleet fleet = fleets().findFirst().orElseThrow();
        List<ComputeUnit> units = withFirst(fleet, UnitStatus.ALLOCATED);
        Deviation deviation = new Deviation(kind, units.get(0).id(), "subject", "none", actual);
        return RepairPlanner.repair("repair.1", fleet.server(), units, MANAGER, List.of(deviation)).stream()
                .flatMap(plan -> plan.steps().stream())
                .toList();
    }

    @Test
    void aSocketIsClosedWhereItCanBeNamedAndWhoeverHoldsItStillIsEnded() {
        assertThat(repair(FactKind.FOREIGN_PORTS, "tcp 2205 /user.slice/user-20000.slice/session-3.scope")
                        .get(0)
                        .describe())
                .contains("run ss -K -Hn -lt sport = :2205 and cgroup = /user.slice/user-20000.slice/session-3.scope");
        assertThat(lastArguments(FactKind.FOREIGN_PORTS, "tcp 2205 /user.slice/user-20000.slice/session-3.scope"))
                .containsExactly("/sys/fs/cgroup/user.slice/user-20000.slice", "20000", "t2205");
    }

    /** What stands behind {@code sh -c} and the script. */
    private static List<String> lastArguments(FactKind kind, String actual) {
        List<Step> steps = repair(kind, actual);
        assertThat(steps).last().isInstanceOf(Step.Command.class);
        List<String> argv = ((Step.Command) steps.get(steps.size() - 1)).argv();
        assertThat(argv).startsWith("sh", "-c");
        return argv.subList(3, argv.size());
    }

    /** A tenant names cgroups as it likes, and its sockets may have been made in one that is gone or another's. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "tcp 2205 /user.slice/user-20000.slice/a or sport = :22",
                "tcp 2205 /user.slice/user-20000.slice/(a",
                "tcp 2205 /user.slice/user-20000.slice/a, tcp 99999999999 /b, x",
                "tcp 2205 /user.slice/user-20000.slice/../user-0.slice/session-1.scope",
                "tcp 2205 /user.slice/user-0.slice/session-1.scope",
                "tcp 2205 /user.slice/user-20001.slice/session-1.scope",
                "tcp 2205 -",
                "tcp 2205 /system.slice/ssh.service"
            })
    void whatCannotBeNamedIsTakenFromTheUnitsOwnProcessesAndNobodyElses(String socket) {
        assertThat(lastArguments(FactKind.FOREIGN_PORTS, socket))
                .containsExactly("/sys/fs/cgroup/user.slice/user-20000.slice", "20000", "t2205");
        assertThat(repair(FactKind.FOREIGN_PORTS, socket))
                .allMatch(step -> !step.describe().startsWith("run ss -K")
                        || step.describe().endsWith("sport = :2205 and cgroup = /user.slice/user-20000.slice/a"));
    }

    @Test
    void whereNobodyCouldLookNobodyIsEnded() {
        assertThat(repair(FactKind.FOREIGN_PORTS, "unknown: ss failed")).isEmpty();
    }

    @Test
    void onlyDropInsOfSlicesAreRemoved() {
        List<Step> steps = repair(
                FactKind.DROP_INS,
                "/etc/systemd/system/user-20000.slice.d/60-more.conf /etc/passwd"
                        + " /etc/systemd/system/user-20000.slice.d/../../../shadow.conf");

        assertThat(steps.stream().filter(Step.Removal.class::isInstance))
                .containsExactly(new Step.Removal("/etc/systemd/system/user-20000.slice.d/60-more.conf"));
    }
}
