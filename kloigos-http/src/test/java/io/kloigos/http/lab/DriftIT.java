package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
    private static final String SLICE = "/sys/fs/cgroup/user.slice/user-20000.slice/";

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

    /** Returns the deviations as drift.sh names what it plants. */
    private List<String> found() {
        List<String> found = new ArrayList<>();
        for (JsonNode deviation : look().get("deviations")) {
            found.add(deviation.get("kind").asText() + " "
                    + deviation.path("compute_id").asText("-").replace("null", "-") + " "
                    + deviation.get("subject").asText());
        }
        return found;
    }

    /** What Kloigos says of itself is not the proof: the host's own tools find everything as it was. */
    @Test
    @Order(20)
    void whateverWasChangedIsFoundAndMendedInOnePass() {
        lab.ssh("u4-7", "systemd-run --user -q --unit work sleep infinity").ok();
        String before = lab.root(Scripts.read("drift-state.sh")).ok();
        List<String> planted = lab.root(Scripts.read("drift.sh")).ok().lines().toList();
        assertThat(lab.root(Scripts.read("drift-state.sh")).out()).isNotEqualTo(before);

        assertThat(planted).hasSizeGreaterThanOrEqualTo(LEAST_CHANGES).doesNotHaveDuplicates();
        assertThat(found()).containsAll(planted);
        repair();

        assertThat(found()).isEmpty();
        assertThat(lab.root(Scripts.read("drift-state.sh")).ok()).isEqualTo(before);
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

    @Test
    @Order(40)
    void whatElseIsWrongIsMendedWhileACpuOfTheUnitIsOffline() {
        lab.root("echo 0 > /sys/devices/system/cpu/cpu7/online; echo max > " + SLICE + "pids.max")
                .ok();

        assertThat(found())
                .containsExactlyInAnyOrder(
                        "online_cpus - /sys/devices/system/cpu/online",
                        "unit_cpus host1_4-7 /sys/devices/system/cpu/online",
                        "tasks_max host1_4-7 " + SLICE + "pids.max");
        repair();
        assertThat(lab.root("cat " + SLICE + "pids.max").ok()).isEqualTo("300");
        assertThat(found())
                .containsExactlyInAnyOrder(
                        "online_cpus - /sys/devices/system/cpu/online",
                        "unit_cpus host1_4-7 /sys/devices/system/cpu/online");

        lab.root("echo 1 > /sys/devices/system/cpu/cpu7/online").ok();
        assertThat(found()).isEmpty();
    }
}
