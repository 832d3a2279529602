package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.Javalin;
import io.kloigos.Event;
import io.kloigos.model.Operation;
import io.kloigos.testkit.HostFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the clients of the event stream are told. */
@Timeout(60)
class EventsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private TestServer test;

    /** An event as a client gets it. */
    private record Told(String name, JsonNode data) {}

    /** A client that reads one event after the other. */
    private static final class Client implements AutoCloseable {
        private final BufferedReader lines;

        Client(InputStream stream) throws IOException {
            lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
            // The server greets when it has taken the client in.
            assertThat(lines.readLine()).startsWith("retry:");
        }

        List<Told> until(Predicate<Told> last) throws IOException {
            List<Told> told = new ArrayList<>();
            String name = "";
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("event: ")) {
                    name = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    told.add(new Told(name, JSON.readTree(line.substring(6))));
                    if (last.test(told.get(told.size() - 1))) {
                        return told;
                    }
                }
            }
            throw new AssertionError("the stream ended after " + told);
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private Client connect() throws IOException {
        return new Client(test.api.stream("/api/events"));
    }

    private static boolean isUnit(Told told, String status) {
        return told.name().equals("unit") && told.data().get("status").asText().equals(status);
    }

    @Test
    void anAllocationIsToldFromItsBeginningToItsEnd() throws IOException {
        try (Client client = connect();
                Client second = connect()) {
            test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
            List<Told> told = client.until(event -> isUnit(event, "allocated"));
            assertThat(told.get(0))
                    .satisfies(first -> assertThat(isUnit(first, "allocating")).isTrue());
            assertThat(told.get(told.size() - 1).data())
                    .isEqualTo(test.api.get("/api/compute_units/host1_4-7").body());
            Told operation = told.get(told.size() - 2);
            assertThat(operation.name()).isEqualTo("operation");
            assertThat(operation.data().get("state").asText()).isEqualTo("succeeded");
            assertThat(operation.data())
                    .isEqualTo(test.api
                            .get("/api/operations/" + operation.data().get("id").asText())
                            .body());
            assertThat(second.until(event -> isUnit(event, "allocated"))).isNotEmpty();
        }
    }

    @Test
    void stepsAreToldWhileTheyAreTaken() throws Exception {
        try (Client client = connect()) {
            test.host.inject(new HostFailure.Stall(3));
            test.api.delete("/api/admin/decommission_server/host1").expect(200);
            List<Told> told = client.until(event -> event.name().equals("operation")
                    && event.data().path("steps").path(2).path("state").asText().matches("(un)?changed"));
            assertThat(told.get(told.size() - 1).data().get("state").asText()).isEqualTo("running");
            test.host.heal();
            told = client.until(event -> event.name().equals("server")
                    && event.data().get("status").asText().equals("decommissioned"));
            assertThat(told).extracting(Told::name).contains("operation", "server");
        }
    }

    @Test
    void aClientThatLeavesIsForgotten() throws IOException {
        connect().close();
        try (Client client = connect()) {
            test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
            client.until(event -> isUnit(event, "allocated"));
        }
    }

    @Test
    void aClientThatDoesNotReadIsDisconnectedAndHoldsBackNobody() throws IOException {
        EventStream events = new EventStream(test.kloigos, HttpSettings.loopback());
        Javalin server = serving(events).start("127.0.0.1", 0);
        try (Socket lazy = new Socket(InetAddress.getLoopbackAddress(), server.port());
                Client client = new Client(new ApiClient("http://127.0.0.1:" + server.port()).stream("/api/events"))) {
            lazy.setSoTimeout((int) Duration.ofSeconds(30).toMillis());
            lazy.getOutputStream()
                    .write("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(lazy.getInputStream().read()).isEqualTo('H');
            for (int number = 0; number < 40; number++) {
                String id = "operation-" + number;
                events.happened(new Event.OperationChanged(large(id)));
                client.until(event -> event.data().get("id").asText().equals(id));
            }
            assertThat(isCut(lazy.getInputStream())).isTrue();
        } finally {
            events.close();
            server.stop();
        }
    }

    /** Returns an ended operation of which the JSON has about a megabyte. */
    private static Operation large(String id) {
        return new Operation(
                id,
                Operation.Kind.INIT,
                "host1",
                null,
                Operation.State.SUCCEEDED,
                1,
                null,
                null,
                Instant.EPOCH,
                Instant.EPOCH,
                Instant.EPOCH,
                Collections.nCopies(10_000, new Operation.Step("x".repeat(50), Operation.StepState.CHANGED, 1, "")));
    }

    /** Reads to the end, which an endless stream has only if it was cut off. */
    private static boolean isCut(InputStream in) {
        try {
            byte[] buffer = new byte[1 << 16];
            int read = in.read(buffer);
            while (read >= 0) {
                read = in.read(buffer);
            }
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private Javalin serving(EventStream events) {
        Gate gate = new Gate(
                test.kloigos,
                HttpSettings.loopback(),
                new Metrics(new Readiness(test.kloigos, InstantSource.system())),
                InstantSource.system());
        return Javalin.create(config -> {
            gate.addTo(config.routes);
            config.routes.get("/api/events", context -> events.serve(context, gate));
        });
    }

    @Test
    void aCommentShowsThatTheConnectionLives() throws IOException {
        try (EventStream events = new EventStream(test.kloigos, HttpSettings.loopback(), Duration.ofMillis(50))) {
            Javalin server = serving(events).start("127.0.0.1", 0);
            try (Client client = new Client(new ApiClient("http://127.0.0.1:" + server.port()).stream("/api/events"))) {
                assertThat(client.lines.lines().skip(1).limit(4)).containsExactly(": heartbeat", "", ": heartbeat", "");
            } finally {
                server.stop();
            }
        }
    }

    @Test
    void theStreamEndsWithTheServer() throws IOException {
        try (Client client = connect()) {
            test.server.drain();
            assertThat(client.lines.read()).satisfies(next -> assertThat(next).isIn(-1, (int) '\n'));
        }
    }
}
