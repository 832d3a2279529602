package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.model.Trace;
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

/** What Debian 13 adds: systemd refuses foreign binds; and one data disk a unit, XFS, units across nodes, a sudo login. */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TrixieIT {
    private static final String UNIT = "host2_4-9";
    private static final String SLICE = "/sys/fs/cgroup/user.slice/user-20000.slice/";

    private Lab lab;
    private ServerProcess server;

    @BeforeAll
    void startOnAPristineHost(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.TRIXIE);
        lab.restore();
        server = ServerProcess.start(directory.resolve("kloigos.db"), lab);
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
        if (lab != null) {
            lab.down();
        }
    }

    @Test
    @Order(10)
    void initOverSudoGivesEachUnitItsOwnDisk() {
        var answer =
                server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host2", "region": "lab", "zone": "b", "ssh_port": %d,
                         "ssh_user": "admin", "cpu_ranges": ["4-9", "10-15"],
                         "data_disks": [{"device": "/dev/vdb", "filesystem": "xfs"}, "/dev/vdc"],
                         "limits": {"disk_max": "100M", "data_max": "60M", "memory_max": "512M", "tasks_max": 200, "port_enforcement": "socket_bind"}}
                        """.formatted(lab.port())).expect(200);

        server.succeeded(answer.operation());
        JsonNode host = server.get("/servers/host2").body();
        assertThat(host.get("status").asText()).isEqualTo("ready");
        assertThat(host.get("warnings").findValuesAsText("type")).contains("numa_straddle");
        assertThat(lab.root("lsblk -rno NAME,FSTYPE /dev/vdb /dev/vdc").ok()).isEqualTo("vdb xfs\nvdc ext4");
    }

    @Test
    @Order(20)
    void aUnitAcrossNodesHasTheMemoryOfBoth() {
        JsonNode unit = server.post(
                        "/compute_units/allocate",
                        "{\"cpu_count\": 6, \"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200)
                .body();

        assertThat(unit.get("compute_id").asText()).isEqualTo(UNIT);
        assertThat(lab.root("cd " + SLICE + " && cat cpuset.cpus.effective cpuset.mems memory.max")
                        .ok())
                .isEqualTo("4-9\n0-1\n536870912");
        assertThat(lab.ssh("u4-9", "nproc; systemctl --user is-system-running --wait")
                        .ok())
                .isEqualTo("6\nrunning");
    }

    @Test
    @Order(30)
    void aForeignPortCannotEvenBeBound() {
        String bind = """
                import socket, sys
                for port in (2005, 2205, 8888, 40001):
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        try:
                            socket.socket(socket.AF_INET6, kind).bind(("::", port))
                            print(port, "bound")
                        except PermissionError:
                            print(port, "refused")
                """;

        assertThat(lab.ssh("u4-9", "python3 - <<'P'\n" + bind + "P\n").ok())
                .isEqualTo(
                        "2005 bound\n2005 bound\n2205 refused\n2205 refused\n8888 refused\n8888 refused\n40001 refused\n40001 refused");
    }

    @Test
    @Order(40)
    void theDiskLimitHoldsOnXfsAndOnTheSystemsDisk() {
        String attempt = """
                for directory in /mnt/c4-9 /opt/c4-9 /var/tmp; do
                  mkdir "$directory/fill" && cd "$directory/fill" || exit 1
                  chattr -p 0 . 2> /dev/null; : > file; chattr -p 0 file 2> /dev/null
                  if said=$(dd if=/dev/zero of=file bs=1M count=130 conv=fsync 2>&1); then echo ESCAPED
                  else case $said in *'quota exceeded'*|*'No space left'*) echo held ;; *) echo "$said" ;; esac; fi
                  cd / && rm -rf "$directory/fill"
                done
                """;

        assertThat(lab.ssh("u4-9", "df --output=size -BM /mnt/c4-9 | tail -n 1 | tr -d ' '")
                        .ok())
                .isEqualTo("60M");
        assertThat(lab.ssh("u4-9", attempt).ok()).isEqualTo("held\nheld\nheld");
    }

    @Test
    @Order(50)
    void whoTakesTooMuchMemoryDiesAlone() {
        String hog = """
                python3 -c 'x = bytearray(700 * 2**20); x[::4096] = b"1" * len(x[::4096])'; echo "exit $?"
                dd if=/dev/zero of=/tmp/fill bs=1M count=700 2> /dev/null; echo "exit $?"; rm -f /tmp/fill
                """;

        // a scope's default policy stops the shell too, before it can say how its program ended
        String said = lab.ssh(
                        "u4-9",
                        "systemd-run --user --scope -q -p OOMPolicy=continue sh -c " + quoted(hog) + " 2>&1 || true")
                .out();

        assertThat(said).contains("exit 137").doesNotContain("exit 0");
        assertThat(lab.root("systemctl is-system-running").out()).contains("running");
        assertThat(lab.root("cat " + SLICE + "memory.events | awk '$1 == \"oom_kill\" {print ($2 > 0)}'")
                        .ok())
                .isEqualTo("1");
    }

    private static String quoted(String script) {
        return "'" + script.replace("'", "'\\''") + "'";
    }

    @Test
    @Order(60)
    void aRebootBringsDisksAndLimitsBack() {
        lab.ssh("u4-9", "echo kept > /mnt/c4-9/file").ok();

        lab.reboot();

        assertThat(server.get("/servers/host2/drift").expect(200).body().get("deviations"))
                .isEmpty();
        assertThat(lab.ssh("u4-9", "cat /mnt/c4-9/file; df --output=size -BM /mnt/c4-9 | tail -n 1 | tr -d ' '")
                        .ok())
                .isEqualTo("kept\n60M");
        assertThat(lab.root("cat " + SLICE + "cpuset.cpus.effective").ok()).isEqualTo("4-9");
        assertThat(lab.ssh("u4-9", "python3 -c 'import socket; socket.socket().bind((\"\", 2205))' 2>&1 | tail -n 1")
                        .ok())
                .contains("Operation not permitted");
    }

    @Test
    @Order(70)
    void deallocationLeavesNothingOnTheUnitsOwnDisk() {
        assertThat(lab.ssh("u4-9", Scripts.withArguments("hostile.sh", "c4-9")).ok())
                .endsWith("planted");
        lab.root(Scripts.withArguments("leave.sh", "u4-9", "20000")).ok();
        lab.root(Scripts.read("let-go.sh")).ok();

        server.succeeded(
                server.delete("/compute_units/deallocate/" + UNIT).expect(200).operation());

        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-9", "20000")).ok())
                .isEmpty();
        assertThat(server.unit(UNIT).get("status").asText()).isEqualTo("free");
        JsonNode certificate = server.get("/compute_units/" + UNIT + "/certificate")
                .expect(200)
                .body();
        assertThat(certificate.get("clean").asBoolean()).as("%s", certificate).isTrue();
        assertThat(certificate.get("findings")).hasSize(Trace.values().length);
    }

    @Test
    @Order(80)
    void decommissionWipesDataDisksWhenAsked() {
        server.succeeded(server.delete("/admin/decommission_server/host2?wipe_data_disks=true")
                .expect(200)
                .operation());

        assertThat(lab.root(
                                "blkid /dev/vdb /dev/vdc; ls /etc/kloigos /var/lib/kloigos 2>&1 | grep -vc 'No such file'; true")
                        .ok())
                .isEqualTo("0");
    }

    @Test
    @Order(90)
    void unitsMayHaveEveryCpuWithAWarning() {
        server.succeeded(server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host2", "region": "lab", "zone": "b", "ssh_port": %d,
                         "cpu_ranges": ["0-7", "8-15"]}
                        """.formatted(lab.port()))
                .expect(200)
                .operation());

        JsonNode host = server.get("/servers/host2").body();
        assertThat(host.get("warnings").findValuesAsText("type")).contains("no_housekeeping_cpus");
        assertThat(host.get("housekeeping_cpus").asText()).isEmpty();
        server.succeeded(
                server.delete("/admin/decommission_server/host2").expect(200).operation());
    }
}
