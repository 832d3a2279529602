package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitChange;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenancy;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What happens to a unit while a tenant has it, and when its time is over. */
interface TenancyContract extends InventoryFixture {
    SshPublicKey SECOND = new SshPublicKey(SampleFleet.KEY.line() + "-2");

    private Operation begin(String id, UnitChange change) {
        Operation operation = Operation.asked(id, change.kind(), "host1", UNIT, NOON);
        inventory().tenancies().begin(UNIT, operation, null, unit -> change.madeTo(unit, NOON));
        return operation;
    }

    private ComputeUnit end(Operation operation, String reason) {
        Operation begun = operation.begun(NOON);
        Operation ended = reason.isEmpty()
                ? begun.succeeded(NOON)
                : begun.failed(new KloigosException(ErrorCode.HOST_STEP_FAILED, reason), NOON);
        inventory().tenancies().end(ended, reason, NOON);
        return inventory().unit(UNIT).orElseThrow();
    }

    @Test
    default void aUnitBecomesWhatWasWantedWhenItsChangeSucceeds() {
        addTenant();
        LimitChange tasks = new LimitChange(null, null, null, 77, null, null, null, null);
        ComputeUnit before = inventory().unit(UNIT).orElseThrow();

        Operation rotation = begin("op2", new UnitChange.RotateKeys(List.of(SampleFleet.KEY, SECOND)));
        assertThat(inventory().unit(UNIT).orElseThrow().sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(inventory().tenancies().wanted(rotation).sshPublicKeys()).containsExactly(SampleFleet.KEY, SECOND);
        assertThat(end(rotation, "").sshPublicKeys()).containsExactly(SampleFleet.KEY, SECOND);
        assertThat(end(begin("op3", new UnitChange.Stop()), "").stoppedAt()).isEqualTo(NOON);
        assertThat(end(begin("op4", new UnitChange.Resize(tasks)), "").limits().tasksMax())
                .isEqualTo(77);
        ComputeUnit after = end(begin("op5", new UnitChange.Start()), "");

        assertThat(after.isStopped()).isFalse();
        assertThat(after.limits().tasksMax()).isEqualTo(77);
        assertThat(after.baseLimits()).isEqualTo(before.limits());
        assertThat(after.sshPublicKeys()).hasSize(2);
        assertThat(after.status()).isEqualTo(UnitStatus.ALLOCATED);
    }

    @Test
    default void aUnitStaysWhatItWasWhenItsChangeFails() {
        addTenant();
        LimitChange tasks = new LimitChange(null, null, null, 77, null, null, null, null);
        ComputeUnit failed = end(begin("op2", new UnitChange.Resize(tasks)), "disk full");

        assertThat(failed.reason()).isEqualTo("disk full");
        assertThat(failed.limits()).isEqualTo(failed.baseLimits());
        // What the host has now is not known for sure.
        assertThat(failed.tenancy().resizedTo()).isEqualTo(failed.baseLimits());
        assertThat(inventory().beginRetry("op2", NOON, null).attempt()).isEqualTo(2);
        assertThat(inventory().unit(UNIT).orElseThrow().reason()).isEmpty();
    }

    @Test
    default void oneOperationAtATimeIsUnderWayOnAUnitThatATenantHas() {
        addTenant();
        begin("op2", new UnitChange.Stop());

        assertThatThrownBy(() -> begin("op3", new UnitChange.RotateKeys(List.of(SECOND))))
                .hasMessageContaining("operation op2 (stop) is under way on it");
        assertThatThrownBy(() -> inventory()
                        .beginDeallocation(
                                UNIT, Operation.asked("op3", Operation.Kind.DEALLOCATE, "host1", UNIT, NOON), null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
    }

    @Test
    default void anExpiredUnitIsTakenBackOnceAndToldOfOnce() {
        addTenant();
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("op2", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);
        inventory().tenancies().setExpiry(inventory().unit(UNIT).orElseThrow(), NOON.plusSeconds(60), NOON);

        assertThat(inventory().tenancies().tellExpiring(NOON.plusSeconds(59), NOON))
                .isEmpty();
        assertThat(inventory().tenancies().tellExpiring(NOON.plusSeconds(60), NOON))
                .extracting(ComputeUnit::id)
                .containsExactly(UNIT);
        assertThat(inventory().tenancies().tellExpiring(NOON.plusSeconds(60), NOON))
                .isEmpty();
        assertThat(inventory().tenancies().expired(NOON.plusSeconds(59))).isEmpty();
        assertThat(inventory().tenancies().beginExpired(UNIT, NOON.plusSeconds(59), operation))
                .isEmpty();
        assertThat(inventory().tenancies().expired(NOON.plusSeconds(60))).containsExactly(UNIT);
        assertThat(inventory().tenancies().beginExpired(UNIT, NOON.plusSeconds(60), operation))
                .isPresent();
        assertThat(inventory().tenancies().beginExpired(UNIT, NOON.plusSeconds(60), operation))
                .isEmpty();
        assertThat(inventory().tenancies().expired(NOON.plusSeconds(60))).isEmpty();
        assertThat(inventory().unit(UNIT).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }

    @Test
    default void aUnitWhoseAllocationFailedExpiresToo() {
        addReady("host1", "4-7");
        Instant expiry = NOON.plusSeconds(60);
        ComputeUnit claimed =
                claim(new AllocateRequest(4, null, null, Tags.none(), List.of(SampleFleet.KEY), expiry), "op1");
        Operation failed = Operation.asked("op1", Operation.Kind.ALLOCATE, "host1", UNIT, NOON)
                .begun(NOON)
                .failed(new KloigosException(ErrorCode.HOST_UNREACHABLE, "lost"), NOON);
        inventory().endOnUnit(failed, claimed.id(), UnitStatus.ALLOCATION_FAIL, "lost", NOON);

        assertThat(inventory().tenancies().tellExpiring(expiry, NOON)).isEmpty();
        assertThat(inventory().tenancies().expired(expiry)).containsExactly(UNIT);
        assertThat(inventory()
                        .tenancies()
                        .beginExpired(
                                UNIT,
                                expiry,
                                unit -> Operation.asked("op2", Operation.Kind.DEALLOCATE, "host1", UNIT, NOON)))
                .isPresent();
    }

    @Test
    default void aUnitOnWhichAnOperationIsUnderWayExpiresAfterIt() {
        addTenant();
        inventory().tenancies().setExpiry(inventory().unit(UNIT).orElseThrow(), NOON.plusSeconds(60), NOON);
        Operation stop = begin("op2", new UnitChange.Stop());
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("op3", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);

        assertThat(inventory().tenancies().beginExpired(UNIT, NOON.plusSeconds(60), operation))
                .isEmpty();
        end(stop, "");
        assertThat(inventory().tenancies().beginExpired(UNIT, NOON.plusSeconds(60), operation))
                .isPresent();
    }

    @Test
    default void aUnitThatWasGivenBackKeepsNothingOfItsTenancy() {
        addTenant();
        inventory()
                .tenancies()
                .setTags(inventory().unit(UNIT).orElseThrow(), new Tags(Map.of(Tags.DEPLOYMENT_ID, "web")), NOON);
        inventory().tenancies().setExpiry(inventory().unit(UNIT).orElseThrow(), NOON.plusSeconds(60), NOON);
        end(begin("op2", new UnitChange.Stop()), "");
        inventory()
                .beginDeallocation(
                        UNIT,
                        SampleFleet.operation(
                                "op3",
                                Operation.Kind.DEALLOCATE,
                                "host1",
                                inventory().unit(UNIT).orElseThrow(),
                                NOON),
                        null);
        inventory()
                .endOnUnit(
                        SampleFleet.ended(
                                "op3",
                                Operation.Kind.DEALLOCATE,
                                "host1",
                                inventory().unit(UNIT).orElseThrow()),
                        UNIT,
                        UnitStatus.FREE,
                        "",
                        NOON);

        assertThat(inventory().unit(UNIT).orElseThrow().tenancy()).isEqualTo(Tenancy.none());
    }
}
