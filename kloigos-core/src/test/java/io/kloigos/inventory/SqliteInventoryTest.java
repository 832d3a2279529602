package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SqliteInventoryTest extends InventoryContract {
    private final Path directory;
    private final Path file;

    SqliteInventoryTest(@TempDir Path directory) {
        this.directory = directory;
        this.file = directory.resolve("kloigos.db");
    }

    @Override
    Inventory open(String replica) {
        return Inventory.open(file, replica, LEASE);
    }

    @Test
    void whatACrashCutShortIsFoundInTheFileThatItLeft() throws IOException {
        addReady("host1", "0-3", "4-7");
        ComputeUnit pending = claim(SampleFleet.wanting(4), "op-pending");
        ComputeUnit running = claim(SampleFleet.wanting(4), "op-running");
        inventory.operations().start(started("op-running", running));
        add("host2", "0-3");

        // The files as they are at this moment are what a killed process leaves.
        Path left = Files.createDirectory(directory.resolve("after-crash"));
        for (String name : List.of("kloigos.db", "kloigos.db-wal")) {
            Files.copy(directory.resolve(name), left.resolve(name));
        }
        try (Inventory reopened = Inventory.open(left.resolve("kloigos.db"), "replica", LEASE)) {
            assertThat(reopened.operations().takeOver(NOON))
                    .extracting(Operation::id, Operation::state)
                    .containsExactlyInAnyOrder(
                            org.assertj.core.groups.Tuple.tuple("op-pending", Operation.State.PENDING),
                            org.assertj.core.groups.Tuple.tuple("op-running", Operation.State.RUNNING),
                            org.assertj.core.groups.Tuple.tuple("init-host2", Operation.State.PENDING));
            assertThat(reopened.unit(pending.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
            assertThat(reopened.unit(pending.id()).orElseThrow().sshPublicKeys())
                    .containsExactly(SampleFleet.KEY);
            assertThat(reopened.operations().find("op-running").orElseThrow().steps())
                    .extracting(Operation.Step::description)
                    .containsExactly("one", "two");
        }
    }

    @Test
    void everyChangeIsNoted() throws SQLException {
        addReady("host1", "4-7");
        allocate(SampleFleet.wanting(4), "op1");

        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery(
                        "SELECT before || '>' || after || ' ' || operation_id FROM changes WHERE subject = 'host1_4-7'"
                                + " ORDER BY id")) {
            List<String> trail = new java.util.ArrayList<>();
            while (rows.next()) {
                trail.add(rows.getString(1));
            }
            assertThat(trail)
                    .endsWith("initializing>free init-host1", "free>allocating op1", "allocating>allocated op1");
        }
    }

    @Test
    void changesAreForgottenWithTheirOperationsButForTheNewest() throws SQLException {
        addReady("host1", "4-7");
        allocate(SampleFleet.wanting(4), "op1");
        String version = inventory.version().orElseThrow();
        int all = changes();

        inventory.operations().forgetEndedBefore(NOON);
        assertThat(changes()).isEqualTo(all).isGreaterThan(1);
        assertThat(inventory.version()).contains(version);

        inventory.operations().forgetEndedBefore(NOON.plusSeconds(60));
        assertThat(changes()).isEqualTo(1);
        assertThat(inventory.version()).contains(version);
    }

    private int changes() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                var row = statement.executeQuery("SELECT COUNT(*) FROM changes")) {
            row.next();
            return row.getInt(1);
        }
    }

    /** What the second finds under way is not committed yet, so other connections cannot see it. */
    @Test
    @Timeout(60)
    void ofTwoRepairsInOneCommitTheFirstIsBegun() throws Exception {
        addReady("host1", "4-7");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Thread slow =
                new Thread(() -> inventory.tenancies().begin(new ComputeId("host1_4-7"), repair("op0"), null, unit -> {
                    begun.countDown();
                    awaitUninterruptibly(go);
                    throw new KloigosException(ErrorCode.WRONG_STATE, "not so");
                }));
        slow.setUncaughtExceptionHandler((thread, refusal) -> {});
        slow.start();
        begun.await();

        List<FutureTask<?>> changes = List.of(
                new FutureTask<>(() -> inventory.drift().beginRepair(repair("op1"), List.of(), null), true),
                new FutureTask<>(() -> inventory.drift().beginRepair(repair("op2"), List.of(), null), true));
        for (FutureTask<?> change : changes) {
            Thread thread = new Thread(change);
            thread.start();
            while (thread.getState() != Thread.State.WAITING) {
                LockSupport.parkNanos(1_000_000);
            }
        }
        go.countDown();

        changes.get(0).get();
        assertThatThrownBy(() -> changes.get(1).get())
                .cause()
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("operation op1 (repair) is under way");
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void oneProcessAtATimeHasTheFile() throws IOException {
        assertThatThrownBy(() -> Inventory.open(file, "other", LEASE))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageContaining("another Kloigos has it open");
        assertThat(isLockedForOtherProcesses()).isTrue();

        inventory.close();
        assertThat(isLockedForOtherProcesses()).isFalse();
        Inventory.open(file, "other", LEASE).close();
    }

    /** As the kernel tells it: proc_locks(5). */
    private boolean isLockedForOtherProcesses() throws IOException {
        Object inode = Files.getAttribute(Path.of(file + ".lock"), "unix:ino");
        return Files.readAllLines(Path.of("/proc/locks")).stream()
                .anyMatch(line -> line.contains("POSIX") && line.contains(":" + inode + " "));
    }

    @Test
    void openingAnExistingInventoryKeepsWhatItHolds() {
        addReady("host1", "4-7");
        String id = inventory.instanceId("first");
        for (int i = 0; i < 3; i++) {
            inventory.close();
            inventory = Inventory.open(file, "replica", LEASE);
        }

        assertThat(inventory.units(UnitFilter.all())).hasSize(1);
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

    private void assertUnopenable(Path file) {
        assertThatThrownBy(() -> Inventory.open(file, "replica", LEASE).close())
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageStartingWith("Cannot open the inventory " + file.toAbsolutePath() + ": ")
                .hasMessageContaining("Check that its directory exists");
    }
}
