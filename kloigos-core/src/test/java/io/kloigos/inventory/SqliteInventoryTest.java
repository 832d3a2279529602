package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
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
import org.junit.jupiter.api.Test;
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

    @Test
    void oneProcessAtATimeHasTheFile() {
        assertThatThrownBy(() -> Inventory.open(file, "other", LEASE))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageContaining("another Kloigos has it open");

        inventory.close();
        Inventory.open(file, "other", LEASE).close();
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
