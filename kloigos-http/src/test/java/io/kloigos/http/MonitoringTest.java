package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.kloigos.Kloigos;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.HostFailure;
import io.kloigos.testkit.SettableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What load balancers and monitoring systems are told. */
@Timeout(60)
class MonitoringTest {
    private static final Path DOCS = Path.of("..", "docs", "monitoring");
    private static final Pattern METRIC = Pattern.compile("\\b(?:kloigos|jvm|process)_[a-z0-9_]+");

    private final SettableClock clock = SettableClock.at(Instant.now());

    @TempDir
    private Path directory;

    private TestServer test;

    @BeforeEach
    void start() {
        test = new TestServer(directory, HttpSettings.loopback(), clock).withHost1();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private String metrics() {
        return test.api.get("/metrics").expect(200).text();
    }

    @Test
    void theFleetIsCounted() {
        test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        test.api.post("/api/servers/host1/cordon", "{\"reason\": \"a fan\"}").expect(200);
        test.api.get("/api/servers/host1/drift").expect(200);

        assertThat(test.api.get("/metrics").header("Content-Type"))
                .isEqualTo("text/plain; version=0.0.4; charset=utf-8");
        assertThat(metrics().lines())
                .contains(
                        "kloigos_units{region=\"eu\",status=\"free\",zone=\"a\"} 2.0",
                        "kloigos_units{region=\"eu\",status=\"allocated\",zone=\"a\"} 1.0",
                        "kloigos_unit_cpus{region=\"eu\",status=\"allocated\",zone=\"a\"} 4.0",
                        "kloigos_servers{cordoned=\"true\",region=\"eu\",status=\"ready\",zone=\"a\"} 1.0",
                        "kloigos_drift_deviations{server=\"host1\"} 0.0",
                        "kloigos_operation_duration_seconds_count{kind=\"init\",outcome=\"succeeded\"} 1",
                        "kloigos_operation_duration_seconds_count{kind=\"allocate\",outcome=\"succeeded\"} 1",
                        "kloigos_http_requests_total{method=\"POST\",route=\"/api/servers/{hostname}/cordon\",status=\"200\"} 1.0",
                        "kloigos_inventory_up 1.0",
                        "kloigos_ready 1.0",
                        "kloigos_event_streams 0.0");
    }

    @Test
    void noAddressIsMadeUpByWhoAsks() {
        test.api.get("/nowhere/at/all").expect(404);
        test.api.get("/api/servers/host9").expect(404);

        assertThat(metrics())
                .contains("route=\"none\",status=\"404\"", "route=\"/api/servers/{hostname}\",status=\"404\"")
                .doesNotContain("nowhere", "host9");
    }

    @Test
    void aHangingHostIsSeenAndHoldsNothingUp() throws Exception {
        test.host.inject(new HostFailure.Stall(0));
        CompletableFuture<Answer> allocation = new CompletableFuture<>();
        new Thread(() -> allocation.complete(test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE)))
                .start();
        test.host.awaitStalled(1);

        assertThat(metrics())
                .contains(
                        "kloigos_operations{kind=\"allocate\",state=\"running\"} 1.0",
                        "kloigos_operations_oldest_timestamp_seconds{kind=\"allocate\",state=\"running\"} ");

        test.host.heal();
        allocation.get().expect(200);
    }

    @Test
    void dashboardAndAlertsNameOnlyWhatIsThere() throws Exception {
        Set<String> named = new TreeSet<>();
        for (Path file : Set.of(DOCS.resolve("kloigos-dashboard.json"), DOCS.resolve("alerts.yaml"))) {
            Matcher matcher = METRIC.matcher(Files.readString(file));
            while (matcher.find()) {
                named.add(matcher.group());
            }
        }

        assertThat(withSomeHistory()).containsAll(named);
        assertThat(named).hasSizeGreaterThan(20);
    }

