package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How servers, units and operations become others. */
interface LifecycleContract extends InventoryFixture {
    @Test
    default void refusesAChangeThatTheStatusDoesNotAllowAndSaysWhatItDoes() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        Operation deallocate = SampleFleet.operation(
                "op1", Operation.Kind.DEALLOCATE, "host1", inventory().unit(id).orElseThrow(), NOON);

        assertThatThrownBy(() -> inventory().beginDeallocation(id, deallocate, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("host1_4-7 is free and cannot become deallocating")
                .hasMessageContaining("[allocating, decommissioning, unavailable]");
        assertThat(inventory().operations().find("op1")).isEmpty();
    }

    @Test
    default void doesNotEndAnOperationTwice() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory()
                .beginDeallocation(
                        unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON), null);
        Operation late = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);

        assertThatThrownBy(() -> inventory().endOnUnit(late, unit.id(), UnitStatus.FREE, "", NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThat(inventory().unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }

    @Test
    default void saysThatAUnitOrServerIsUnknown() {
        Operation operation = SampleFleet.operation("op1", Operation.Kind.DEALLOCATE, "host9", null, NOON);

        assertThatThrownBy(() -> inventory().beginDeallocation(new ComputeId("host9_0"), operation, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host9_0");
        assertThatThrownBy(() -> inventory().beginDecommission("host9", operation, DataDisks.KEEP, null, (s, u) -> {}))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host9");
    }

    @Test
    default void aCheckThatThrowsKeepsTheServerAsItIs() {
        addReady("host1", "4-7");
        KloigosException refusal = new KloigosException(ErrorCode.WRONG_STATE, "tenants hold it");

        assertThatThrownBy(() -> inventory()
                        .beginDecommission(
                                "host1",
                                SampleFleet.operation("op1", Operation.Kind.DECOMMISSION, "host1", null, NOON),
                                DataDisks.WIPE,
                                null,
                                (server, units) -> {
                                    throw refusal;
                                }))
                .isSameAs(refusal);
        assertThat(inventory().server("host1").orElseThrow().status()).isEqualTo(ServerStatus.READY);
        assertThat(ids(new UnitFilter(null, null, null, null, null, null, UnitStatus.FREE)))
                .hasSize(1);
        assertThat(inventory().operations().find("op1")).isEmpty();
    }

    @Test
    default void aHostNameIsManagedOnce() {
        addReady("host1", "4-7");

        assertThatThrownBy(() -> add("host1", "8-15"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.ALREADY_MANAGED))
                .hasMessageContaining("10.0.0.1")
                .hasMessageContaining("ready");
        assertThat(ids(UnitFilter.all())).containsExactly("host1_4-7");
    }

    @Test
    default void aHostIsManagedUnderOneName() {
        add("host1", "4-7");
        SampleFleet sameHost = SampleFleet.of(
                new InitServerRequest(
                        new HostAddress("host2", "10.0.0.1", null, null, null),
                        "eu",
                        "a",
                        new UnitDivision.Ranges(List.of(CpuSet.parse("8-11"))),
                        null,
                        List.of(),
                        LimitRequest.defaults()),
                SampleHost.debian().facts());

        assertThatThrownBy(() -> addServer(
                        sameHost.server(),
                        sameHost.units(),
                        SampleFleet.operation("op1", Operation.Kind.INIT, "host2", null, NOON)))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.ALREADY_MANAGED))
                .hasMessageContaining("is in the inventory already, as host1 with status initializing");
        assertThat(inventory().server("host2")).isEmpty();
    }

    @Test
    default void aServerThatWasGivenBackCanBeAddedAgain() {
        addReady("host1", "4-7");
        Operation gone = SampleFleet.operation("op1", Operation.Kind.DECOMMISSION, "host1", null, NOON);
        inventory().beginDecommission("host1", gone, DataDisks.WIPE, null, (server, units) -> {});
        assertThat(inventory().operations().dataDisks("op1")).isEqualTo(DataDisks.WIPE);
        inventory()
                .endOnServer(
                        SampleFleet.ended("op1", Operation.Kind.DECOMMISSION, "host1", null),
                        ServerStatus.DECOMMISSIONED,
                        UnitStatus.DECOMMISSIONED,
                        "",
                        NOON);
        SampleFleet again = SampleFleet.of(
                SampleFleet.request("host1", "4-5", "6-7"), SampleHost.debian().facts());
        addServer(
                again.server(), again.units(), SampleFleet.operation("op2", Operation.Kind.INIT, "host1", null, NOON));

        assertThat(ids(UnitFilter.all())).containsExactly("host1_4-5", "host1_6-7");
        assertThat(inventory().operations().find("init-host1"))
                .as("its history is kept")
                .isPresent();
    }

    @Test
    default void noCpuIsEverInTwoUnits() {
        SampleFleet first = SampleFleet.of(
                SampleFleet.request("host1", "4-7"), SampleHost.debian().facts());
        SampleFleet second = SampleFleet.of(
                SampleFleet.request("host1", "0", "7-8"), SampleHost.debian().facts());
        List<ComputeUnit> overlapping =
                List.of(first.units().get(0), second.units().get(1));
        Operation init = SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON);

        assertThatThrownBy(() -> addServer(first.server(), overlapping, init))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED));
        assertThat(inventory().server("host1")).isEmpty();
        assertThat(inventory().units(UnitFilter.all())).isEmpty();
    }

    @Test
    default void noUidAndNoPortIsEverGivenTwice() {
        SampleFleet first = SampleFleet.of(
                SampleFleet.request("host1", "4-7"), SampleHost.debian().facts());
        SampleFleet second = SampleFleet.of(
                SampleFleet.request("host1", "8-9"), SampleHost.debian().facts());
        List<ComputeUnit> twins = List.of(first.units().get(0), second.units().get(0));
        Operation init = SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON);

        assertThatThrownBy(() -> addServer(first.server(), twins, init))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED));
    }

    @Test
    default void serversAreListedByName() {
        add("hostb", "0");
        add("hosta", "0");

        assertThat(inventory().servers()).extracting(Server::hostname).containsExactly("hosta", "hostb");
    }

    @Test
    default void keepsHowAnOperationEnded() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory().operations().start(started("op1", unit));
        Operation failed = new Operation(
                "op1",
                Operation.Kind.ALLOCATE,
                "host1",
                unit.id(),
                Operation.State.FAILED,
                1,
                "Step 2 of 2 failed",
                ErrorCode.HOST_STEP_FAILED,
                NOON,
                NOON,
                NOON.plusMillis(1234),
                List.of(
                        new Operation.Step("one", Operation.StepState.CHANGED, 12, ""),
                        new Operation.Step("two", Operation.StepState.FAILED, 3, "no such file")));
        inventory().endOnUnit(failed, unit.id(), UnitStatus.ALLOCATION_FAIL, "Step 2 of 2 failed", NOON);

        assertThat(inventory().operations().find("op1")).contains(failed);
        assertThat(unfinished()).isEmpty();
        assertThat(inventory().unit(unit.id()).orElseThrow().reason()).isEqualTo("Step 2 of 2 failed");
    }
}
