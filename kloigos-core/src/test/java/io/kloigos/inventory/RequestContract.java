package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.Reason;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What an inventory does once for one request, again for another, and no more when it was cancelled. */
interface RequestContract extends InventoryFixture {
    @Test
    default void aKeyLeadsToTheOperationThatItsRequestBegan() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        IdempotencyKey key = IdempotencyKey.of("key1", "deallocate");
        assertThat(inventory().operations().operationOf(key)).isEmpty();

        inventory().beginDeallocation(unit.id(), deallocation("op2", unit), key);

        assertThat(inventory().operations().operationOf(key))
                .get()
                .extracting(Operation::id)
                .isEqualTo("op2");
        assertThatThrownBy(() -> inventory().operations().operationOf(IdempotencyKey.of("key1", "something else")))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.KEY_REUSED))
                .hasMessageContaining("key1")
                .hasMessageContaining("op2");
    }

    @Test
    default void whatTakesNoOperationIsDoneOnceUnderAKeyToo() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        Reason reason = new Reason("a fan");
        IdempotencyKey key = IdempotencyKey.of("key1", "withdraw");

        inventory().outOfService().withdraw(id, reason, key, NOON);
        assertThat(inventory().outOfService().withdraw(id, reason, key, NOON).status())
                .isEqualTo(UnitStatus.UNAVAILABLE);
        inventory().outOfService().putBack(id, null, NOON);
        assertThat(inventory().outOfService().withdraw(id, reason, key, NOON).status())
                .isEqualTo(UnitStatus.FREE);
        assertThat(inventory().operations().operationOf(key)).isEmpty();
        IdempotencyKey other = IdempotencyKey.of("key1", "cordon");
        assertThatThrownBy(() -> inventory().outOfService().cordon("host1", reason, other, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.KEY_REUSED));

        inventory().operations().forgetEndedBefore(NOON.plusSeconds(60));
        assertThat(inventory().outOfService().withdraw(id, reason, key, NOON).status())
                .isEqualTo(UnitStatus.UNAVAILABLE);
    }

    @Test
    default void aKeyOfWhatWasRefusedIsFree() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        IdempotencyKey key = IdempotencyKey.of("key1", "put back");

        assertThatThrownBy(() -> inventory().outOfService().putBack(id, key, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
        inventory().outOfService().withdraw(id, new Reason("a fan"), null, NOON);
        assertThat(inventory().outOfService().putBack(id, key, NOON).status()).isEqualTo(UnitStatus.FREE);
    }

    @Test
    default void aKeyBeginsOneOperationOnly() {
        addReady("host1", "4-7", "8-11");
        IdempotencyKey key = IdempotencyKey.of("key1", "allocate");
        Function<String, Optional<Inventory.Claim>> claim = operation -> inventory()
                .claim(
                        SampleFleet.wanting(4),
                        (server, unit) ->
                                SampleFleet.operation(operation, Operation.Kind.ALLOCATE, unit.hostname(), unit, NOON),
                        key);

        assertThat(claim.apply("op1")).isPresent();
        assertThatThrownBy(() -> claim.apply("op2"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.KEY_IN_USE));

        assertThat(ids(new UnitFilter(null, null, null, null, null, null, UnitStatus.FREE)))
                .hasSize(1);
        assertThat(inventory().operations().find("op2")).isEmpty();
    }

    @Test
    default void whatFailedCanBeTriedAgainUntilSomethingElseIsDone() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        long before = inventory().operations().start(started("op1", unit)).fence();
        assertThatThrownBy(() -> inventory().beginRetry("op1", NOON, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("running");
        inventory()
                .endOnUnit(
                        failed("op1", Operation.Kind.ALLOCATE, unit),
                        unit.id(),
                        UnitStatus.ALLOCATION_FAIL,
                        "broke",
                        NOON);

        Operation retried = inventory().beginRetry("op1", NOON, null);

        assertThat(retried.attempt()).isEqualTo(2);
        assertThat(retried.state()).isEqualTo(Operation.State.PENDING);
        assertThat(retried.error()).isNull();
        assertThat(inventory().unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
        assertThat(inventory().operations().start(retried).fence()).isGreaterThan(before);

        inventory()
                .endOnUnit(
                        failed("op1", Operation.Kind.ALLOCATE, unit, 2),
                        unit.id(),
                        UnitStatus.ALLOCATION_FAIL,
                        "broke",
                        NOON);
        inventory().beginDeallocation(unit.id(), deallocation("op2", unit), null);
        assertThatThrownBy(() -> inventory().beginRetry("op1", NOON, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("op2");
    }

    @Test
    default void whoeverIsStillAtAnEarlierAttemptCannotEndTheNext() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory()
                .endOnUnit(
                        failed("op1", Operation.Kind.ALLOCATE, unit),
                        unit.id(),
                        UnitStatus.ALLOCATION_FAIL,
                        "broke",
                        NOON);
        inventory().beginRetry("op1", NOON, null);

        Operation late = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);
        assertThatThrownBy(() -> inventory().operations().start(late))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThatThrownBy(() -> inventory().endAllocation(late, unit, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThat(inventory().unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
    }

    @Test
    default void whatWasDoneToAUnitThatIsGoneIsNotTriedAgain() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory()
                .endOnUnit(
                        failed("op1", Operation.Kind.ALLOCATE, unit),
                        unit.id(),
                        UnitStatus.ALLOCATION_FAIL,
                        "broke",
                        NOON);
        Operation gone = SampleFleet.operation("gone", Operation.Kind.DECOMMISSION, "host1", null, NOON);
        inventory().beginDecommission("host1", gone, DataDisks.KEEP, null, (server, units) -> {});
        inventory()
                .endOnServer(
                        SampleFleet.ended("gone", Operation.Kind.DECOMMISSION, "host1", null),
                        ServerStatus.DECOMMISSIONED,
                        UnitStatus.DECOMMISSIONED,
                        "",
                        NOON);
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host1", "8-11"), SampleHost.debian().facts());
        addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("init-again", Operation.Kind.INIT, "host1", null, NOON));

        assertThatThrownBy(() -> inventory().beginRetry("op1", NOON, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host1_4-7");
        assertThat(unfinished()).containsExactly("init-again");
    }

    @Test
    default void aServersOperationIsTriedAgainWithAllItsUnits() {
        add("host1", "4-7", "8-11");
        inventory()
                .endOnServer(
                        new Operation(
                                "init-host1",
                                Operation.Kind.INIT,
                                "host1",
                                null,
                                Operation.State.FAILED,
                                1,
                                "it broke",
                                ErrorCode.HOST_STEP_FAILED,
                                NOON,
                                NOON,
                                NOON,
                                List.of()),
                        ServerStatus.INIT_FAIL,
                        UnitStatus.INIT_FAIL,
                        "it broke",
                        NOON);

        inventory().beginRetry("init-host1", NOON, null);

        assertThat(inventory().server("host1").orElseThrow().status()).isEqualTo(ServerStatus.INITIALIZING);
        assertThat(inventory().server("host1").orElseThrow().reason()).isEmpty();
        assertThat(inventory().units(UnitFilter.all()))
                .extracting(ComputeUnit::status)
                .containsExactly(UnitStatus.INITIALIZING, UnitStatus.INITIALIZING);
    }

    @Test
    default void whoBeginsAnOperationLearnsThatItWasCancelledBefore() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        assertThat(inventory().operations().start(started("op1", unit)).isCancelled())
                .isFalse();

        inventory().operations().requestCancel("op1");

        assertThat(inventory().operations().start(started("op1", unit)).isCancelled())
                .isTrue();
        assertThatThrownBy(() -> inventory().operations().requestCancel("init-host1"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("succeeded");
        assertThatThrownBy(() -> inventory().operations().requestCancel("none"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    default void oldOperationsAreForgottenButForTheLastOfEachUnitAndServer() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory().beginDeallocation(unit.id(), deallocation("op2", unit), IdempotencyKey.of("key", "x"));
        inventory()
                .endOnUnit(
                        SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                        unit.id(),
                        UnitStatus.FREE,
                        "",
                        NOON);
        claim(SampleFleet.wanting(4), "op3");

        assertThat(inventory().operations().forgetEndedBefore(NOON)).isZero();
        assertThat(inventory().operations().forgetEndedBefore(NOON.plusSeconds(60)))
                .isEqualTo(2);

        assertThat(inventory().operations().newest(OperationFilter.all(), null, null, 10))
                .extracting(Operation::id)
                .containsExactlyInAnyOrder("init-host1", "op3");
        assertThat(inventory().operations().operationOf(IdempotencyKey.of("key", "x")))
                .isEmpty();
    }
}
