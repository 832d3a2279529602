package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command as a process of its own. */
@Timeout(120)
class ServeCommandIT {
    private static final String ALLOCATE = """
            {"cpu_count": 16, "tags": {}, "ssh_public_key":
             "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant"}""";

    @TempDir
    private Path directory;

    private final List<Process> processes = new ArrayList<>();

    /** How a process ended. */
    private record End(int status, String out, List<String> errors) {}

    @AfterEach
    void endAll() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "io.kloigos.command.KloigosCommand"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectError(directory.resolve("errors").toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("KLOIGOS_"));
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private End end(Process process) throws IOException, InterruptedException {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new End(process.exitValue(), out, Files.readAllLines(directory.resolve("errors")));
    }

    private Path key() throws IOException {
        return Files.writeString(directory.resolve("key"), "no key, but nobody looks at it before a host is reached");
    }

    @Test
    void servesUntilItIsTerminated() throws Exception {
        Files.writeString(directory.resolve("kloigos.yaml"), "listen: 127.0.0.1:0\nssh_key: " + key() + "\n");
        Process process = start("serve");
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String ready = out.readLine();
        assertThat(ready).matches("Kloigos listens on http://127\\.0\\.0\\.1:[1-9]\\d+");
        ApiClient api = new ApiClient(ready.substring(ready.indexOf("http")));
        assertThat(api.get("/healthz").expect(200).text()).isEqualTo("{\"status\":\"ok\"}");
        assertThat(directory.resolve("kloigos.db")).exists();
        try (BufferedReader events =
                new BufferedReader(new InputStreamReader(api.stream("/api/events"), StandardCharsets.UTF_8))) {
            assertThat(events.readLine()).startsWith("retry:");
            // Of the process itself, destroy() would close the streams as well.
            process.toHandle().destroy();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(process.exitValue()).isZero();
        assertThat(out.readLine()).isNull();
        assertThat(Files.readString(directory.resolve("errors"))).doesNotContain("Exception", "WARN", "ERROR");
    }

    @Test
    void servesASimulatedFleetAndSaysSoEverywhere() throws Exception {
        String[] serve = {
            "serve", "--driver", "fake", "--fleet", "7x64x16", "--listen", "127.0.0.1:0", "--database", "fleet.db"
        };
        Process first = start(serve);
        ApiClient api = simulated(first);
        assertThat(api.get("/healthz").expect(200).text()).isEqualTo("{\"simulated\":true,\"status\":\"ok\"}");
        JsonNode servers = api.get("/api/servers").expect(200).body();
        assertThat(servers).hasSize(7).allSatisfy(server -> {
            assertThat(server.get("simulated").asBoolean()).isTrue();
            assertThat(server.get("status").asText()).isEqualTo("ready");
            assertThat(server.get("ip").asText()).startsWith("198.18.0.");
        });
        assertThat(servers.findValuesAsText("hostname")).startsWith("eu-a-001", "eu-a-002", "eu-b-001");
        assertThat(api.get("/api/compute_units?status=free").expect(200).body()).hasSize(28);
        JsonNode unit =
                api.post("/api/compute_units/allocate", ALLOCATE).expect(200).body();
        first.toHandle().destroy();
        assertThat(first.waitFor()).isZero();

        // The hosts were in the first process' memory only.
        ApiClient again = simulated(start(serve));
        String id = unit.get("compute_id").asText();
        assertThat(again.get("/api/compute_units/" + id).expect(200).body()).isEqualTo(unit);
        assertThat(again.get("/api/compute_units?status=free").expect(200).body())
                .hasSize(27);
        again.delete("/api/compute_units/deallocate/" + id).expect(200);
        await().untilAsserted(() ->
                assertThat(again.get("/api/compute_units?status=free").body()).hasSize(28));
    }

    private static ApiClient simulated(Process process) throws IOException {
        String ready = process.inputReader(StandardCharsets.UTF_8).readLine();
        assertThat(ready).matches("Kloigos \\(simulated fleet\\) listens on http://127\\.0\\.0\\.1:[1-9]\\d+");
        return new ApiClient(ready.substring(ready.indexOf("http")));
    }

    @Test
    void aDatabaseOfOtherHostsIsNoSimulatedFleet() throws Exception {
        Process first =
                start("serve", "--driver", "fake", "--fleet", "2x16x4", "--listen", "127.0.0.1:0", "--database", "db");
        simulated(first);
        first.toHandle().destroy();
        assertThat(first.waitFor()).isZero();
        End refused = end(start("serve", "--driver", "fake", "--fleet", "2x32x4", "--database", "db"));
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.errors())
                .filteredOn(line -> line.startsWith("kloigos: "))
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .contains("it holds eu-a-001 (198.18.0.1) with 16 CPUs", "--database", "--fleet"));
    }

    @Test
    void theFirstTokenIsMadeByTheCommandAndOthersMayReachTheServerThen() throws Exception {
        String[] serve = {"serve", "--driver", "fake", "--fleet", "1x16x4", "--listen", "0.0.0.0:0", "--database", "db"
        };
        End refused = end(start(serve));
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.errors()).last().asString().contains("without authentication", "kloigos token create");
        assertThat(end(start("token", "list", "--database", "none")).errors())
                .last()
                .asString()
                .contains("There is no database");

        End made = end(start("token", "create", "ann", "--role", "admin", "--database", "db"));
        assertThat(made.status()).isZero();
        String token = made.out().strip();
        assertThat(token).matches("kloigos_[0-9a-f]{16}_[A-Za-z0-9_-]{43}");
        String ready = start(serve).inputReader(StandardCharsets.UTF_8).readLine();
        assertThat(ready).startsWith("Kloigos (simulated fleet) listens on http://0.0.0.0:");
        ApiClient api = new ApiClient("http://127.0.0.1:" + ready.substring(ready.lastIndexOf(':') + 1));
        api.get("/api/servers").expect(401);
        api.withToken(token).get("/api/servers").expect(200);

        // Beside the server that has the file open.
        End second = end(start(
                "token",
                "create",
                "acme",
                "--role",
                "tenant",
                "--tenant",
                "acme",
                "--expires",
                "90d",
                "--database",
                "db"));
        ApiClient acme = api.withToken(second.out().strip());
        acme.get("/api/compute_units").expect(200);
        assertThat(end(start("token", "list", "--database", "db")).out().lines())
                .hasSize(3)
                .anyMatch(line -> line.contains("acme") && line.endsWith("valid"));
        assertThat(end(start("token", "revoke", "acme", "--database", "db")).status())
                .isZero();
        acme.get("/api/compute_units").expect(401);
        assertThat(api.withToken(token)
                        .get("/api/audit?action=revokeToken")
                        .expect(200)
                        .text())
                .contains("\"who\":\"command:", "\"name\":\"acme\"", "\"state\":\"valid\"", "\"state\":\"revoked\"");
        assertThat(end(start("token", "create", "x", "--role", "root", "--database", "db")))
                .satisfies(end -> {
                    assertThat(end.status()).isEqualTo(2);
                    assertThat(end.errors()).last().asString().contains("admin, operator, tenant, read-only");
                });
    }

    @Test
    void refusesWhatItDoesNotKnowWithAllFaultsAtOnce() throws Exception {
        Files.writeString(directory.resolve("kloigos.yaml"), "listne: 127.0.0.1:0\n");
        End end = end(start("serve", "--databse", "x", "--ssh-port", "0"));
        assertThat(end.status()).isEqualTo(2);
        assertThat(end.out()).isEmpty();
        assertThat(end.errors())
                .hasSize(3)
                .allMatch(line -> line.startsWith("kloigos: "))
                .anyMatch(line -> line.contains("did you mean \"--database\"?"));
    }

    @Test
    void saysInOneLineWhatToDoWhereItCannotStart() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + taken.getLocalPort();
            assertFails(end(start("serve", "--listen", address, "--ssh-key", key().toString())), "--listen");
        }
        assertFails(end(start("serve", "--ssh-key", "none")), "--ssh-key");
        assertFails(end(start("serve", "--ssh-key", key().toString(), "--known-hosts", "none")), "--known-hosts");
        assertFails(
                end(start("serve", "--ssh-key", key().toString(), "--database", "none/kloigos.db")), "none/kloigos.db");
    }

    private static void assertFails(End end, String hint) {
        assertThat(end.status()).isEqualTo(1);
        assertThat(end.out()).isEmpty();
        assertThat(end.errors())
                .singleElement()
                .satisfies(
                        line -> assertThat(line).startsWith("kloigos: Cannot ").contains(hint));
    }

    @Test
    void helpsAndTellsItsVersion() throws Exception {
        assertThat(end(start("--version"))).satisfies(end -> {
            assertThat(end.status()).isZero();
            assertThat(end.out()).startsWith("kloigos ");
        });
        assertThat(end(start("serve", "--help")).out()).contains("--listen", "--known-hosts", "KLOIGOS_SSH_PORT");
        assertThat(end(start()).status()).isEqualTo(2);
        assertThat(end(start("sevre"))).satisfies(end -> {
            assertThat(end.status()).isEqualTo(2);
            assertThat(end.errors())
                    .containsExactly("kloigos: sevre: there is no such command or option; did you mean \"serve\"?");
        });
    }

    @Test
    void severalServersShareAPostgresDatabase() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start()) {
            String[] serve = {
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--ssh-key",
                key().toString(),
                "--database",
                postgres.getJdbcUrl("postgres", "postgres")
            };
            ApiClient one = serving(start(serve));
            ApiClient other = serving(start(serve));

            assertThat(one.get("/api/servers").expect(200).body()).isEmpty();
            assertThat(other.get("/api/servers").expect(200).body()).isEmpty();
        }
    }

    private static ApiClient serving(Process process) throws IOException {
        String ready = process.inputReader(StandardCharsets.UTF_8).readLine();
        assertThat(ready).startsWith("Kloigos listens on ");
        return new ApiClient(ready.substring(ready.indexOf("http")));
    }

    @Test
    void saysThatAPostgresDatabaseIsOutOfReachWithoutItsPassword() throws Exception {
        End end = end(start("serve", "--database", "jdbc:postgresql://127.0.0.1:1/kloigos?user=k&password=secret"));
        assertThat(end.status()).isEqualTo(1);
        assertThat(String.join("\n", end.errors()))
                .contains("Cannot connect to jdbc:postgresql://127.0.0.1:1/kloigos: ")
                .doesNotContain("secret");
    }

    @Test
    void aSecondServerOnAFileIsRefused() throws Exception {
        String[] serve = {"serve", "--listen", "127.0.0.1:0", "--ssh-key", key().toString()};
        serving(start(serve));

        End refused = end(start(serve));
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.errors()).last().asString().contains("kloigos.db: another Kloigos has it open");
    }
}
