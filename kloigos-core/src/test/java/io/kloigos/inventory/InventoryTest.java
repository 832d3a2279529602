package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisk;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.planner.HostPlanner.DataDisks;
import io.kloigos.rules.Capacity;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InventoryTest {
    private static final Instant NOON = SampleFleet.NOON;

    private final Path directory;
    private final Path file;
    private Inventory inventory;

    InventoryTest(@TempDir Path directory) {
        this.directory = directory;
        this.file = directory.resolve("kloigos.db");
        this.inventory = Inventory.open(file);
    }

    @AfterEach
    void close() {
        inventory.close();
    }

    // A fleet in the inventory

    private SampleFleet add(String hostname, String... ranges) {
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request(hostname, ranges), SampleHost.debian().facts());
        inventory.addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("init-" + hostname, Operation.Kind.INIT, hostname, null, NOON));
        return fleet;
    }

    private void addReady(String hostname, String... ranges) {
        add(hostname, ranges);
        inventory.endOnServer(
                SampleFleet.ended("init-" + hostname, Operation.Kind.INIT, hostname, null),
                ServerStatus.READY,
                UnitStatus.FREE,
                "",
                NOON);
    }

    private ComputeUnit claim(AllocateRequest request, String operationId) {
        return inventory
                .claim(
                        request,
                        unit -> SampleFleet.operation(
                                operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit, NOON))
                .orElseThrow();
    }

    private ComputeUnit allocate(AllocateRequest request, String operationId) {
        ComputeUnit unit = claim(request, operationId);
        inventory.endOnUnit(
                SampleFleet.ended(operationId, Operation.Kind.ALLOCATE, unit.hostname(), unit),
                unit.id(),
                UnitStatus.ALLOCATED,
                "",
                NOON);
        return inventory.unit(unit.id()).orElseThrow();
    }

    private static ErrorCode code(Throwable refusal) {
        return ((KloigosException) refusal).code();
    }

    // What is kept

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
                SampleHost.debian().with("core", "0,8", "4,12").facts());
        Operation init = SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON);
        inventory.addServer(fleet.server(), fleet.units(), init);

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
        assertThat(inventory.operation("op1")).contains(init);
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
        assertThat(unit.sshPublicKey()).isEqualTo(SampleFleet.KEY);
        assertThat(unit.startedAt()).isEqualTo(NOON);

        inventory.beginDeallocation(
                unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON));
        inventory.endOnUnit(
                SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                unit.id(),
                UnitStatus.FREE,
                "",
                NOON);

        ComputeUnit free = inventory.unit(unit.id()).orElseThrow();
        assertThat(free.tags()).isEqualTo(Tags.none());
        assertThat(free.sshPublicKey()).isNull();
        assertThat(free.startedAt()).isNull();
        assertThat(inventory.units(new UnitFilter(null, null, null, null, null, "d1", null)))
                .isEmpty();
    }

    @Test
    void remembersTheTenantOfAUnitThatCouldNotBeCleaned() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory.beginDeallocation(
                unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON));
        inventory.endOnUnit(
                SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                unit.id(),
                UnitStatus.DEALLOCATION_FAIL,
                "processes of u4-7 are left",
                NOON);

        ComputeUnit failed = inventory.unit(unit.id()).orElseThrow();
        assertThat(failed.reason()).isEqualTo("processes of u4-7 are left");
        assertThat(failed.sshPublicKey()).isEqualTo(SampleFleet.KEY);
        assertThat(inventory.claim(SampleFleet.wanting(null), chosen -> {
                    throw new AssertionError("handed out " + chosen.id());
                }))
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

    @Test
    void tellsWhatIsFreeBySizeAndPlace() {
        addReady("host1", "0-3", "4-7", "8-9");
        addReady("host2", "0-3");
        claim(SampleFleet.wanting(2), "op1");

        assertThat(inventory.capacity()).containsExactly(new Capacity("eu", "a", 4, 3, new ComputeId("host1_0-3")));
    }

    @Test
    void aClaimThatCannotBeWrittenDownChangesNothing() {
        addReady("host1", "4-7");

        assertThatThrownBy(() -> claim(SampleFleet.wanting(4), "init-host1"))
                .satisfies(failure -> assertThat(code(failure)).isEqualTo(ErrorCode.STORE_FAILED));
        assertThat(inventory.unit(new ComputeId("host1_4-7")).orElseThrow().status())
                .isEqualTo(UnitStatus.FREE);
        assertThat(inventory.unit(new ComputeId("host1_4-7")).orElseThrow().sshPublicKey())
                .isNull();
    }

    // Listing

    @Test
    void everyPartOfAFilterMustMatch() {
        addReady("host1", "0-3", "4-7", "8-15");
        addReady("host2", "0-3");
        Tags tags = new Tags(Map.of("deployment_id", 12));
        allocate(new AllocateRequest(8, null, null, tags, SampleFleet.KEY), "op1");

        assertThat(ids(UnitFilter.all())).containsExactly("host1_0-3", "host1_4-7", "host1_8-15", "host2_0-3");
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

    // Changes of status

    @Test
    void refusesAChangeThatTheStatusDoesNotAllowAndSaysWhatItDoes() {
        addReady("host1", "4-7");
        ComputeId id = new ComputeId("host1_4-7");
        Operation deallocate = SampleFleet.operation(
                "op1", Operation.Kind.DEALLOCATE, "host1", inventory.unit(id).orElseThrow(), NOON);

        assertThatThrownBy(() -> inventory.beginDeallocation(id, deallocate))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("host1_4-7 is free and cannot become deallocating")
                .hasMessageContaining("[allocating, decommissioning, unavailable]");
        assertThat(inventory.operation("op1")).isEmpty();
    }

    @Test
    void doesNotEndAnOperationTwice() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory.beginDeallocation(
                unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON));
        Operation late = SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit);

        assertThatThrownBy(() -> inventory.endOnUnit(late, unit.id(), UnitStatus.FREE, "", NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
        assertThat(inventory.unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }

    @Test
    void saysThatAUnitOrServerIsUnknown() {
        Operation operation = SampleFleet.operation("op1", Operation.Kind.DEALLOCATE, "host9", null, NOON);

        assertThatThrownBy(() -> inventory.beginDeallocation(new ComputeId("host9_0"), operation))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND))
                .hasMessageContaining("host9_0");
        assertThatThrownBy(() -> inventory.beginDecommission("host9", operation, DataDisks.KEEP, (s, u) -> {}))
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
                        (server, units) -> {
                            throw refusal;
                        }))
                .isSameAs(refusal);
        assertThat(inventory.server("host1").orElseThrow().status()).isEqualTo(ServerStatus.READY);
        assertThat(ids(new UnitFilter(null, null, null, null, null, null, UnitStatus.FREE)))
                .hasSize(1);
        assertThat(inventory.operation("op1")).isEmpty();
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
        inventory.beginDecommission("host1", gone, DataDisks.WIPE, (server, units) -> {});
        assertThat(inventory.dataDisks("op1")).isEqualTo(DataDisks.WIPE);
        inventory.endOnServer(
                SampleFleet.ended("op1", Operation.Kind.DECOMMISSION, "host1", null),
                ServerStatus.DECOMMISSIONED,
                UnitStatus.DECOMMISSIONED,
                "",
                NOON);
        SampleFleet again = SampleFleet.of(
                SampleFleet.request("host1", "4-5", "6-7"), SampleHost.debian().facts());
        inventory.addServer(
                again.server(), again.units(), SampleFleet.operation("op2", Operation.Kind.INIT, "host1", null, NOON));

        assertThat(ids(UnitFilter.all())).containsExactly("host1_4-5", "host1_6-7");
        assertThat(inventory.operation("init-host1")).as("its history is kept").isPresent();
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

        assertThatThrownBy(() -> inventory.addServer(first.server(), overlapping, init))
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

        assertThatThrownBy(() -> inventory.addServer(first.server(), twins, init))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED));
    }

    @Test
    void serversAreListedByName() {
        add("hostb", "0");
        add("hosta", "0");

        assertThat(inventory.servers()).extracting(Server::hostname).containsExactly("hosta", "hostb");
    }

    // Operations

    @Test
    void whatACrashCutShortIsFoundInTheFileThatItLeft() throws IOException {
        addReady("host1", "0-3", "4-7");
        ComputeUnit pending = claim(SampleFleet.wanting(4), "op-pending");
        ComputeUnit running = claim(SampleFleet.wanting(4), "op-running");
        inventory.start(started("op-running", running));
        add("host2", "0-3");

        // The files as they are at this moment are what a killed process leaves.
        Path left = Files.createDirectory(directory.resolve("after-crash"));
        for (String name : List.of("kloigos.db", "kloigos.db-wal")) {
            Files.copy(directory.resolve(name), left.resolve(name));
        }
        try (Inventory reopened = Inventory.open(left.resolve("kloigos.db"))) {
            assertThat(reopened.unfinished())
                    .extracting(Operation::id, Operation::state)
                    .containsExactlyInAnyOrder(
                            org.assertj.core.groups.Tuple.tuple("op-pending", Operation.State.PENDING),
                            org.assertj.core.groups.Tuple.tuple("op-running", Operation.State.RUNNING),
                            org.assertj.core.groups.Tuple.tuple("init-host2", Operation.State.PENDING));
            assertThat(reopened.unit(pending.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
            assertThat(reopened.unit(pending.id()).orElseThrow().sshPublicKey()).isEqualTo(SampleFleet.KEY);
            assertThat(reopened.operation("op-running").orElseThrow().steps())
                    .extracting(Operation.Step::description)
                    .containsExactly("one", "two");
        }
    }

    private static Operation started(String id, ComputeUnit unit) {
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
        inventory.start(started("op1", unit));
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

        assertThat(inventory.operation("op1")).contains(failed);
        assertThat(inventory.unfinished()).isEmpty();
        assertThat(inventory.unit(unit.id()).orElseThrow().reason()).isEqualTo("Step 2 of 2 failed");
    }

    @Test
    void listsTheNewestOperationsFirst() {
        add("host1", "0-3");
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host2", "0"), SampleHost.debian().facts());
        inventory.addServer(
                fleet.server(),
                fleet.units(),
                SampleFleet.operation("later", Operation.Kind.INIT, "host2", null, NOON.plusMillis(1)));
        SampleFleet third = SampleFleet.of(
                SampleFleet.request("host3", "0"), SampleHost.debian().facts());
        inventory.addServer(
                third.server(),
                third.units(),
                SampleFleet.operation("latest", Operation.Kind.INIT, "host3", null, NOON.plusNanos(1_500_000)));

        assertThat(inventory.operations(10)).extracting(Operation::id).containsExactly("latest", "later", "init-host1");
        assertThat(inventory.operations(1)).hasSize(1);
        assertThat(inventory.unfinished()).extracting(Operation::id).containsExactly("init-host1", "later", "latest");
    }

    @Test
    void everyChangeIsAudited() throws SQLException {
        addReady("host1", "4-7");
        allocate(SampleFleet.wanting(4), "op1");

        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery(
                        "SELECT before || '>' || after || ' ' || operation_id FROM audit WHERE subject = 'host1_4-7' ORDER BY id")) {
            List<String> trail = new java.util.ArrayList<>();
            while (rows.next()) {
                trail.add(rows.getString(1));
            }
            assertThat(trail)
                    .endsWith("initializing>free init-host1", "free>allocating op1", "allocating>allocated op1");
        }
    }

    // The file

    @Test
    void openingAnExistingInventoryKeepsWhatItHolds() {
        addReady("host1", "4-7");
        String id = inventory.instanceId("first");
        for (int i = 0; i < 3; i++) {
            inventory.close();
            inventory = Inventory.open(file);
        }

        assertThat(ids(UnitFilter.all())).containsExactly("host1_4-7");
        assertThat(inventory.instanceId("second")).isEqualTo(id).isEqualTo("first");
    }

    @Test
    void saysWhatIsWrongWithADirectory() {
        assertUnopenable(directory);
    }

    @Test
    void saysWhatIsWrongWithAFileOfAnotherKind() throws IOException {
        Path text = Files.writeString(directory.resolve("notes.txt"), "Dear diary, ".repeat(1000));

        assertUnopenable(text);
        assertThat(text).as("left as it was").content().startsWith("Dear diary");
    }

    @Test
    void saysThatTheDirectoryOfTheFileIsMissing() {
        assertUnopenable(directory.resolve("missing").resolve("kloigos.db"));
    }

    @Test
    void refusesAnInventoryOfANewerKloigos() throws SQLException {
        inventory.close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO flyway_schema_history SELECT 99, '99', 'from the future', type,"
                    + " 'V99__future.sql', checksum, installed_by, installed_on, 1, 1 FROM flyway_schema_history"
                    + " WHERE version = '1'");
        }

        assertUnopenable(file);
    }

    private static void assertUnopenable(Path file) {
        assertThatThrownBy(() -> Inventory.open(file).close())
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageStartingWith("Cannot open the inventory " + file.toAbsolutePath() + ": ")
                .hasMessageContaining("Check that its directory exists");
    }
}
