package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.LimitChange;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitStatus;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A unit grows into what nobody was promised, and no further. */
class ResizingTest {
    @Test
    void whatTheOperatorKeptForTheSystemIsNoUnits() {
        SampleFleet fleet = fleet("12G", "1G");
        List<ComputeUnit> others = List.of(fleet.units().get(1));

        assertThatThrownBy(() -> Resizing.requireRoom(fleet.server(), resized(fleet, "3073M"), others))
                .hasMessageContaining(
                        "memory_max: 3073M is more than the 3G of the server's memory that the other units leave");
        assertThatCode(() -> Resizing.requireRoom(fleet.server(), resized(fleet, "3G"), others))
                .doesNotThrowAnyException();
    }

    @Test
    void whatATenantGaveUpIsItsNextTenants() {
        SampleFleet fleet = fleet("12G", "2G");
        ComputeUnit neighbour = fleet.units().get(1);
        LimitChange smaller = new LimitChange(ByteSize.parse("1G"), null, null, null, null, null, null, null);
        ComputeUnit shrunk =
                new UnitChange.Resize(smaller).madeTo(neighbour.in(UnitStatus.ALLOCATED, ""), SampleFleet.NOON);

        assertThatThrownBy(() -> Resizing.requireRoom(fleet.server(), resized(fleet, "3G"), List.of(shrunk)))
                .hasMessageContaining(
                        "memory_max: 3G is more than the 2G of the server's memory that the other units leave");
    }

    /** Two units on a host of 16 GiB. */
    private static SampleFleet fleet(String reserve, String memoryMax) {
        LimitRequest limits = new LimitRequest(
                ByteSize.parse(reserve),
                ByteSize.parse(memoryMax),
                null,
                null,
                null,
                null,
                null,
                null,
                List.of(),
                PortEnforcement.NFTABLES);
        return SampleFleet.of(
                SampleFleet.request("host1", null, List.of(), limits, "4-7", "8-11"),
                SampleHost.debian().facts());
    }

    private static ComputeUnit resized(SampleFleet fleet, String memoryMax) {
        LimitChange change = new LimitChange(ByteSize.parse(memoryMax), null, null, null, null, null, null, null);
        return new UnitChange.Resize(change)
                .madeTo(fleet.units().get(0).in(UnitStatus.ALLOCATED, ""), SampleFleet.NOON);
    }
}
