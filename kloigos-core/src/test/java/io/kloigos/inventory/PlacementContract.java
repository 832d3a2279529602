package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Placement;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.rules.Capacity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.Test;

/** Which unit an inventory chooses for a request. */
interface PlacementContract extends InventoryFixture {
    @Test
    default void prefersSmallUnitsSoThatLargeOnesStayWhole() {
        addReady("host1", "0-7", "8-11", "12-13");

        assertThat(claim(SampleFleet.wanting(null), "op1").cpus()).hasToString("12-13");
        assertThat(claim(SampleFleet.wanting(8), "op2").cpus()).hasToString("0-7");
        assertThat(inventory().candidate(SampleFleet.wanting(2))).isEmpty();
        assertThat(inventory().candidate(SampleFleet.wanting(4))).isPresent();
    }

    @Test
    default void placesOnlyWhereTheTenantAskedAndOnlyOnServersThatAreReady() {
        addReady("host1", "4-7");
        add("host2", "8-15");

        assertThat(inventory().candidate(new AllocateRequest(4, "eu", "a", Tags.none(), SampleFleet.KEY)))
                .isPresent();
        assertThat(inventory().candidate(new AllocateRequest(4, "us", null, Tags.none(), SampleFleet.KEY)))
                .isEmpty();
        assertThat(inventory().candidate(new AllocateRequest(4, "eu", "b", Tags.none(), SampleFleet.KEY)))
                .isEmpty();
        assertThat(inventory().candidate(SampleFleet.wanting(8))).isEmpty();
    }

