package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.Tags;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a tenant reads who gets no unit. */
class CapacityTest {
    private static Capacity free(String zone, int cpus, int units) {
        return new Capacity("eu", zone, cpus, units, new ComputeId("host-" + zone + "_0-" + (cpus - 1)));
    }

    @Test
    void saysThatNothingIsFreeAtAll() {
        assertThat(Capacity.refusal(SampleFleet.wanting(16), List.of()))
                .isEqualTo("Cannot allocate a unit of 16 CPUs: no unit is free anywhere."
                        + " Deallocate a unit or init another server.");
    }

    @Test
    void repeatsWhatWasAskedForAndOffersTheClosestInThatPlaceFirst() {
        AllocateRequest request = new AllocateRequest(16, "eu", "b", Tags.none(), SampleFleet.KEY);
        List<Capacity> free = List.of(free("a", 16, 3), free("b", 2, 1), free("b", 8, 5), free("c", 15, 1));

        assertThat(Capacity.refusal(request, free))
                .isEqualTo("Cannot allocate a unit of 16 CPUs in zone b in region eu: no such unit is free. Free are"
                        + " 5 of 8 CPUs in eu/b (host-b_0-7), 1 of 2 CPUs in eu/b (host-b_0-1),"
                        + " 3 of 16 CPUs in eu/a (host-a_0-15), and others.");
    }

    @Test
    void offersAnythingToThoseWhoWantAnySizeElsewhere() {
        AllocateRequest request = new AllocateRequest(null, null, "z", Tags.none(), SampleFleet.KEY);

        assertThat(Capacity.refusal(request, List.of(free("a", 4, 1))))
                .isEqualTo(
                        "Cannot allocate a unit in zone z: no such unit is free. Free are 1 of 4 CPUs in eu/a (host-a_0-3).");
    }
}
