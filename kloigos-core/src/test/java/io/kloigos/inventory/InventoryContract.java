package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DataDisks;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FactKind;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.FleetCounts;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitChange;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.OperationPlace;
import io.kloigos.model.Placement;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.ReleaseCertificate.Finding;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Tenant;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitPlace;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.UnitVolumes;
import io.kloigos.rules.Capacity;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an inventory does, in whatever database. */
abstract class InventoryContract {
    static final Instant NOON = SampleFleet.NOON;
    static final Duration LEASE = Duration.ofSeconds(20);

    Inventory inventory;

    /** Returns the inventory of this test, as this replica sees it. */
    abstract Inventory open(String replica);

    @BeforeEach
    void open() {
        inventory = open("replica");
    }

    @AfterEach
    void close() {
        inventory.close();
    }

    // A fleet in the inventory

    SampleFleet add(String hostname, String... ranges) {
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request(hostname, ranges), SampleHost.debian().facts());
        addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("init-" + hostname, Operation.Kind.INIT, hostname, null, NOON));
        return fleet;
    }

    void addReady(String hostname, String... ranges) {
        add(hostname, ranges);
        inventory.endOnServer(
                SampleFleet.ended("init-" + hostname, Operation.Kind.INIT, hostname, null),
                ServerStatus.READY,
                UnitStatus.FREE,
                "",
                NOON);
    }

    ComputeUnit claim(AllocateRequest request, String operationId) {
        return inventory
                .claim(
                        request,
                        (server, unit) -> SampleFleet.operation(
                                operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit, NOON),
                        null)
                .orElseThrow()
                .unit();
    }

    ComputeUnit allocate(AllocateRequest request, String operationId) {
        ComputeUnit unit = claim(request, operationId);
        inventory.endAllocation(
                SampleFleet.ended(operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit), unit, NOON);
        return inventory.unit(unit.id()).orElseThrow();
    }

    static ErrorCode code(Throwable refusal) {
        return ((KloigosException) refusal).code();
    }

    private void addServer(Server server, List<ComputeUnit> units, Operation operation) {
        inventory.addServer(server, units, operation, null);
    }

    private List<String> unfinished() {
        return inventory.operations().newest(100).stream()
                .filter(operation -> !operation.state().isEnded())
                .map(Operation::id)
                .toList();
    }

    // What is as it was

    @Test
    void itsVersionIsAnotherAfterEachChangeAndTheSameUntilThen() {
        List<String> versions = new ArrayList<>();
        versions.add(inventory.version().orElseThrow());
        addReady("host1", "4-7");
        versions.add(inventory.version().orElseThrow());
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        versions.add(inventory.version().orElseThrow());
        inventory.tenancies().setTags(unit, Tags.none(), NOON);
        versions.add(inventory.version().orElseThrow());

        assertThat(versions).doesNotHaveDuplicates();
        inventory.units(UnitFilter.all());
        assertThat(inventory.version()).contains(versions.get(3));
    }

    // What is kept

    @Test
    void keepsTheLogicalVolumesOfUnits() {
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host1", new UnitVolumes("vg0", FileSystemType.EXT4, null), "4-7", "8-11"),
                SampleHost.debian().withVolumeGroup("vg0", 1000).facts());
        addServer(
                fleet.server(), fleet.units(), SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON));

        assertThat(inventory.server("host1").orElseThrow().volumes())
                .isEqualTo(fleet.server().volumes());
    }

    @Test
    void keepsAServerAndItsUnitsAsTheyWere() {
        IoLimit io = new IoLimit("/dev/sdb", ByteSize.parse("10M"), null, 100L, null);
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request(
                        "host1",
                        "0-1",
                        List.of(new DataDisk("/dev/sdb", FileSystemType.XFS)),
                        new LimitRequest(
                                null,
                                null,
                                null,
                                ByteSize.parse("1G"),
                                null,
                                null,
                                null,
                                null,
                                List.of(io),
                                PortEnforcement.SOCKET_BIND),
                        "4-7",
                        "8-11,14"),
                SampleHost.debian().withCores("0,8", "4,12").facts());
        Operation init = SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON);
        addServer(fleet.server(), fleet.units(), init);

        assertThat(inventory.server("host1"))
                .get()
                .usingRecursiveComparison()
                .ignoringFields("operationId")
                .isEqualTo(fleet.server());
        assertThat(inventory.units(UnitFilter.all()))
                .usingRecursiveFieldByFieldElementComparatorIgnoringFields("operationId")
                .containsExactlyElementsOf(fleet.units());
        assertThat(inventory.unit(fleet.units().get(0).id()).orElseThrow().operationId())
                .isEqualTo("op1");
        assertThat(inventory.operations().find("op1")).contains(init);
    }

    @Test
    void keepsTagsOfEveryKindInTheirOrder() {
        addReady("host1", "4-7");
        Map<String, Object> tags = new LinkedHashMap<>();
        tags.put("text", "with \"quotes\", ' and ünïcode 🚀\n");
        tags.put("empty", "");
        tags.put("integer", 42);
        tags.put("negative", -7);
        tags.put("long", 9_007_199_254_740_993L);
        tags.put("big", new BigInteger("123456789012345678901234567890"));
        tags.put("fraction", 0.25);
        tags.put("list", List.of("b", "a", "b"));
        tags.put("nothing", List.of());
        ComputeUnit unit = claim(new AllocateRequest(null, null, null, new Tags(tags), SampleFleet.KEY), "op1");

        assertThat(inventory.unit(unit.id()).orElseThrow().tags().values()).containsExactlyEntriesOf(tags);
    }

    @Test
    void forgetsTheTenantWhenAUnitIsFreeAgain() {
        addReady("host1", "4-7");
        Tags tags = new Tags(Map.of("deployment_id", "d1", "owner", "ann"));
        ComputeUnit unit = allocate(new AllocateRequest(null, null, null, tags, SampleFleet.KEY), "op1");
        assertThat(unit.tags()).isEqualTo(tags);
        assertThat(unit.sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(unit.startedAt()).isEqualTo(NOON);

        inventory.beginDeallocation(
                unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON), null);
        inventory.endOnUnit(
                SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                unit.id(),
                UnitStatus.FREE,
                "",
                NOON);

        ComputeUnit free = inventory.unit(unit.id()).orElseThrow();
        assertThat(free.tags()).isEqualTo(Tags.none());
        assertThat(free.sshPublicKeys()).isEmpty();
        assertThat(free.startedAt()).isNull();
        assertThat(inventory.units(new UnitFilter(null, null, null, null, null, "d1", null)))
                .isEmpty();
    }

    @Test
    void remembersTheTenantOfAUnitThatCouldNotBeCleaned() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory.beginDeallocation(
                unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON), null);
        inventory.endOnUnit(
                SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                unit.id(),
                UnitStatus.DEALLOCATION_FAIL,
                "processes of u4-7 are left",
                NOON);

        ComputeUnit failed = inventory.unit(unit.id()).orElseThrow();
        assertThat(failed.reason()).isEqualTo("processes of u4-7 are left");
        assertThat(failed.sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(inventory.claim(
                        SampleFleet.wanting(null),
                        (server, chosen) -> {
                            throw new AssertionError("handed out " + chosen.id());
                        },
                        null))
                .isEmpty();
    }

    // Placement

    @Test
    void prefersSmallUnitsSoThatLargeOnesStayWhole() {
        addReady("host1", "0-7", "8-11", "12-13");

        assertThat(claim(SampleFleet.wanting(null), "op1").cpus()).hasToString("12-13");
        assertThat(claim(SampleFleet.wanting(8), "op2").cpus()).hasToString("0-7");
        assertThat(inventory.candidate(SampleFleet.wanting(2))).isEmpty();
        assertThat(inventory.candidate(SampleFleet.wanting(4))).isPresent();
    }

    @Test
    void placesOnlyWhereTheTenantAskedAndOnlyOnServersThatAreReady() {
        addReady("host1", "4-7");
        add("host2", "8-15");

        assertThat(inventory.candidate(new AllocateRequest(4, "eu", "a", Tags.none(), SampleFleet.KEY)))
                .isPresent();
        assertThat(inventory.candidate(new AllocateRequest(4, "us", null, Tags.none(), SampleFleet.KEY)))
                .isEmpty();
        assertThat(inventory.candidate(new AllocateRequest(4, "eu", "b", Tags.none(), SampleFleet.KEY)))
                .isEmpty();
        assertThat(inventory.candidate(SampleFleet.wanting(8))).isEmpty();
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
        inventory.endOnServer(
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
        inventory.beginDeallocation(
                unit.id(),
                SampleFleet.operation(operationId, Operation.Kind.DEALLOCATE, unit.hostname(), unit, NOON),
                null);
    }

    private void endOn(ComputeUnit unit, String operationId, Operation.Kind kind, UnitStatus status) {
        inventory.endOnUnit(SampleFleet.ended(operationId, kind, unit.hostname(), unit), unit.id(), status, "", NOON);
    }

    @Test
    void packsServersWithTenantsAndSpreadsToThoseWithFew() {
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
    void onAServerPackFillsANumaNodeAndSpreadTakesTheEmptiest() {
        addReady("host1", "0-1", "2-3", "4-7", "8-9", "10-11", "12-15");
        AllocateRequest two = SampleFleet.wanting(2);
        ComputeUnit first = claim(two, "op1");
        assertThat(first.id()).hasToString("host1_0-1");

        assertThat(inventory.candidate(placed(Placement.SPREAD)).orElseThrow().id())
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
        return inventory.endAllocation(
                SampleFleet.ended(operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit), unit, NOON);
    }

    @Test
    void preferencesFollowWhateverHappensToUnits() {
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
        List<ComputeUnit> units = inventory.units(UnitFilter.all());
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
        assertThat(inventory.candidate(placed(Placement.PACK)).map(ComputeUnit::hostname))
                .isEqualTo(most);
        assertThat(inventory.candidate(placed(Placement.SPREAD)).map(ComputeUnit::hostname))
                .isEqualTo(fewest);
    }

    @Test
    void keepsUnitsOfOneDeploymentOnDifferentServers() {
        addReady("host1", "0-3", "4-7");
        addReady("host2", "0-3", "4-7");

        assertThat(claim(apart("web", AntiAffinity.Scope.SERVER), "op1").hostname())
                .isEqualTo("host1");
        assertThat(claim(apart("web", AntiAffinity.Scope.SERVER), "op2").hostname())
                .isEqualTo("host2");
        assertThat(inventory.candidate(apart("web", AntiAffinity.Scope.SERVER))).isEmpty();
        assertThat(inventory.claim(
                        apart("web", AntiAffinity.Scope.SERVER),
                        (server, unit) -> {
                            throw new AssertionError("gave " + unit.id());
                        },
                        null))
                .isEmpty();
        assertThat(inventory.capacity(apart("web", AntiAffinity.Scope.SERVER))).isEmpty();
        assertThat(inventory.barred(apart("web", AntiAffinity.Scope.SERVER)))
                .isEqualTo(new Capacity.Barred(2, List.of("host1", "host2")));
        assertThat(claim(apart("db", AntiAffinity.Scope.SERVER), "op3").hostname())
                .isEqualTo("host1");
        assertThat(inventory.barred(apart("mail", AntiAffinity.Scope.SERVER))).isEqualTo(Capacity.Barred.NONE);
    }

    @Test
    void keepsUnitsOfOneDeploymentInDifferentZones() {
        addReadyInZone("a", "host1", "0-3", "4-7");
        addReadyInZone("a", "host2", "0-3");
        addReadyInZone("b", "host3", "0-3", "4-7");

        assertThat(claim(apart("web", AntiAffinity.Scope.ZONE), "op1").hostname())
                .isEqualTo("host1");
        assertThat(claim(apart("web", AntiAffinity.Scope.ZONE), "op2").hostname())
                .isEqualTo("host3");
        assertThat(inventory.candidate(apart("web", AntiAffinity.Scope.ZONE))).isEmpty();
        assertThat(inventory.barred(apart("web", AntiAffinity.Scope.ZONE)))
                .isEqualTo(new Capacity.Barred(3, List.of("eu/a", "eu/b")));
        assertThat(claim(apart("web", AntiAffinity.Scope.SERVER), "op3").hostname())
                .isEqualTo("host2");
    }

    @Test
    void unitsCountAgainstEachOtherFromTheClaimUntilTheyAreTakenBack() {
        addReady("host1", "0-3", "4-7", "8-11");
        AllocateRequest web = apart("web", AntiAffinity.Scope.SERVER);
        ComputeUnit unit = claim(web, "op1");
        assertThat(inventory.candidate(web)).isEmpty();
        endOn(unit, "op1", Operation.Kind.ALLOCATE, UnitStatus.ALLOCATION_FAIL);
        assertThat(inventory.candidate(web)).isEmpty();

        beginDeallocation(unit, "op2");

        assertThat(inventory.candidate(web)).isPresent();
        ComputeUnit other = allocatedBy(claim(SampleFleet.wanting(4), "op3"), "op3");
        assertThat(inventory.candidate(web)).isPresent();
        inventory.tenancies().setTags(other, web.tags(), NOON);
        assertThat(inventory.candidate(web)).isEmpty();
        inventory.tenancies().setTags(other, Tags.none(), NOON);
        assertThat(inventory.candidate(web)).isPresent();
    }

    @Test
    void aUnitThatWentToAnotherTenantMeanwhileIsNotTouched() {
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
                () -> inventory.beginDeallocation(seen.id(), late, null),
                () -> inventory.tenancies().begin(seen.id(), late, null, unit -> unit),
                () -> inventory.tenancies().setTags(seen, Tags.none(), NOON),
                () -> inventory.tenancies().setExpiry(seen, null, NOON));
        attempts.forEach(attempt -> assertThatThrownBy(attempt)
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("was changed by somebody else meanwhile"));
        assertThat(inventory.unit(seen.id())).contains(now);
        assertThat(inventory.units(UnitFilter.all().ownedBy(other))).containsExactly(now);
        assertThat(inventory.units(UnitFilter.all().ownedBy(acme))).isEmpty();
    }

    @Test
    void tagsOfAnyLengthKeepUnitsApart() {
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

        assertThat(inventory.candidate(request)).isEmpty();
    }

    @Test
    void tellsWhatIsFreeBySizeAndPlace() {
        addReady("host1", "0-3", "4-7", "8-9");
        addReady("host2", "0-3");
        claim(SampleFleet.wanting(2), "op1");

        assertThat(inventory.capacity(SampleFleet.wanting(null)))
                .containsExactly(new Capacity("eu", "a", 4, 3, new ComputeId("host1_0-3")));
    }

    @Test
    void aClaimThatCannotBeWrittenDownChangesNothing() {
        addReady("host1", "4-7");

        assertThatThrownBy(() -> claim(SampleFleet.wanting(4), "init-host1"))
                .satisfies(failure -> assertThat(code(failure)).isEqualTo(ErrorCode.STORE_FAILED));
        assertThat(inventory.unit(new ComputeId("host1_4-7")).orElseThrow().status())
                .isEqualTo(UnitStatus.FREE);
        assertThat(inventory.unit(new ComputeId("host1_4-7")).orElseThrow().sshPublicKeys())
                .isEmpty();
    }

    // Listing

    @Test
    void everyPartOfAFilterMustMatch() {
        addReady("host1", "0-3", "4-7", "8-15");
        addReady("host2", "0-3");
        Tags tags = new Tags(Map.of("deployment_id", 12));
        allocate(new AllocateRequest(8, null, null, tags, SampleFleet.KEY), "op1");

        assertThat(ids(UnitFilter.all())).containsExactly("host1_0-3", "host1_4-7", "host1_8-15", "host2_0-3");
        ComputeUnit first = inventory.units(UnitFilter.all(), null, 1).get(0);
        assertThat(first.id()).hasToString("host1_0-3");
        assertThat(inventory.units(UnitFilter.all(), UnitPlace.of(first), 10))
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

    private List<String> ids(UnitFilter filter) {
        return inventory.units(filter).stream().map(unit -> unit.id().value()).toList();
    }

    @Test
    void listsUnitsOfAServerInTheOrderOfItsInit() {
        add("host1", "10-11", "8-9", "0-1", "2");

        assertThat(ids(UnitFilter.all())).containsExactly("host1_10-11", "host1_8-9", "host1_0-1", "host1_2");
    }

    @Test
    void countsWhatThereIs() {
        addReady("host1", "0-3", "4-7", "8-9");
        addReady("host2", "0-3");
        add("host3", "0");
        inventory.outOfService().cordon("host2", new Reason("a fan"), null, NOON);
        ComputeUnit unit = claim(SampleFleet.wanting(2), "op1");
        Instant later = NOON.plusSeconds(5);
        inventory
                .operations()
                .start(SampleFleet.operation("op1", Operation.Kind.ALLOCATE, "host1", unit, NOON)
                        .begun(later));
        DriftReport report = new DriftReport(
                "host1", later, 9, List.of(new Deviation(FactKind.ONLINE_CPUS, null, "subject", "expected", "actual")));
        inventory.drift().put(report);

        FleetCounts counts = inventory.census().take();

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

    // Changes of status

    @Test
    void refusesAChangeThatTheStatusDoesNotAllowAndSaysWhatItDoes() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        Operation deallocate = SampleFleet.operation(
                "op1", Operation.Kind.DEALLOCATE, "host1", inventory.unit(id).orElseThrow(), NOON);

        assertThatThrownBy(() -> inventory.beginDeallocation(id, deallocate, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("host1_4-7 is free and cannot become deallocating")
                .hasMessageContaining("[allocating, decommissioning, unavailable]");
        assertThat(inventory.operations().find("op1")).isEmpty();
    }

    @Test
    void doesNotEndAnOperationTwice() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory.beginDeallocation(
                unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON), null);
        Operation late = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);

        assertThatThrownBy(() -> inventory.endOnUnit(late, unit.id(), UnitStatus.FREE, "", NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThat(inventory.unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }

    @Test
    void saysThatAUnitOrServerIsUnknown() {
        Operation operation = SampleFleet.operation("op1", Operation.Kind.DEALLOCATE, "host9", null, NOON);

        assertThatThrownBy(() -> inventory.beginDeallocation(new ComputeId("host9_0"), operation, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host9_0");
        assertThatThrownBy(() -> inventory.beginDecommission("host9", operation, DataDisks.KEEP, null, (s, u) -> {}))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host9");
    }

    @Test
    void aCheckThatThrowsKeepsTheServerAsItIs() {
        addReady("host1", "4-7");
        KloigosException refusal = new KloigosException(ErrorCode.WRONG_STATE, "tenants hold it");

        assertThatThrownBy(() -> inventory.beginDecommission(
                        "host1",
                        SampleFleet.operation("op1", Operation.Kind.DECOMMISSION, "host1", null, NOON),
                        DataDisks.WIPE,
                        null,
                        (server, units) -> {
                            throw refusal;
                        }))
                .isSameAs(refusal);
        assertThat(inventory.server("host1").orElseThrow().status()).isEqualTo(ServerStatus.READY);
        assertThat(ids(new UnitFilter(null, null, null, null, null, null, UnitStatus.FREE)))
                .hasSize(1);
        assertThat(inventory.operations().find("op1")).isEmpty();
    }

    // Servers

    @Test
    void aHostNameIsManagedOnce() {
        addReady("host1", "4-7");

        assertThatThrownBy(() -> add("host1", "8-15"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.ALREADY_MANAGED))
                .hasMessageContaining("10.0.0.1")
                .hasMessageContaining("ready");
        assertThat(ids(UnitFilter.all())).containsExactly("host1_4-7");
    }

    @Test
    void aServerThatWasGivenBackCanBeAddedAgain() {
        addReady("host1", "4-7");
        Operation gone = SampleFleet.operation("op1", Operation.Kind.DECOMMISSION, "host1", null, NOON);
        inventory.beginDecommission("host1", gone, DataDisks.WIPE, null, (server, units) -> {});
        assertThat(inventory.operations().dataDisks("op1")).isEqualTo(DataDisks.WIPE);
        inventory.endOnServer(
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
        assertThat(inventory.operations().find("init-host1"))
                .as("its history is kept")
                .isPresent();
    }

    @Test
    void noCpuIsEverInTwoUnits() {
        SampleFleet first = SampleFleet.of(
                SampleFleet.request("host1", "4-7"), SampleHost.debian().facts());
        SampleFleet second = SampleFleet.of(
                SampleFleet.request("host1", "0", "7-8"), SampleHost.debian().facts());
        List<ComputeUnit> overlapping =
                List.of(first.units().get(0), second.units().get(1));
        Operation init = SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON);

        assertThatThrownBy(() -> addServer(first.server(), overlapping, init))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED));
        assertThat(inventory.server("host1")).isEmpty();
        assertThat(inventory.units(UnitFilter.all())).isEmpty();
    }

    @Test
    void noUidAndNoPortIsEverGivenTwice() {
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
    void serversAreListedByName() {
        add("hostb", "0");
        add("hosta", "0");

        assertThat(inventory.servers()).extracting(Server::hostname).containsExactly("hosta", "hostb");
    }

    // Operations

    static Operation started(String id, ComputeUnit unit) {
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

    @Test
    void keepsHowAnOperationEnded() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory.operations().start(started("op1", unit));
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
        inventory.endOnUnit(failed, unit.id(), UnitStatus.ALLOCATION_FAIL, "Step 2 of 2 failed", NOON);

        assertThat(inventory.operations().find("op1")).contains(failed);
        assertThat(unfinished()).isEmpty();
        assertThat(inventory.unit(unit.id()).orElseThrow().reason()).isEqualTo("Step 2 of 2 failed");
    }

    @Test
    void listsTheNewestOperationsFirst() {
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

        assertThat(inventory.operations().newest(10))
                .extracting(Operation::id)
                .containsExactly("latest", "later", "init-host1");
        assertThat(inventory.operations().newest(1)).hasSize(1);
        assertThat(unfinished()).containsExactly("latest", "later", "init-host1");
    }

    @Test
    void listsOperationsPageByPageThoughSomeAreOfTheSameTimeAndOthersBegin() {
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
    void listsTheOperationsOfAUnitOfAServerAndInAState() {
        addReady("host1", "0-3", "4-7");
        add("host2", "0-3");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");

        assertThat(ids(new OperationFilter(unit.id().value(), null, null))).containsExactly("op1");
        assertThat(ids(new OperationFilter(null, "host1", null))).containsExactly("init-host1", "op1");
        assertThat(ids(new OperationFilter(null, "host1", Operation.State.SUCCEEDED)))
                .containsExactly("init-host1");
        assertThat(ids(new OperationFilter(null, "host2", null))).containsExactly("init-host2");
        assertThat(ids(new OperationFilter(null, "host2", Operation.State.FAILED)))
                .isEmpty();
    }

    private List<String> ids(OperationFilter filter) {
        return inventory.operations().newest(filter, null, null, 10).stream()
                .map(Operation::id)
                .toList();
    }

    private List<Operation> newest(@Nullable OperationPlace after, int most) {
        return inventory.operations().newest(OperationFilter.all(), null, after, most);
    }

    private Operation deallocation(String id, ComputeUnit unit) {
        return SampleFleet.operation(id, Operation.Kind.DEALLOCATE, unit.hostname(), unit, NOON);
    }

    private Operation failed(String id, Operation.Kind kind, ComputeUnit unit) {
        return failed(id, kind, unit, 1);
    }

    private Operation failed(String id, Operation.Kind kind, ComputeUnit unit, int attempt) {
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

    // Leases and fences

    @Test
    void everyOperationOnAServerHasAHigherFenceThanThoseBefore() {
        addReady("host1", "4-7", "8-11");
        ComputeUnit one = claim(SampleFleet.wanting(4), "op1");
        long first = inventory.operations().start(started("op1", one)).fence();
        inventory.endAllocation(SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", one), one, NOON);
        inventory.beginDeallocation(one.id(), deallocation("op2", one), null);
        long second = inventory.operations().start(started("op2", one)).fence();
        inventory.endOnUnit(
                SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", one), one.id(), UnitStatus.FREE, "", NOON);
        inventory.beginDecommission(
                "host1",
                SampleFleet.operation("op3", Operation.Kind.DECOMMISSION, "host1", null, NOON),
                DataDisks.KEEP,
                null,
                (server, units) -> {});
        long third = inventory.operations().start(started("op3", one)).fence();
        inventory.endOnServer(
                SampleFleet.ended("op3", Operation.Kind.DECOMMISSION, "host1", null),
                ServerStatus.DECOMMISSIONED,
                UnitStatus.DECOMMISSIONED,
                "",
                NOON);
        SampleFleet again = SampleFleet.of(
                SampleFleet.request("host1", "4-7"), SampleHost.debian().facts());
        addServer(
                again.server(), again.units(), SampleFleet.operation("op4", Operation.Kind.INIT, "host1", null, NOON));
        long fourth = inventory.operations().start(started("op4", one)).fence();

        assertThat(List.of(first, second, third, fourth)).isSorted().doesNotHaveDuplicates();
        assertThat(first).isGreaterThanOrEqualTo(NOON.toEpochMilli());
    }

    @Test
    void operationsWithoutALeaseAreTakenOverOldestFirst() {
        addReady("host1", "4-7", "8-11");
        claim(SampleFleet.wanting(4), "op1");
        claim(SampleFleet.wanting(4), "op2");
        assertThat(inventory.operations().takeOver(NOON)).isEmpty();

        inventory.operations().release();

        assertThat(inventory.operations().takeOver(NOON))
                .extracting(Operation::id)
                .containsExactly("op1", "op2");
        assertThat(inventory.operations().takeOver(NOON)).isEmpty();
    }

    @Test
    void whoRenewsALeaseWritesDownHowFarTheOperationIs() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory.operations().start(started("op1", unit));
        Operation further = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);

        inventory.operations().renew(List.of(further));

        Operation seen = inventory.operations().find("op1").orElseThrow();
        assertThat(seen.state()).isEqualTo(Operation.State.RUNNING);
        assertThat(seen.steps()).isEqualTo(further.steps());
    }

    // Keys, retries, cancellation

    @Test
    void aKeyLeadsToTheOperationThatItsRequestBegan() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        IdempotencyKey key = IdempotencyKey.of("key1", "deallocate");
        assertThat(inventory.operations().operationOf(key)).isEmpty();

        inventory.beginDeallocation(unit.id(), deallocation("op2", unit), key);

        assertThat(inventory.operations().operationOf(key))
                .get()
                .extracting(Operation::id)
                .isEqualTo("op2");
        assertThatThrownBy(() -> inventory.operations().operationOf(IdempotencyKey.of("key1", "something else")))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.KEY_REUSED))
                .hasMessageContaining("key1")
                .hasMessageContaining("op2");
    }

    @Test
    void whatTakesNoOperationIsDoneOnceUnderAKeyToo() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        Reason reason = new Reason("a fan");
        IdempotencyKey key = IdempotencyKey.of("key1", "withdraw");

        inventory.outOfService().withdraw(id, reason, key, NOON);
        assertThat(inventory.outOfService().withdraw(id, reason, key, NOON).status())
                .isEqualTo(UnitStatus.UNAVAILABLE);
        inventory.outOfService().putBack(id, null, NOON);
        assertThat(inventory.outOfService().withdraw(id, reason, key, NOON).status())
                .isEqualTo(UnitStatus.FREE);
        assertThat(inventory.operations().operationOf(key)).isEmpty();
        IdempotencyKey other = IdempotencyKey.of("key1", "cordon");
        assertThatThrownBy(() -> inventory.outOfService().cordon("host1", reason, other, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.KEY_REUSED));

        inventory.operations().forgetEndedBefore(NOON.plusSeconds(60));
        assertThat(inventory.outOfService().withdraw(id, reason, key, NOON).status())
                .isEqualTo(UnitStatus.UNAVAILABLE);
    }

    @Test
    void aKeyOfWhatWasRefusedIsFree() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        IdempotencyKey key = IdempotencyKey.of("key1", "put back");

        assertThatThrownBy(() -> inventory.outOfService().putBack(id, key, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
        inventory.outOfService().withdraw(id, new Reason("a fan"), null, NOON);
        assertThat(inventory.outOfService().putBack(id, key, NOON).status()).isEqualTo(UnitStatus.FREE);
    }

    @Test
    void aKeyBeginsOneOperationOnly() {
        addReady("host1", "4-7", "8-11");
        IdempotencyKey key = IdempotencyKey.of("key1", "allocate");
        Function<String, Optional<Inventory.Claim>> claim = operation -> inventory.claim(
                SampleFleet.wanting(4),
                (server, unit) ->
                        SampleFleet.operation(operation, Operation.Kind.ALLOCATE, unit.hostname(), unit, NOON),
                key);

        assertThat(claim.apply("op1")).isPresent();
        assertThatThrownBy(() -> claim.apply("op2"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.KEY_IN_USE));

        assertThat(ids(new UnitFilter(null, null, null, null, null, null, UnitStatus.FREE)))
                .hasSize(1);
        assertThat(inventory.operations().find("op2")).isEmpty();
    }

    @Test
    void whatFailedCanBeTriedAgainUntilSomethingElseIsDone() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        long before = inventory.operations().start(started("op1", unit)).fence();
        assertThatThrownBy(() -> inventory.beginRetry("op1", NOON, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("running");
        inventory.endOnUnit(
                failed("op1", Operation.Kind.ALLOCATE, unit), unit.id(), UnitStatus.ALLOCATION_FAIL, "broke", NOON);

        Operation retried = inventory.beginRetry("op1", NOON, null);

        assertThat(retried.attempt()).isEqualTo(2);
        assertThat(retried.state()).isEqualTo(Operation.State.PENDING);
        assertThat(retried.error()).isNull();
        assertThat(inventory.unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
        assertThat(inventory.operations().start(retried).fence()).isGreaterThan(before);

        inventory.endOnUnit(
                failed("op1", Operation.Kind.ALLOCATE, unit, 2), unit.id(), UnitStatus.ALLOCATION_FAIL, "broke", NOON);
        inventory.beginDeallocation(unit.id(), deallocation("op2", unit), null);
        assertThatThrownBy(() -> inventory.beginRetry("op1", NOON, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("op2");
    }

    @Test
    void whoeverIsStillAtAnEarlierAttemptCannotEndTheNext() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory.endOnUnit(
                failed("op1", Operation.Kind.ALLOCATE, unit), unit.id(), UnitStatus.ALLOCATION_FAIL, "broke", NOON);
        inventory.beginRetry("op1", NOON, null);

        Operation late = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);
        assertThatThrownBy(() -> inventory.operations().start(late))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThatThrownBy(() -> inventory.endAllocation(late, unit, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThat(inventory.unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
    }

    @Test
    void whatWasDoneToAUnitThatIsGoneIsNotTriedAgain() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        inventory.endOnUnit(
                failed("op1", Operation.Kind.ALLOCATE, unit), unit.id(), UnitStatus.ALLOCATION_FAIL, "broke", NOON);
        Operation gone = SampleFleet.operation("gone", Operation.Kind.DECOMMISSION, "host1", null, NOON);
        inventory.beginDecommission("host1", gone, DataDisks.KEEP, null, (server, units) -> {});
        inventory.endOnServer(
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

        assertThatThrownBy(() -> inventory.beginRetry("op1", NOON, null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host1_4-7");
        assertThat(unfinished()).containsExactly("init-again");
    }

    @Test
    void aServersOperationIsTriedAgainWithAllItsUnits() {
        add("host1", "4-7", "8-11");
        inventory.endOnServer(
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

        inventory.beginRetry("init-host1", NOON, null);

        assertThat(inventory.server("host1").orElseThrow().status()).isEqualTo(ServerStatus.INITIALIZING);
        assertThat(inventory.server("host1").orElseThrow().reason()).isEmpty();
        assertThat(inventory.units(UnitFilter.all()))
                .extracting(ComputeUnit::status)
                .containsExactly(UnitStatus.INITIALIZING, UnitStatus.INITIALIZING);
    }

    @Test
    void whoBeginsAnOperationLearnsThatItWasCancelledBefore() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        assertThat(inventory.operations().start(started("op1", unit)).isCancelled())
                .isFalse();

        inventory.operations().requestCancel("op1");

        assertThat(inventory.operations().start(started("op1", unit)).isCancelled())
                .isTrue();
        assertThatThrownBy(() -> inventory.operations().requestCancel("init-host1"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("succeeded");
        assertThatThrownBy(() -> inventory.operations().requestCancel("none"))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void oldOperationsAreForgottenButForTheLastOfEachUnitAndServer() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory.beginDeallocation(unit.id(), deallocation("op2", unit), IdempotencyKey.of("key", "x"));
        inventory.endOnUnit(
                SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                unit.id(),
                UnitStatus.FREE,
                "",
                NOON);
        claim(SampleFleet.wanting(4), "op3");

        assertThat(inventory.operations().forgetEndedBefore(NOON)).isZero();
        assertThat(inventory.operations().forgetEndedBefore(NOON.plusSeconds(60)))
                .isEqualTo(2);

        assertThat(inventory.operations().newest(10))
                .extracting(Operation::id)
                .containsExactlyInAnyOrder("init-host1", "op3");
        assertThat(inventory.operations().operationOf(IdempotencyKey.of("key", "x")))
                .isEmpty();
    }

    // While tenants have units

    private static final ComputeId UNIT = new ComputeId("host1_4-7");
    private static final SshPublicKey SECOND = new SshPublicKey(SampleFleet.KEY.line() + "-2");

    private Operation begin(String id, UnitChange change) {
        Operation operation = Operation.asked(id, change.kind(), "host1", UNIT, NOON);
        inventory.tenancies().begin(UNIT, operation, null, unit -> change.madeTo(unit, NOON));
        return operation;
    }

    private ComputeUnit end(Operation operation, String reason) {
        Operation begun = operation.begun(NOON);
        Operation ended = reason.isEmpty()
                ? begun.succeeded(NOON)
                : begun.failed(new KloigosException(ErrorCode.HOST_STEP_FAILED, reason), NOON);
        inventory.tenancies().end(ended, reason, NOON);
        return inventory.unit(UNIT).orElseThrow();
    }

    private void addTenant() {
        addReady("host1", "4-7", "8-11");
        allocate(SampleFleet.wanting(4), "op1");
    }

    @Test
    void aUnitBecomesWhatWasWantedWhenItsChangeSucceeds() {
        addTenant();
        LimitChange tasks = new LimitChange(null, null, null, 77, null, null, null, null);
        ComputeUnit before = inventory.unit(UNIT).orElseThrow();

        Operation rotation = begin("op2", new UnitChange.RotateKeys(List.of(SampleFleet.KEY, SECOND)));
        assertThat(inventory.unit(UNIT).orElseThrow().sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(inventory.tenancies().wanted(rotation).sshPublicKeys()).containsExactly(SampleFleet.KEY, SECOND);
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
    void aUnitStaysWhatItWasWhenItsChangeFails() {
        addTenant();
        LimitChange tasks = new LimitChange(null, null, null, 77, null, null, null, null);
        ComputeUnit failed = end(begin("op2", new UnitChange.Resize(tasks)), "disk full");

        assertThat(failed.reason()).isEqualTo("disk full");
        assertThat(failed.limits()).isEqualTo(failed.baseLimits());
        // What the host has now is not known for sure.
        assertThat(failed.tenancy().resizedTo()).isEqualTo(failed.baseLimits());
        assertThat(inventory.beginRetry("op2", NOON, null).attempt()).isEqualTo(2);
        assertThat(inventory.unit(UNIT).orElseThrow().reason()).isEmpty();
    }

    @Test
    void oneOperationAtATimeIsUnderWayOnAUnitThatATenantHas() {
        addTenant();
        begin("op2", new UnitChange.Stop());

        assertThatThrownBy(() -> begin("op3", new UnitChange.RotateKeys(List.of(SECOND))))
                .hasMessageContaining("operation op2 (stop) is under way on it");
        assertThatThrownBy(() -> inventory.beginDeallocation(
                        UNIT, Operation.asked("op3", Operation.Kind.DEALLOCATE, "host1", UNIT, NOON), null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
    }

    @Test
    void anExpiredUnitIsTakenBackOnceAndToldOfOnce() {
        addTenant();
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("op2", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);
        inventory.tenancies().setExpiry(inventory.unit(UNIT).orElseThrow(), NOON.plusSeconds(60), NOON);

        assertThat(inventory.tenancies().tellExpiring(NOON.plusSeconds(59), NOON))
                .isEmpty();
        assertThat(inventory.tenancies().tellExpiring(NOON.plusSeconds(60), NOON))
                .extracting(ComputeUnit::id)
                .containsExactly(UNIT);
        assertThat(inventory.tenancies().tellExpiring(NOON.plusSeconds(60), NOON))
                .isEmpty();
        assertThat(inventory.tenancies().beginExpired(NOON.plusSeconds(59), operation))
                .isEmpty();
        assertThat(inventory.tenancies().beginExpired(NOON.plusSeconds(60), operation))
                .hasSize(1);
        assertThat(inventory.tenancies().beginExpired(NOON.plusSeconds(60), operation))
                .isEmpty();
        assertThat(inventory.unit(UNIT).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }

    @Test
    void aUnitOnWhichAnOperationIsUnderWayExpiresAfterIt() {
        addTenant();
        inventory.tenancies().setExpiry(inventory.unit(UNIT).orElseThrow(), NOON.plusSeconds(60), NOON);
        Operation stop = begin("op2", new UnitChange.Stop());
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("op3", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);

        assertThat(inventory.tenancies().beginExpired(NOON.plusSeconds(60), operation))
                .isEmpty();
        end(stop, "");
        assertThat(inventory.tenancies().beginExpired(NOON.plusSeconds(60), operation))
                .hasSize(1);
    }

    @Test
    void aUnitThatWasGivenBackKeepsNothingOfItsTenancy() {
        addTenant();
        inventory
                .tenancies()
                .setTags(inventory.unit(UNIT).orElseThrow(), new Tags(Map.of(Tags.DEPLOYMENT_ID, "web")), NOON);
        inventory.tenancies().setExpiry(inventory.unit(UNIT).orElseThrow(), NOON.plusSeconds(60), NOON);
        end(begin("op2", new UnitChange.Stop()), "");
        inventory.beginDeallocation(
                UNIT,
                SampleFleet.operation(
                        "op3",
                        Operation.Kind.DEALLOCATE,
                        "host1",
                        inventory.unit(UNIT).orElseThrow(),
                        NOON),
                null);
        inventory.endOnUnit(
                SampleFleet.ended(
                        "op3",
                        Operation.Kind.DEALLOCATE,
                        "host1",
                        inventory.unit(UNIT).orElseThrow()),
                UNIT,
                UnitStatus.FREE,
                "",
                NOON);

        assertThat(inventory.unit(UNIT).orElseThrow().tenancy()).isEqualTo(Tenancy.none());
    }

    // Out of service

    @Test
    void cordonedServersAreLeftOutAndNamed() {
        addReady("host1", "4-7", "8-11");
        Reason reason = new Reason("disk 2 is failing");
        assertThat(inventory.outOfService().cordon("host1", reason, null, NOON).cordon())
                .isEqualTo(reason);

        assertThat(inventory.candidate(SampleFleet.wanting(null))).isEmpty();
        assertThat(inventory.capacity(SampleFleet.wanting(null))).isEmpty();
        for (AllocateRequest fitting : List.of(
                SampleFleet.wanting(null),
                SampleFleet.wanting(4),
                new AllocateRequest(4, "eu", "a", Tags.none(), SampleFleet.KEY))) {
            assertThat(inventory.outOfService().cordonedWithRoomFor(fitting))
                    .extracting(Server::hostname)
                    .containsExactly("host1");
        }
        assertThat(inventory.outOfService().cordonedWithRoomFor(SampleFleet.wanting(5)))
                .isEmpty();
        assertThat(inventory.outOfService().uncordon("host1", null, NOON).cordon())
                .isNull();
        assertThat(inventory.candidate(SampleFleet.wanting(null))).isPresent();
    }

    @Test
    void aDrainBeginsAllDeallocationsOrNothing() {
        addTenant();
        Reason reason = new Reason("disk 2 is failing");
        Function<ComputeUnit, Operation> operation =
                unit -> Operation.asked("drain", Operation.Kind.DEALLOCATE, "host1", unit.id(), NOON);

        assertThatThrownBy(() -> inventory
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
        assertThat(inventory.server("host1").orElseThrow().cordon()).isNull();
        IdempotencyKey key = IdempotencyKey.of("once", "drain");
        List<Operation> begun = inventory.outOfService().drain("host1", reason, key, NOON, units -> {}, operation);
        assertThat(begun).extracting(Operation::computeId).containsExactly(UNIT);
        assertThat(inventory
                        .operations()
                        .begunWith(inventory.operations().operationOf(key).orElseThrow()))
                .extracting(Operation::id)
                .containsExactly("drain");
    }

    @Test
    void aWithdrawnUnitKeepsItsNewestOperation() {
        addReady("host1", "4-7");
        ComputeUnit withdrawn = inventory.outOfService().withdraw(UNIT, new Reason("CPU 5 throttles"), null, NOON);

        assertThat(withdrawn.status()).isEqualTo(UnitStatus.UNAVAILABLE);
        assertThat(withdrawn.operationId()).isEqualTo("init-host1");
        assertThat(inventory.candidate(SampleFleet.wanting(null))).isEmpty();
        assertThat(inventory.outOfService().putBack(UNIT, null, NOON).status()).isEqualTo(UnitStatus.FREE);
    }

    // Certificates

    private ReleaseCertificate release(ComputeUnit unit, String operationId, Instant at, Finding finding) {
        inventory.beginDeallocation(
                unit.id(),
                SampleFleet.operation(operationId, Operation.Kind.DEALLOCATE, unit.hostname(), unit, at),
                null);
        ReleaseCertificate certificate =
                new ReleaseCertificate(unit.id(), operationId, at, List.of(finding), Set.of(finding.trace()), null);
        inventory.endRelease(
                SampleFleet.ended(operationId, Operation.Kind.DEALLOCATE, unit.hostname(), unit),
                UnitStatus.DEALLOCATION_FAIL,
                "why",
                certificate);
        return certificate;
    }

    @Test
    void theNewestCertificateOfAUnitIsKept() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(new AllocateRequest(null, null, null, Tags.none(), SampleFleet.KEY), "a");
        assertThat(inventory.certificates().newest(unit.id())).isEmpty();

        ReleaseCertificate first = release(unit, "d1", NOON, Finding.found(Trace.MAIL, "/var/mail/u4-7"));
        assertThat(inventory.certificates().newest(unit.id())).contains(first);

        ReleaseCertificate second = release(unit, "d2", NOON, Finding.unknown(Trace.MAIL, "who knows?"));
        inventory.operations().forgetEndedBefore(NOON.plusSeconds(60));
        assertThat(inventory.certificates().newest(unit.id())).contains(second);
        assertThat(inventory.unit(unit.id()).orElseThrow().reason()).isEqualTo("why");
    }

    @Test
    void aForcedReleaseIsKeptWithItsOperation() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(new AllocateRequest(null, null, null, Tags.none(), SampleFleet.KEY), "a");
        Operation forced = SampleFleet.operation("f", Operation.Kind.DEALLOCATE, "host1", unit, NOON);
        assertThatThrownBy(() -> inventory.beginForcedRelease(unit.id(), forced, new Reason("reason"), null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
        release(unit, "d", NOON, Finding.found(Trace.MAIL, "/var/mail/u4-7"));

        inventory.beginForcedRelease(unit.id(), forced, new Reason("reason"), null);

        assertThat(inventory.certificates().forced("f"))
                .contains(new ForcedRelease(new Reason("reason"), Set.of(Trace.MAIL)));
        assertThat(inventory.certificates().forced("d")).isEmpty();
        assertThat(inventory.unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }
}
