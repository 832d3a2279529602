package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import io.kloigos.model.FactKind;
import io.kloigos.model.FleetCounts;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.OperationPlace;
import io.kloigos.model.Reason;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitPlace;
import io.kloigos.model.UnitStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What an inventory lists and counts. */
interface ListingContract extends InventoryFixture {
    @Test
    default void everyPartOfAFilterMustMatch() {
        addReady("host1", "0-3", "4-7", "8-15");
        addReady("host2", "0-3");
        Tags tags = new Tags(Map.of("deployment_id", 12));
        allocate(new AllocateRequest(8, null, null, tags, SampleFleet.KEY), "op1");

        assertThat(ids(UnitFilter.all())).containsExactly("host1_0-3", "host1_4-7", "host1_8-15", "host2_0-3");
        ComputeUnit first = inventory().units(UnitFilter.all(), null, 1).get(0);
        assertThat(first.id()).hasToString("host1_0-3");
        assertThat(inventory().units(UnitFilter.all(), UnitPlace.of(first), 10))
                .extracting(unit -> unit.id().value())
                .containsExactly("host1_4-7", "host1_8-15", "host2_0-3");
        assertThat(ids(UnitFilter.ofServer("host2"))).containsExactly("host2_0-3");
        assertThat(ids(new UnitFilter("host1_4-7", null, null, null, null, null, null)))
                .containsExactly("host1_4-7");
        assertThat(ids(new UnitFilter(null, "host1", "eu", "a", 4, null, UnitStatus.FREE)))
                .containsExactly("host1_0-3", "host1_4-7");
        assertThat(ids(new UnitFilter(null, null, null, null, null, "12", null)))
                .containsExactly("host1_8-15");
        assertThat(ids(new UnitFilter(null, null, null, null, null, "12", UnitStatus.FREE)))
                .isEmpty();
        assertThat(ids(new UnitFilter(null, null, "us", null, null, null, null)))
                .isEmpty();
        assertThat(ids(new UnitFilter("host1_4-7", "host2", null, null, null, null, null)))
                .isEmpty();
        assertThat(ids(new UnitFilter(null, "' OR '1'='1", null, null, null, null, null)))
                .isEmpty();
    }

    @Test
    default void listsUnitsOfAServerInTheOrderOfItsInit() {
        add("host1", "10-11", "8-9", "0-1", "2");

        assertThat(ids(UnitFilter.all())).containsExactly("host1_10-11", "host1_8-9", "host1_0-1", "host1_2");
    }

    @Test
    default void countsWhatThereIs() {
        addReady("host1", "0-3", "4-7", "8-9");
        addReady("host2", "0-3");
        add("host3", "0");
        inventory().outOfService().cordon("host2", new Reason("a fan"), null, NOON);
        ComputeUnit unit = claim(SampleFleet.wanting(2), "op1");
        Instant later = NOON.plusSeconds(5);
        inventory()
                .operations()
                .start(SampleFleet.operation("op1", Operation.Kind.ALLOCATE, "host1", unit, NOON)
                        .begun(later));
        DriftReport report = new DriftReport(
                "host1",
                later,
                9,
                Map.of(unit.id(), 4),
                List.of(new Deviation(FactKind.ONLINE_CPUS, null, "subject", "expected", "actual")));
        inventory().drift().put(report);

        FleetCounts counts = inventory().census().take();

        assertThat(counts.units())
                .containsExactlyInAnyOrder(
                        new FleetCounts.UnitCount("eu", "a", UnitStatus.FREE, 3, 12),
                        new FleetCounts.UnitCount("eu", "a", UnitStatus.ALLOCATING, 1, 2),
                        new FleetCounts.UnitCount("eu", "a", UnitStatus.INITIALIZING, 1, 1));
        assertThat(counts.servers())
                .containsExactlyInAnyOrder(
                        new FleetCounts.ServerCount("eu", "a", ServerStatus.READY, false, 1),
                        new FleetCounts.ServerCount("eu", "a", ServerStatus.READY, true, 1),
                        new FleetCounts.ServerCount("eu", "a", ServerStatus.INITIALIZING, false, 1));
        assertThat(counts.unfinished())
                .containsExactlyInAnyOrder(
                        new FleetCounts.OperationCount(Operation.Kind.ALLOCATE, Operation.State.RUNNING, 1, later),
                        new FleetCounts.OperationCount(Operation.Kind.INIT, Operation.State.PENDING, 1, NOON));
        assertThat(counts.drift()).containsExactly(new FleetCounts.DriftCount("host1", later, 1));
    }

    @Test
    default void listsTheNewestOperationsFirst() {
        add("host1", "0-3");
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host2", "0"), SampleHost.debian().facts());
        addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("later", Operation.Kind.INIT, "host2", null, NOON.plusMillis(1)));
        SampleFleet third = SampleFleet.of(
                SampleFleet.request("host3", "0"), SampleHost.debian().facts());
        addServer(
                third.server(),
                third.units(),
                SampleFleet.operation("latest", Operation.Kind.INIT, "host3", null, NOON.plusNanos(1_500_000)));

        assertThat(inventory().operations().newest(OperationFilter.all(), null, null, 10))
                .extracting(Operation::id)
                .containsExactly("latest", "later", "init-host1");
        assertThat(inventory().operations().newest(OperationFilter.all(), null, null, 1))
                .hasSize(1);
        assertThat(unfinished()).containsExactly("latest", "later", "init-host1");
    }

    @Test
    default void listsOperationsPageByPageThoughSomeAreOfTheSameTimeAndOthersBegin() {
        for (int i = 1; i <= 3; i++) {
            add("host" + i, "0-3");
        }
        OperationPlace first = OperationPlace.of(newest(null, 1).get(0));
        assertThat(first.id()).isEqualTo("init-host1");
        assertThat(newest(first, 1)).extracting(Operation::id).containsExactly("init-host2");

        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host4", "0"), SampleHost.debian().facts());
        addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("later", Operation.Kind.INIT, "host4", null, NOON.plusNanos(1)));
        assertThat(newest(null, 1)).extracting(Operation::id).containsExactly("later");
        assertThat(newest(first, 10)).extracting(Operation::id).containsExactly("init-host2", "init-host3");
        assertThat(newest(OperationPlace.parse(first.toString()), 10)).isEqualTo(newest(first, 10));
        assertThat(newest(new OperationPlace(NOON, "init-host3"), 10)).isEmpty();
    }

    @Test
    default void listsTheOperationsOfAUnitOfAServerAndInAState() {
        addReady("host1", "0-3", "4-7");
        add("host2", "0-3");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");

        assertThat(ids(new OperationFilter(unit.id().value(), null, null, null, null)))
                .containsExactly("op1");
        assertThat(ids(new OperationFilter(null, "host1", null, null, null))).containsExactly("init-host1", "op1");
        assertThat(ids(new OperationFilter(null, "host1", null, Operation.State.SUCCEEDED, null)))
                .containsExactly("init-host1");
        assertThat(ids(new OperationFilter(null, "host2", null, null, null))).containsExactly("init-host2");
        assertThat(ids(new OperationFilter(null, "host2", null, Operation.State.FAILED, null)))
                .isEmpty();
        assertThat(ids(new OperationFilter(null, null, Operation.Kind.ALLOCATE, null, null)))
                .containsExactly("op1");
        assertThat(ids(new OperationFilter(null, null, null, null, new Tenant("nobody"))))
                .isEmpty();
    }

    private List<Operation> newest(@Nullable OperationPlace after, int most) {
        return inventory().operations().newest(OperationFilter.all(), null, after, most);
    }
}
