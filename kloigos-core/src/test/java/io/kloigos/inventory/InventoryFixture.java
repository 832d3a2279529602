package io.kloigos.inventory;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** An inventory, and what tests of any kind do with it. */
interface InventoryFixture {
    Instant NOON = SampleFleet.NOON;
    Duration LEASE = Duration.ofSeconds(20);

    /** The first unit that {@link #addTenant} adds. */
    ComputeId UNIT = new ComputeId("host1_4-7");

    /** Returns the inventory of this test. */
    Inventory inventory();

    default SampleFleet add(String hostname, String... ranges) {
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request(hostname, ranges), SampleHost.debian().facts());
        addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("init-" + hostname, Operation.Kind.INIT, hostname, null, NOON));
        return fleet;
    }

    default void addReady(String hostname, String... ranges) {
        add(hostname, ranges);
        inventory()
                .endOnServer(
                        SampleFleet.ended("init-" + hostname, Operation.Kind.INIT, hostname, null),
                        ServerStatus.READY,
                        UnitStatus.FREE,
                        "",
                        NOON);
    }

    default ComputeUnit claim(AllocateRequest request, String operationId) {
        return inventory()
                .claim(
                        request,
                        (server, unit) -> SampleFleet.operation(
                                operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit, NOON),
                        null)
                .orElseThrow()
                .unit();
    }

    default ComputeUnit allocate(AllocateRequest request, String operationId) {
        ComputeUnit unit = claim(request, operationId);
        inventory()
                .endAllocation(
                        SampleFleet.ended(operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit), unit, NOON);
        return inventory().unit(unit.id()).orElseThrow();
    }

    default ErrorCode code(Throwable refusal) {
        return ((KloigosException) refusal).code();
    }

    default void addServer(Server server, List<ComputeUnit> units, Operation operation) {
        inventory().addServer(server, units, operation, null);
    }

    default List<String> unfinished() {
        return inventory().operations().newest(OperationFilter.all(), null, null, 100).stream()
                .filter(operation -> !operation.state().isEnded())
                .map(Operation::id)
                .toList();
    }

    default List<String> ids(UnitFilter filter) {
        return inventory().units(filter).stream().map(unit -> unit.id().value()).toList();
    }

    default Operation started(String id, ComputeUnit unit) {
        return new Operation(
                id,
                Operation.Kind.ALLOCATE,
                unit.hostname(),
                unit.id(),
                Operation.State.RUNNING,
                1,
                null,
                null,
                NOON,
                NOON,
                null,
                List.of(
                        new Operation.Step("one", Operation.StepState.RUNNING, 0, ""),
                        new Operation.Step("two", Operation.StepState.PENDING, 0, "")));
    }

    default List<String> ids(OperationFilter filter) {
        return inventory().operations().newest(filter, null, null, 10).stream()
                .map(Operation::id)
                .toList();
    }

    default Operation deallocation(String id, ComputeUnit unit) {
        return SampleFleet.operation(id, Operation.Kind.DEALLOCATE, unit.hostname(), unit, NOON);
    }

    default Operation failed(String id, Operation.Kind kind, ComputeUnit unit) {
        return failed(id, kind, unit, 1);
    }

    default Operation failed(String id, Operation.Kind kind, ComputeUnit unit, int attempt) {
        return new Operation(
                id,
                kind,
                unit.hostname(),
                unit.id(),
                Operation.State.FAILED,
                attempt,
                "it broke",
                ErrorCode.HOST_STEP_FAILED,
                NOON,
                NOON,
                NOON,
                List.of());
    }

    default void addTenant() {
        addReady("host1", "4-7", "8-11");
        allocate(SampleFleet.wanting(4), "op1");
    }
}
