package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.Server;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitStatus;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Servers and units that are given to nobody. */
interface OutOfServiceContract extends InventoryFixture {
    @Test
    default void cordonedServersAreLeftOutAndNamed() {
        addReady("host1", "4-7", "8-11");
        Reason reason = new Reason("disk 2 is failing");
        assertThat(inventory()
                        .outOfService()
                        .cordon("host1", reason, null, NOON)
                        .cordon())
                .isEqualTo(reason);

        assertThat(inventory().candidate(SampleFleet.wanting(null))).isEmpty();
        assertThat(inventory().capacity(SampleFleet.wanting(null))).isEmpty();
        for (AllocateRequest fitting : List.of(
                SampleFleet.wanting(null),
                SampleFleet.wanting(4),
                new AllocateRequest(4, "eu", "a", Tags.none(), SampleFleet.KEY))) {
            assertThat(inventory().outOfService().cordonedWithRoomFor(fitting))
                    .extracting(Server::hostname)
                    .containsExactly("host1");
        }
        assertThat(inventory().outOfService().cordonedWithRoomFor(SampleFleet.wanting(5)))
                .isEmpty();
        assertThat(inventory().outOfService().uncordon("host1", null, NOON).cordon())
                .isNull();
        assertThat(inventory().candidate(SampleFleet.wanting(null))).isPresent();
    }

    @Test
    default void aDrainBeginsAllDeallocationsOrNothing() {
        addTenant();
        Reason reason = new Reason("disk 2 is failing");
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("drain", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);

        assertThatThrownBy(() -> inventory()
                        .outOfService()
                        .drain(
                                "host1",
                                reason,
                                null,
                                NOON,
                                units -> {
                                    throw new KloigosException(ErrorCode.WRONG_STATE, "tenants");
                                },
                                operation))
                .hasMessage("tenants");
        assertThat(inventory().server("host1").orElseThrow().cordon()).isNull();
        IdempotencyKey key = IdempotencyKey.of("once", "drain");
        List<Operation> begun = inventory().outOfService().drain("host1", reason, key, NOON, units -> {}, operation);
        assertThat(begun).extracting(Operation::computeId).containsExactly(UNIT);
        assertThat(inventory()
                        .operations()
                        .begunWith(inventory().operations().operationOf(key).orElseThrow()))
                .extracting(Operation::id)
                .containsExactly("drain");
    }

    @Test
    default void aDrainThatFoundNobodyEvictsNobodyWhenItIsRepeated() {
        addReady("host1", "4-7");
        Reason reason = new Reason("disk 2 is failing");
        IdempotencyKey key = IdempotencyKey.of("once", "drain");
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("drain", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);
        assertThat(inventory().outOfService().drain("host1", reason, key, NOON, units -> {}, operation))
                .isEmpty();
        inventory().outOfService().uncordon("host1", null, NOON);
        allocate(SampleFleet.wanting(4), "op1");

        assertThat(inventory().outOfService().drain("host1", reason, key, NOON, units -> {}, operation))
                .isEmpty();
        assertThat(inventory().unit(UNIT).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(inventory().server("host1").orElseThrow().cordon()).isNull();
    }

    @Test
    default void aWithdrawnUnitKeepsItsNewestOperation() {
        addReady("host1", "4-7");
        ComputeUnit withdrawn = inventory().outOfService().withdraw(UNIT, new Reason("CPU 5 throttles"), null, NOON);

        assertThat(withdrawn.status()).isEqualTo(UnitStatus.UNAVAILABLE);
        assertThat(withdrawn.operationId()).isEqualTo("init-host1");
        assertThat(inventory().candidate(SampleFleet.wanting(null))).isEmpty();
        assertThat(inventory().outOfService().putBack(UNIT, null, NOON).status())
                .isEqualTo(UnitStatus.FREE);
    }
}
