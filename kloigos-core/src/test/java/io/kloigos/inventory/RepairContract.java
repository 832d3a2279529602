package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Operation;
import io.kloigos.model.UnitStatus;
import java.util.List;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.Test;

/** When a server can be repaired, and what a repair keeps from beginning. */
interface RepairContract extends InventoryFixture {
    @Test
    default void aServerIsNotRepairedWhileSomethingIsUnderWayOnAUnit() {
        addReady("host1", "4-7", "8-11");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");

        assertRefused(() -> inventory().drift().requireRepairable("host1"), "is under way on [" + unit.id() + "]");
        assertRefused(
                () -> inventory().drift().beginRepair(repair("op2"), List.of(), null),
                "is under way on [" + unit.id() + "]");

        inventory().endAllocation(SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit), unit, NOON);
        inventory().drift().beginRepair(repair("op2"), List.of(), null);
        assertThat(unfinished()).containsExactly("op2");
    }

    @Test
    default void aServerIsNeitherRepairedNorGivenBackWhileItIsRepaired() {
        addReady("host1", "4-7");
        inventory().drift().beginRepair(repair("op1"), List.of(), null);
        Operation decommission = SampleFleet.operation("op2", Operation.Kind.DECOMMISSION, "host1", null, NOON);

        assertRefused(() -> inventory().drift().requireRepairable("host1"), "operation op1 (repair) is under way");
        assertRefused(
                () -> inventory().drift().beginRepair(repair("op3"), List.of(), null),
                "operation op1 (repair) is under way");
        assertRefused(
                () -> inventory().beginDecommission("host1", decommission, DataDisks.KEEP, null, (server, units) -> {}),
                "operation op1 (repair) is under way");
        assertThat(inventory().unit(new ComputeId("host1_4-7")).orElseThrow().status())
                .isEqualTo(UnitStatus.FREE);

        inventory().drift().end(SampleFleet.ended("op1", Operation.Kind.REPAIR, "host1", null), "", NOON);
        inventory().beginDecommission("host1", decommission, DataDisks.KEEP, null, (server, units) -> {});
        assertRefused(
                () -> inventory().drift().beginRepair(repair("op4"), List.of(), null), "host1: it is decommissioning");
    }

    default Operation repair(String id) {
        return SampleFleet.operation(id, Operation.Kind.REPAIR, "host1", null, NOON);
    }

    private void assertRefused(ThrowableAssert.ThrowingCallable attempt, String why) {
        assertThatThrownBy(attempt)
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining(why);
    }
}
