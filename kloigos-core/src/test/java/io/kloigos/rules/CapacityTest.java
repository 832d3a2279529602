package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.Placement;
import io.kloigos.model.Tags;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a tenant reads who gets no unit. */
class CapacityTest {
    private static Capacity free(String zone, int cpus, int units) {
        return new Capacity("eu", zone, cpus, units);
    }

    @Test
    void saysThatNothingIsFreeAtAll() {
        assertThat(Capacity.refusal(SampleFleet.wanting(16), List.of(), Capacity.Barred.NONE))
                .isEqualTo("Cannot allocate a unit of 16 CPUs: no unit is free anywhere."
                        + " Deallocate a unit or init another server.");
    }

    @Test
    void repeatsWhatWasAskedForAndOffersTheClosestInThatPlaceFirst() {
        AllocateRequest request = new AllocateRequest(16, "eu", "b", Tags.none(), SampleFleet.KEY);
        List<Capacity> free = List.of(free("a", 16, 3), free("b", 2, 1), free("b", 8, 5), free("c", 15, 1));

        assertThat(Capacity.refusal(request, free, Capacity.Barred.NONE))
                .isEqualTo("Cannot allocate a unit of 16 CPUs in zone b in region eu: no such unit is free. Free:"
                        + " 5 units of 8 CPUs in eu/b, 1 unit of 2 CPUs in eu/b,"
                        + " 3 units of 16 CPUs in eu/a, and others.");
    }

    @Test
    void offersAnythingToThoseWhoWantAnySizeElsewhere() {
        AllocateRequest request = new AllocateRequest(null, null, "z", Tags.none(), SampleFleet.KEY);

        assertThat(Capacity.refusal(request, List.of(free("a", 4, 1)), Capacity.Barred.NONE))
                .isEqualTo("Cannot allocate a unit in zone z: no such unit is free. Free: 1 unit of 4 CPUs in eu/a.");
    }

    private static AllocateRequest apart(AntiAffinity.Scope over) {
        return new AllocateRequest(
                4,
                null,
                null,
                new Tags(Map.of("deployment_id", "x")),
                List.of(SampleFleet.KEY),
                null,
                Placement.PACK,
                new AntiAffinity("deployment_id", over));
    }

    @Test
    void saysThatAntiAffinityIsInTheWay() {
        assertThat(Capacity.refusal(
                        apart(AntiAffinity.Scope.SERVER), List.of(), new Capacity.Barred(3, List.of("host1", "host2"))))
                .isEqualTo(
                        "Cannot allocate a unit of 4 CPUs: the 3 free ones are all on servers that hold deployment_id"
                                + " \"x\" already: host1, host2. Init another server, or ask without anti_affinity.");
        assertThat(Capacity.refusal(
                        apart(AntiAffinity.Scope.ZONE),
                        List.of(free("b", 8, 2)),
                        new Capacity.Barred(1, List.of("eu/a"))))
                .isEqualTo("Cannot allocate a unit of 4 CPUs: the only free one is in zones that hold deployment_id"
                        + " \"x\" already: eu/a. Free elsewhere: 2 units of 8 CPUs in eu/b.");
    }

    @Test
    void namesTheFirstOfManyServersInTheWay() {
        List<String> servers = IntStream.range(0, 20).mapToObj(i -> "host" + i).toList();

        assertThat(Capacity.refusal(apart(AntiAffinity.Scope.SERVER), List.of(), new Capacity.Barred(20, servers)))
                .contains("host6, host7 and 12 others. Init");
    }
}
