package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitChange;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitStatus;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Whole plans, as somebody has read and approved them: a change of what happens on hosts shows as a difference in a text. Where it
 * is meant, {@code -Dkloigos.approvePlans} writes the texts anew, to be read before they are committed.
 */
class ReviewedPlansTest {
    private static final Path TEXTS = Path.of("src/test/resources/io/kloigos/planner");

    private static final List<SshPublicKey> KEYS =
            List.of(SampleFleet.KEY, new SshPublicKey(SampleFleet.KEY.line() + "-2"));
    private static final LimitChange CHANGE = new LimitChange(
            ByteSize.parse("1G"),
            null,
            null,
            500,
            null,
            null,
            null,
            List.of(new IoLimit("/dev/sda", ByteSize.parse("8M"), null, null, null)));

    @Test
    void aHostWithoutDataDisks() throws IOException {
        assertReviewed("plain", HostPlansTest.plain());
    }

    @Test
    void aHostWhoseEveryCpuIsInAUnitWithoutQuotasAndAtJobs() throws IOException {
        assertReviewed("every-cpu", HostPlansTest.withEveryCpu());
    }

    @Test
    void aHostWithASharedDiskIoLimitsAndSocketBind() throws IOException {
        assertReviewed("shared-disk", HostPlansTest.withSharedDisk());
    }

    @Test
    void aHostWithADiskForEachUnit() throws IOException {
        assertReviewed("own-disks", HostPlansTest.withOwnDisks());
    }

    @Test
    void aHostWithALogicalVolumeForEachUnit() throws IOException {
        assertReviewed("logical-volumes", HostPlansTest.withLogicalVolumes());
    }

    private static void assertReviewed(String name, SampleFleet fleet) throws IOException {
        ComputeUnit unit = fleet.units().get(0);
        ComputeUnit resized = new UnitChange.Resize(CHANGE).madeTo(unit.in(UnitStatus.ALLOCATED, ""), SampleFleet.NOON);
        StringBuilder text = new StringBuilder();
        for (HostPlan plan : List.of(
                InitPlanner.init("init", fleet.server(), fleet.units(), "kloigos 4711"),
                TenancyPlanner.allocate("allocate", fleet.server(), unit, List.of(SampleFleet.KEY)),
                change(
                        Operation.Kind.ROTATE_KEYS,
                        fleet,
                        unit,
                        unit.with(unit.tenancy().withKeys(KEYS))),
                change(Operation.Kind.RESIZE, fleet, unit, resized),
                change(Operation.Kind.STOP, fleet, unit, unit),
                change(
                        Operation.Kind.START,
                        fleet,
                        unit,
                        unit.with(unit.tenancy().withKeys(KEYS))),
                ReleasePlanner.deallocate("deallocate", fleet.server(), unit),
                ReleasePlanner.deallocate("deallocate-resized", fleet.server(), resized),
                DecommissionPlanner.decommission(
                        "decommission-disks-kept", fleet.server(), fleet.units(), DataDisks.KEEP),
                DecommissionPlanner.decommission(
                        "decommission-disks-wiped", fleet.server(), fleet.units(), DataDisks.WIPE))) {
            print(plan, text);
        }
        Path file = TEXTS.resolve(name + ".txt");
        if (System.getProperty("kloigos.approvePlans") != null) {
            Files.createDirectories(TEXTS);
            Files.writeString(file, text);
        }
        assertThat(text.toString()).isEqualTo(Files.readString(file));
    }

    private static HostPlan change(Operation.Kind kind, SampleFleet fleet, ComputeUnit unit, ComputeUnit wanted) {
        return TenancyPlanner.change(kind.toString(), kind, fleet.server(), unit, wanted);
    }

    private static void print(HostPlan plan, StringBuilder text) {
        text.append("== ")
                .append(plan.id())
                .append(", within ")
                .append(plan.timeLimit().toSeconds());
        text.append(" s, locks ")
                .append(plan.scope().isHost() ? "the host" : plan.scope().unit())
                .append('\n');
        for (Step step : plan.steps()) {
            text.append(step.describe()).append('\n');
            if (step instanceof Step.TextFile file) {
                quote(file.content(), text);
            } else if (step instanceof Step.Command command) {
                quote(command.stdin(), text);
            }
        }
    }

    private static void quote(String content, StringBuilder text) {
        content.lines().forEach(line -> text.append("    | ").append(line).append('\n'));
    }
}
