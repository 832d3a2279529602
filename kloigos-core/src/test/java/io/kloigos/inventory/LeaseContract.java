package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.Operation;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitStatus;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which replica an operation belongs to. */
interface LeaseContract extends InventoryFixture {
    @Test
    default void everyOperationOnAServerHasAHigherFenceThanThoseBefore() {
        addReady("host1", "4-7", "8-11");
        ComputeUnit one = claim(SampleFleet.wanting(4), "op1");
        long first = inventory().operations().start(started("op1", one)).fence();
        inventory().endAllocation(SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", one), one, NOON);
        inventory().beginDeallocation(one.id(), deallocation("op2", one), null);
        long second = inventory().operations().start(started("op2", one)).fence();
        inventory()
                .endOnUnit(
                        SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", one),
                        one.id(),
                        UnitStatus.FREE,
                        "",
                        NOON);
        inventory()
                .beginDecommission(
                        "host1",
                        SampleFleet.operation("op3", Operation.Kind.DECOMMISSION, "host1", null, NOON),
                        DataDisks.KEEP,
                        null,
                        (server, units) -> {});
        long third = inventory().operations().start(started("op3", one)).fence();
        inventory()
                .endOnServer(
                        SampleFleet.ended("op3", Operation.Kind.DECOMMISSION, "host1", null),
                        ServerStatus.DECOMMISSIONED,
                        UnitStatus.DECOMMISSIONED,
                        "",
                        NOON);
        SampleFleet again = SampleFleet.of(
                SampleFleet.request("host1", "4-7"), SampleHost.debian().facts());
        addServer(
                again.server(), again.units(), SampleFleet.operation("op4", Operation.Kind.INIT, "host1", null, NOON));
        long fourth = inventory().operations().start(started("op4", one)).fence();

        assertThat(List.of(first, second, third, fourth)).isSorted().doesNotHaveDuplicates();
        assertThat(first).isGreaterThanOrEqualTo(NOON.toEpochMilli());
    }

    @Test
    default void operationsWithoutALeaseAreTakenOverOldestFirst() {
        addReady("host1", "4-7", "8-11");
        claim(SampleFleet.wanting(4), "op1");
        claim(SampleFleet.wanting(4), "op2");
        assertThat(inventory().operations().takeOver(NOON)).isEmpty();

        inventory().operations().release();

        assertThat(inventory().operations().takeOver(NOON))
                .extracting(Operation::id)
                .containsExactly("op1", "op2");
        assertThat(inventory().operations().takeOver(NOON)).isEmpty();
    }

    @Test
    default void whoRenewsALeaseWritesDownHowFarTheOperationIs() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory().operations().start(started("op1", unit));
        Operation further = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);

        inventory().operations().renew(List.of(further));

        Operation seen = inventory().operations().find("op1").orElseThrow();
        assertThat(seen.state()).isEqualTo(Operation.State.RUNNING);
        assertThat(seen.steps()).isEqualTo(further.steps());
    }
}