    /** Returns the names of all samples. */
    private Set<String> withSomeHistory() throws Exception {
        test.host.inject(new HostFailure.RefuseConnection());
        test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE);
        test.host.heal();
        test.api.get("/api/servers/host1/drift").expect(200);
        test.host.inject(new HostFailure.Stall(0));
        CompletableFuture<Answer> allocation = new CompletableFuture<>();
        new Thread(() -> allocation.complete(test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE)))
                .start();
        test.host.awaitStalled(1);
        Set<String> samples = metrics()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("[{ ]", 2)[0])
                .collect(Collectors.toSet());
        test.host.heal();
        allocation.get();
        return samples;
    }

    @Test
    void everyAlertSaysWhatItIsAboutAndWhatToDo() throws IOException {
        JsonNode groups =
                new YAMLMapper().readTree(DOCS.resolve("alerts.yaml").toFile()).get("groups");
        int rules = 0;
        for (JsonNode group : groups) {
            for (JsonNode rule : group.get("rules")) {
                assertThat(rule.path("expr").asText()).isNotEmpty();
                assertThat(rule.at("/labels/severity").asText()).isIn("critical", "warning");
                assertThat(rule.at("/annotations/summary").asText()).isNotEmpty();
                assertThat(rule.at("/annotations/description").asText()).isNotEmpty();
                rules++;
            }
        }
        assertThat(rules).isGreaterThan(8);
    }

    @Test
    void theDashboardAsksWhateverSourceIsChosen() throws IOException {
        JsonNode dashboard = new ObjectMapper()
                .readTree(DOCS.resolve("kloigos-dashboard.json").toFile());
        assertThat(dashboard.at("/templating/list/0/type").asText()).isEqualTo("datasource");
        assertThat(dashboard.get("panels"))
                .hasSizeGreaterThan(10)
                .filteredOn(panel -> panel.has("targets"))
                .allSatisfy(panel ->
                        assertThat(panel.at("/datasource/uid").asText()).isEqualTo("${datasource}"));
    }

    @Test
    void isReadyOnlyWhileTheDatabaseTakesChanges() throws SQLException {
        test.api.get("/readyz").expect(200);

        sql("CREATE TRIGGER full BEFORE UPDATE ON instance BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
        clock.advance(Duration.ofSeconds(2));
        Answer refusal = test.api.get("/readyz").expect(503);
        assertThat(refusal.body().get("code").asText()).isEqualTo("store_failed");
        assertThat(refusal.text()).doesNotContain("disk is full");
        assertThat(metrics()).contains("\nkloigos_ready 0.0");
        test.api.get("/healthz").expect(200);

        sql("DROP TRIGGER full");
        clock.advance(Duration.ofSeconds(2));
        test.api.get("/readyz").expect(200);
    }

    @Test
    void isAliveWhateverItsDatabaseDoes() throws SQLException {
        sql("ALTER TABLE tokens RENAME TO lost");
        test.api.get("/api/compute_units").expect(503);

        test.api.get("/healthz").expect(200);

        sql("ALTER TABLE lost RENAME TO tokens");
    }

    private void sql(String statement) throws SQLException {
        sql(directory.resolve("kloigos.db"), statement);
    }

    private static void sql(Path file, String statement) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement change = connection.createStatement()) {
            change.execute(statement);
        }
    }

    @Test
    void isNotReadyWhileItCannotLookAfterItsOperations() throws SQLException {
        Path file = directory.resolve("stalled.db");
        try (Kloigos stalled = Kloigos.builder()
                .driver(FakeFleet.of(test.other).driver())
                .database(file)
                .lease(Duration.ofSeconds(2))
                .build()) {
            await().ignoreExceptions().untilAsserted(stalled::requireReady);

            sql(file, "ALTER TABLE operations RENAME TO lost");
            await().untilAsserted(() -> assertThatThrownBy(stalled::requireReady)
                    .hasMessageContaining("could not look after its operations"));

            sql(file, "ALTER TABLE lost RENAME TO operations");
            await().ignoreExceptions().untilAsserted(stalled::requireReady);
        }
    }

    @Test
    void aServerThatIsToStopIsNotReadyAndAnswersStill() {
        test.server.withdraw();

        assertThat(test.api.get("/readyz").expect(503).body().get("code").asText())
                .isEqualTo("shutting_down");
        test.api.get("/healthz").expect(200);
        test.api.get("/api/compute_units").expect(200);
    }

    @Test
    void isNotReadyOnceTheFleetIsClosed() {
        test.kloigos.close();

        test.api.get("/readyz").expect(503);
    }
}
