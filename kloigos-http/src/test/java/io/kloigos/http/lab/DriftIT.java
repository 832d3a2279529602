package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Path;
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

/** What somebody else changed on a real Debian 12 host is found, and mended in one pass beside a tenant at work. */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DriftIT {
    private static final int LEAST_CHANGES = 25;
    private static final int LEAST_FACTS_A_UNIT = 25;

    private Lab lab;
    private ServerProcess server;

    @BeforeAll
    void allocate(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        server = ServerProcess.start(directory.resolve("kloigos.db"), lab);
        server.succeeded(server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host1", "region": "lab", "zone": "a", "ssh_port": %d,
                         "cpu_ranges": ["4-7", "8-11"], "data_disks": ["/dev/vdb"],
                         "limits": {"memory_max": "512M", "disk_max": "120M", "data_max": "80M", "tasks_max": 300,
                                    "io": [{"device": "/dev/vdb", "write_bytes": "64M"}]}}
                        """.formatted(lab.port()))
                .expect(200)
                .operation());
        server.post(
                        "/compute_units/allocate",
                        "{\"cpu_count\": 4, \"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200);
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private JsonNode look() {
        return server.get("/servers/host1/drift").expect(200).body();
    }

    private void repair() {
        server.succeeded(server.post("/servers/host1/repair", "").expect(200).operation());
    }

    @Test
    @Order(10)
    void aHostThatNobodyTouchedDoesNotDiffer() {
        JsonNode found = look();

        assertThat(found.get("deviations")).isEmpty();
        assertThat(found.get("facts").asInt()).isGreaterThan(2 * LEAST_FACTS_A_UNIT);
    }

    @Test
    @Order(20)
    void whateverWasChangedIsFoundAndMendedInOnePass() {
        lab.ssh("u4-7", "systemd-run --user -q --unit work sleep infinity").ok();
        int changes = Integer.parseInt(lab.root(Scripts.read("drift.sh")).ok());

        JsonNode found = look().get("deviations");
        assertThat(changes).isGreaterThanOrEqualTo(LEAST_CHANGES);
        assertThat(found).hasSizeGreaterThanOrEqualTo(changes);
        repair();

        assertThat(look().get("deviations")).isEmpty();
        assertThat(lab.ssh("u4-7", "systemctl --user is-active work; nproc").ok())
                .as("what the tenant runs goes on, where it may")
                .isEqualTo("active\n4");
    }

    @Test
    @Order(30)
    void whoListensOnForeignPortsIsFoundAndEnded() {
        lab.ssh("u4-7", Scripts.install("squat.py", "squat.py") + """
                        systemd-run --user -q --unit squat python3 squat.py
                        until [ -e listening ]; do sleep 0.2; done
                        """).ok();

        JsonNode found = look().get("deviations");
        assertThat(found).hasSize(1);
        assertThat(found.get(0).get("kind").asText()).isEqualTo("foreign_ports");
        assertThat(found.get(0).get("actual").asText())
                .contains("tcp 2205 ", "udp 2210 ")
                .doesNotContain("2005");
        repair();

        assertThat(look().get("deviations")).isEmpty();
    }
}
