package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.lab.Lab;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Plugs that are pulled while something is under way on a real host: the store and the host agree afterwards. */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class InterruptionIT {
    private static final String UNIT = "host3_4-7";

    private Lab lab;
    private CuttableLine line;
    private Path database;
    private ServerProcess server;

    @BeforeAll
    void startOnAPristineHost(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        line = new CuttableLine(lab.port());
        database = directory.resolve("kloigos.db");
        server = ServerProcess.start(database, lab);
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
        if (line != null) {
            line.close();
        }
    }

    private String init() {
        return server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host3", "region": "lab", "zone": "c", "ssh_port": %d,
                         "cpu_ranges": ["4-7", "8-11"], "data_disks": ["/dev/vdb"], "limits": {"tasks_max": 300}}
                        """.formatted(line.port()))
                .expect(200)
                .operation();
    }

    private static long done(JsonNode operation) {
        return StreamSupport.stream(operation.get("steps").spliterator(), false)
                .filter(step -> step.get("state").asText().matches("changed|unchanged"))
                .count();
    }

    private static Predicate<JsonNode> stepsDone(int least) {
        return operation -> done(operation) >= least;
    }

    private void killAndRestart() {
        server.kill9();
        server = ServerProcess.start(database, lab);
    }

    @Test
    @Order(10)
    void aServerKilledInMidInitFinishesItAfterARestart() {
        String operation = init();
        server.operation(operation, stepsDone(12));

        killAndRestart();

        server.succeeded(operation);
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("free");
        assertThat(lab.root(
                                "getent passwd u4-7 u8-11 | wc -l; stat -c %U /mnt/c4-7; nft list set inet kloigos own | grep -o '2000[01] [.]'")
                        .ok())
                .isEqualTo("2\nu4-7\n20000 .\n20001 .");
    }

    @Test
    @Order(20)
    void aServerKilledInMidAllocationFinishesItAfterARestart() {
        CompletableFuture<Answer> lost = CompletableFuture.supplyAsync(() -> server.post(
                "/compute_units/allocate",
                "{\"tags\": {\"deployment_id\": \"lost\"}, \"ssh_public_key\": \"" + lab.publicKey() + "\"}"));
        String operation = org.awaitility.Awaitility.await()
                .until(
                        () -> server.unit(UNIT),
                        unit -> unit.get("status").asText().equals("allocating"))
                .get("operation_id")
                .asText();

        killAndRestart();

        assertThatThrownBy(lost::join).hasMessageContaining("IOException");
        server.succeeded(operation);
        assertThat(server.get("/compute_units/?deployment_id=lost").body().findValuesAsText("status"))
                .containsExactly("allocated");
        assertThat(lab.ssh("u4-7", "nproc").ok()).isEqualTo("4");
    }

    @Test
    @Order(30)
    void aServerKilledInMidDeallocationFinishesItAfterARestart() {
        assertThat(lab.ssh("u4-7", Scripts.withArguments("hostile.sh", "c4-7")).ok())
                .endsWith("planted");
        String operation =
                server.delete("/compute_units/deallocate/" + UNIT).expect(200).operation();
        server.operation(operation, stepsDone(5));

        killAndRestart();

        server.succeeded(operation);
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("free");
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
    }

    @Test
    @Order(40)
    void aConnectionCutInMidPlanIsTakenUpWhereItWas() {
        server.post("/compute_units/allocate", "{\"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200);
        String operation =
                server.delete("/compute_units/deallocate/" + UNIT).expect(200).operation();
        server.operation(operation, stepsDone(4));

        line.cut();

        server.succeeded(operation);
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
    }

    /** How a deallocation is interrupted. */
    private enum Interruption {
        KILL,
        CUT
    }

    @ParameterizedTest
    @CsvSource({"KILL, 7", "CUT, 14", "KILL, 20"})
    @Order(42)
    void aDeallocationEndsCleanWhereItIsInterrupted(Interruption interruption, int step) {
        interruptADeallocation(interruption, step);
    }

    @ParameterizedTest
    @CsvSource({"KILL, 1", "CUT, 2", "CUT, 9", "KILL, 12", "KILL, 17", "CUT, 20", "KILL, 30", "CUT, 40"})
    @Tag("thorough")
    @Order(43)
    void aDeallocationEndsCleanWhereverItIsInterrupted(Interruption interruption, int step) {
        interruptADeallocation(interruption, step);
    }

    private void interruptADeallocation(Interruption interruption, int step) {
        server.post("/compute_units/allocate", "{\"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200);
        lab.ssh("u4-7", "touch /tmp/left; (setsid sleep 3600 > /dev/null 2>&1 &); echo '* * * * * true' | crontab -")
                .ok();
        String operation =
                server.delete("/compute_units/deallocate/" + UNIT).expect(200).operation();
        server.operation(operation, stepsDone(step));

        switch (interruption) {
            case KILL -> killAndRestart();
            case CUT -> line.cut();
        }

        server.succeeded(operation);
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("free");
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
    }

    @Test
    @Order(44)
    void aCancelledDeallocationIsQuarantinedUntilItIsRetried() {
        server.post("/compute_units/allocate", "{\"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200);
        String operation =
                server.delete("/compute_units/deallocate/" + UNIT).expect(200).operation();
        server.operation(operation, stepsDone(3));

        server.post("/operations/" + operation + "/cancel", "").expect(200);

        JsonNode ended = server.ended(operation);
        assertThat(ended.get("state").asText()).isEqualTo("cancelled");
        assertThat(done(ended)).isLessThan(ended.get("steps").size());
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("deallocation_fail");
        assertThat(server.unit(UNIT).get("reason").asText()).contains("cancelled after step");
        assertThat(lab.ssh("u4-7", "true").exit()).as("login meanwhile").isNotZero();
        server.post("/operations/" + operation + "/retry", "").expect(200);
        assertThat(server.succeeded(operation).get("attempt").asInt()).isEqualTo(2);
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("free");
    }

    @Test
    @Order(60)
    void aKilledServersOperationIsTakenOverByAnother(@TempDir Path directory) throws IOException {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start();
                ServerProcess one = onPostgres(postgres, directory.resolve("one.log"));
                ServerProcess other = onPostgres(postgres, directory.resolve("other.log"))) {
            one.succeeded(one.post("/admin/init_server", """
                            {"ip": "127.0.0.1", "hostname": "host3", "region": "lab", "zone": "c", "ssh_port": %d,
                             "cpu_ranges": ["4-7"]}
                            """.formatted(line.port()))
                    .expect(200)
                    .operation());
            other.post("/compute_units/allocate", "{\"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                    .expect(200);
            String operation =
                    one.delete("/compute_units/deallocate/" + UNIT).expect(200).operation();
            one.operation(operation, stepsDone(2));

            one.kill9();

            other.succeeded(operation);
            assertThat(other.unit(UNIT).get("status").asText()).isEqualTo("free");
            assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000"))
                            .ok())
                    .isEmpty();
            other.succeeded(
                    other.delete("/admin/decommission_server/host3").expect(200).operation());
        }
    }

    private ServerProcess onPostgres(EmbeddedPostgres postgres, Path log) {
        return ServerProcess.start(postgres.getJdbcUrl("postgres", "postgres"), log, lab);
    }

    @Test
    @Order(50)
    void aHostRebootedInMidDecommissionIsGivenBackAllTheSame() {
        String operation = server.delete("/admin/decommission_server/host3?wipe_data_disks=true")
                .expect(200)
                .operation();
        server.operation(operation, stepsDone(10));

        lab.reboot();

        JsonNode ended = server.ended(operation);
        if (ended.get("state").asText().equals("failed")) {
            // The host was away for longer than the driver waits: said so, and the operator repeats it.
            assertThat(ended.get("error_code").asText()).isEqualTo("host_unreachable");
            server.succeeded(server.delete("/admin/decommission_server/host3?wipe_data_disks=true")
                    .expect(200)
                    .operation());
        }
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("decommissioned");
        assertThat(lab.root(
                                "getent passwd u4-7; ls -d /etc/kloigos /opt/c4-7 2> /dev/null; nft list tables | grep kloigos; blkid /dev/vdb; true")
                        .ok())
                .isEmpty();
    }
}
