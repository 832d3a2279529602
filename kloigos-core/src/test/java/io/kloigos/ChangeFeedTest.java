package io.kloigos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.inventory.Inventory;
import io.kloigos.inventory.Operations.Change;
import io.kloigos.model.Operation;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChangeFeedTest {
    private static final Duration LEASE = Duration.ofSeconds(20);

    private final Path database;
    private final AtomicLong nanoTime = new AtomicLong();
    private final Inventory inventory;
    private final ChangeFeed feed;

    ChangeFeedTest(@TempDir Path directory) {
        database = directory.resolve("kloigos.db");
        try (Inventory others = Inventory.open(database, "another", LEASE)) {
            for (String hostname : List.of("host1", "host2")) {
                SampleFleet fleet = SampleFleet.of(
                        SampleFleet.request(hostname, "4-7"),
                        SampleHost.debian().facts());
                Operation init = SampleFleet.operation(
                        "init-" + hostname, Operation.Kind.INIT, hostname, null, SampleFleet.NOON);
                others.addServer(fleet.server(), fleet.units(), init, null);
            }
        }
        inventory = Inventory.open(database, "this", LEASE);
        feed = new ChangeFeed(inventory, nanoTime::get);
    }

    @AfterEach
    void close() {
        inventory.close();
    }

    private void pass(Duration time) throws SQLException {
        nanoTime.addAndGet(time.toNanos());
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE changes SET written_at = written_at - " + time.toMillis());
        }
    }

    private List<String> told() {
        List<String> told = new ArrayList<>();
        feed.tell(change -> told.add(change.operationId()));
        return told;
    }

    @Test
    void tellsEachChangeOnce() {
        assertThat(told()).containsExactly("init-host1", "init-host2");
        assertThat(told()).isEmpty();
    }

    @Test
    void tellsAfterALongTimeWithoutTheDatabaseWhatWasChangedMeanwhile() throws SQLException {
        pass(Duration.ofMinutes(5));

        assertThat(told()).containsExactly("init-host1", "init-host2");
    }

    @Test
    void tellsNothingOldToWhoeverBeginsToListen() throws SQLException {
        pass(Duration.ofMinutes(5));
        feed.skip();

        assertThat(told()).isEmpty();
    }

    @Test
    void tellsAgainWhatCouldNotBeTold() {
        List<Change> heard = new ArrayList<>();

        assertThatIllegalStateException()
                .isThrownBy(() -> feed.tell(change -> {
                    if (!heard.isEmpty()) {
                        throw new IllegalStateException("the database failed");
                    }
                    heard.add(change);
                }));

        assertThat(told()).endsWith("init-host2");
    }
}