    private void addReadyInZone(String zone, String hostname, String... ranges) {
        InitServerRequest sample = SampleFleet.request(hostname, ranges);
        SampleFleet fleet = SampleFleet.of(
                InitServerRequest.of(sample.address(), "eu", zone, sample.division()),
                SampleHost.debian().facts());
        addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("init-" + hostname, Operation.Kind.INIT, hostname, null, NOON));
        inventory()
                .endOnServer(
                        SampleFleet.ended("init-" + hostname, Operation.Kind.INIT, hostname, null),
                        ServerStatus.READY,
                        UnitStatus.FREE,
                        "",
                        NOON);
    }

    private static AllocateRequest placed(Placement placement) {
        return new AllocateRequest(null, null, null, Tags.none(), List.of(SampleFleet.KEY), null, placement, null);
    }

    private static AllocateRequest apart(String deployment, AntiAffinity.Scope over) {
        return new AllocateRequest(
                null,
                null,
                null,
                new Tags(Map.of("deployment_id", deployment)),
                List.of(SampleFleet.KEY),
                null,
                Placement.PACK,
                new AntiAffinity("deployment_id", over));
    }

    private void beginDeallocation(ComputeUnit unit, String operationId) {
        inventory()
                .beginDeallocation(
                        unit.id(),
                        SampleFleet.operation(operationId, Operation.Kind.DEALLOCATE, unit.hostname(), unit, NOON),
                        null);
    }

    private void endOn(ComputeUnit unit, String operationId, Operation.Kind kind, UnitStatus status) {
        inventory().endOnUnit(SampleFleet.ended(operationId, kind, unit.hostname(), unit), unit.id(), status, "", NOON);
    }

    @Test
    default void packsServersWithTenantsAndSpreadsToThoseWithFew() {
        addReady("host1", "0-3", "4-7", "8-11");
        addReady("host2", "0-3", "4-7", "8-11");
        addReady("host3", "0-3", "4-7", "8-11");

        assertThat(claim(placed(Placement.SPREAD), "op1").hostname()).isEqualTo("host1");
        assertThat(claim(placed(Placement.SPREAD), "op2").hostname()).isEqualTo("host2");
        assertThat(claim(placed(Placement.PACK), "op3").hostname()).isEqualTo("host1");
        assertThat(claim(placed(Placement.PACK), "op4").hostname()).isEqualTo("host1");
        assertThat(claim(placed(Placement.PACK), "op5").hostname()).isEqualTo("host2");
        assertThat(claim(placed(Placement.SPREAD), "op6").hostname()).isEqualTo("host3");
    }

    @Test
    default void onAServerPackFillsANumaNodeAndSpreadTakesTheEmptiest() {
        addReady("host1", "0-1", "2-3", "4-7", "8-9", "10-11", "12-15");
        AllocateRequest two = SampleFleet.wanting(2);
        ComputeUnit first = claim(two, "op1");
        assertThat(first.id()).hasToString("host1_0-1");

        assertThat(inventory().candidate(placed(Placement.SPREAD)).orElseThrow().id())
                .hasToString("host1_8-9");
        assertThat(claim(SampleFleet.wanting(4), "op2").id()).hasToString("host1_4-7");
        beginDeallocation(allocatedBy(first, "op1"), "op3");
        endOn(first, "op3", Operation.Kind.DEALLOCATE, UnitStatus.FREE);
        assertThat(claim(new AllocateRequest(4, "eu", "a", Tags.none(), SampleFleet.KEY), "op4")
                        .id())
                .hasToString("host1_12-15");
        assertThat(claim(two, "op5").id()).hasToString("host1_0-1");
        assertThat(claim(two, "op6").id()).hasToString("host1_2-3");
    }

    private ComputeUnit allocatedBy(ComputeUnit unit, String operationId) {
        return inventory()
                .endAllocation(
                        SampleFleet.ended(operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit), unit, NOON);
    }

    @Test
    default void preferencesFollowWhateverHappensToUnits() {
        for (int server = 1; server <= 4; server++) {
            addReady("host" + server, "0-3", "4-7", "8-11", "12-15");
        }
        Random random = new Random(4);
        List<ComputeUnit> held = new ArrayList<>();
        for (int step = 0; step < 120; step++) {
            String operation = "op" + step;
            if (held.size() < 16 && (held.isEmpty() || random.nextInt(3) > 0)) {
                ComputeUnit unit = claim(placed(random.nextBoolean() ? Placement.PACK : Placement.SPREAD), operation);
                if (random.nextInt(4) > 0) {
                    held.add(allocatedBy(unit, operation));
                } else {
                    endOn(unit, operation, Operation.Kind.ALLOCATE, UnitStatus.ALLOCATION_FAIL);
                    held.add(unit);
                }
            } else {
                ComputeUnit unit = held.remove(random.nextInt(held.size()));
                beginDeallocation(unit, operation);
                if (random.nextInt(4) == 0) {
                    endOn(unit, operation, Operation.Kind.DEALLOCATE, UnitStatus.DEALLOCATION_FAIL);
                    operation += "b";
                    beginDeallocation(unit, operation);
                }
                endOn(unit, operation, Operation.Kind.DEALLOCATE, UnitStatus.FREE);
            }
            assertPreferences();
        }
    }

    /** The server with the most, or the fewest, tenants among those with a free unit is preferred. */
    private void assertPreferences() {
        Map<String, Integer> tenants = new TreeMap<>();
        List<ComputeUnit> units = inventory().units(UnitFilter.all());
        units.stream()
                .filter(unit -> unit.status() == UnitStatus.FREE)
                .forEach(unit -> tenants.put(unit.hostname(), 0));
        units.stream()
                .filter(unit -> unit.status() != UnitStatus.FREE)
                .forEach(unit -> tenants.computeIfPresent(unit.hostname(), (host, count) -> count + 1));
        Optional<String> most = tenants.keySet().stream()
                .max(Comparator.<String>comparingInt(tenants::get).thenComparing(Comparator.reverseOrder()));
        Optional<String> fewest = tenants.keySet().stream()
                .min(Comparator.<String>comparingInt(tenants::get).thenComparing(Comparator.naturalOrder()));
        assertThat(inventory().candidate(placed(Placement.PACK)).map(ComputeUnit::hostname))
                .isEqualTo(most);
        assertThat(inventory().candidate(placed(Placement.SPREAD)).map(ComputeUnit::hostname))
                .isEqualTo(fewest);
    }

    @Test
    default void keepsUnitsOfOneDeploymentOnDifferentServers() {
        addReady("host1", "0-3", "4-7");
        addReady("host2", "0-3", "4-7");

        assertThat(claim(apart("web", AntiAffinity.Scope.SERVER), "op1").hostname())
                .isEqualTo("host1");
        assertThat(claim(apart("web", AntiAffinity.Scope.SERVER), "op2").hostname())
                .isEqualTo("host2");
        assertThat(inventory().candidate(apart("web", AntiAffinity.Scope.SERVER)))
                .isEmpty();
        assertThat(inventory()
                        .claim(
                                apart("web", AntiAffinity.Scope.SERVER),
                                (server, unit) -> {
                                    throw new AssertionError("gave " + unit.id());
                                },
                                null))
                .isEmpty();
        assertThat(inventory().capacity(apart("web", AntiAffinity.Scope.SERVER)))
                .isEmpty();
        assertThat(inventory().barred(apart("web", AntiAffinity.Scope.SERVER)))
                .isEqualTo(new Capacity.Barred(2, List.of("host1", "host2")));
        assertThat(claim(apart("db", AntiAffinity.Scope.SERVER), "op3").hostname())
                .isEqualTo("host1");
        assertThat(inventory().barred(apart("mail", AntiAffinity.Scope.SERVER))).isEqualTo(Capacity.Barred.NONE);
    }

    @Test
    default void keepsUnitsOfOneDeploymentInDifferentZones() {
        addReadyInZone("a", "host1", "0-3", "4-7");
        addReadyInZone("a", "host2", "0-3");
        addReadyInZone("b", "host3", "0-3", "4-7");

        assertThat(claim(apart("web", AntiAffinity.Scope.ZONE), "op1").hostname())
                .isEqualTo("host1");
        assertThat(claim(apart("web", AntiAffinity.Scope.ZONE), "op2").hostname())
                .isEqualTo("host3");
        assertThat(inventory().candidate(apart("web", AntiAffinity.Scope.ZONE))).isEmpty();
        assertThat(inventory().barred(apart("web", AntiAffinity.Scope.ZONE)))
                .isEqualTo(new Capacity.Barred(3, List.of("eu/a", "eu/b")));
        assertThat(claim(apart("web", AntiAffinity.Scope.SERVER), "op3").hostname())
                .isEqualTo("host2");
    }

    @Test
    default void unitsCountAgainstEachOtherFromTheClaimUntilTheyAreTakenBack() {
        addReady("host1", "0-3", "4-7", "8-11");
        AllocateRequest web = apart("web", AntiAffinity.Scope.SERVER);
        ComputeUnit unit = claim(web, "op1");
        assertThat(inventory().candidate(web)).isEmpty();
        endOn(unit, "op1", Operation.Kind.ALLOCATE, UnitStatus.ALLOCATION_FAIL);
        assertThat(inventory().candidate(web)).isEmpty();

        beginDeallocation(unit, "op2");

        assertThat(inventory().candidate(web)).isPresent();
        ComputeUnit other = allocatedBy(claim(SampleFleet.wanting(4), "op3"), "op3");
        assertThat(inventory().candidate(web)).isPresent();
        inventory().tenancies().setTags(other, web.tags(), NOON);
        assertThat(inventory().candidate(web)).isEmpty();
        inventory().tenancies().setTags(other, Tags.none(), NOON);
        assertThat(inventory().candidate(web)).isPresent();
    }

    @Test
    default void aUnitThatWentToAnotherTenantMeanwhileIsNotTouched() {
        addReady("host1", "4-7");
        Tenant acme = new Tenant("acme");
        Tenant other = new Tenant("other");
        ComputeUnit seen = allocate(SampleFleet.wanting(4).ownedBy(acme), "op1");
        beginDeallocation(seen, "op2");
        endOn(seen, "op2", Operation.Kind.DEALLOCATE, UnitStatus.FREE);
        ComputeUnit now = allocate(SampleFleet.wanting(4).ownedBy(other), "op3");
        Operation late = SampleFleet.operation("op4", Operation.Kind.DEALLOCATE, "host1", seen, NOON)
                .ownedBy(acme);

        assertThat(now.owner()).isEqualTo(other);
        List<ThrowableAssert.ThrowingCallable> attempts = List.of(
                () -> inventory().beginDeallocation(seen.id(), late, null),
                () -> inventory().tenancies().begin(seen.id(), late, null, unit -> unit),
                () -> inventory().tenancies().setTags(seen, Tags.none(), NOON),
                () -> inventory().tenancies().setExpiry(seen, null, NOON));
        attempts.forEach(attempt -> assertThatThrownBy(attempt)
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("was changed by somebody else meanwhile"));
        assertThat(inventory().unit(seen.id())).contains(now);
        assertThat(inventory().units(UnitFilter.all().ownedBy(other))).containsExactly(now);
        assertThat(inventory().units(UnitFilter.all().ownedBy(acme))).isEmpty();
    }

    @Test
    default void tagsOfAnyLengthKeepUnitsApart() {
        addReady("host1", "0-3", "4-7");
        String longest = "\uD83D\uDE80".repeat(512);
        String name = longest.substring(0, 128);
        AllocateRequest request = new AllocateRequest(
                null,
                null,
                null,
                new Tags(Map.of(name, longest)),
                List.of(SampleFleet.KEY),
                null,
                Placement.PACK,
                new AntiAffinity(name, AntiAffinity.Scope.SERVER));

        claim(request, "op1");

        assertThat(inventory().candidate(request)).isEmpty();
    }

    @Test
    default void tellsWhatIsFreeBySizeAndPlace() {
        addReady("host1", "0-3", "4-7", "8-9");
        addReady("host2", "0-3");
        claim(SampleFleet.wanting(2), "op1");

        assertThat(inventory().capacity(SampleFleet.wanting(null))).containsExactly(new Capacity("eu", "a", 4, 3));
    }

    @Test
    default void aClaimThatCannotBeWrittenDownChangesNothing() {
        addReady("host1", "4-7");

        assertThatThrownBy(() -> claim(SampleFleet.wanting(4), "init-host1"))
                .satisfies(failure -> assertThat(code(failure)).isEqualTo(ErrorCode.STORE_FAILED));
        assertThat(inventory().unit(new ComputeId("host1_4-7")).orElseThrow().status())
                .isEqualTo(UnitStatus.FREE);
        assertThat(inventory().unit(new ComputeId("host1_4-7")).orElseThrow().sshPublicKeys())
                .isEmpty();
    }
}
