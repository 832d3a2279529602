package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Path;
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

/** What is changed of a unit while a tenant has it, on a real Debian 12 host. */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TenancyIT {
    private static final String UNIT = "host1_4-7";
    private static final String SLICE = "/sys/fs/cgroup/user.slice/user-20000.slice/";
    private static final String OTHER_KEY =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f other";
    private static final String LIMITS =
            "cd " + SLICE + " && cat memory.max memory.high memory.swap.max pids.max io.max";

    private Lab lab;
    private ServerProcess server;
    private String limitsAtFirst;

    @BeforeAll
    void allocate(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        server = ServerProcess.start(directory.resolve("kloigos.db"), lab);
        server.succeeded(server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host1", "region": "lab", "zone": "a", "ssh_port": %d,
                         "cpu_ranges": ["4-7", "8-11"], "data_disks": ["/dev/vdb"],
                         "limits": {"memory_max": "512M", "disk_max": "120M", "data_max": "80M", "inodes_max": 25000,
                                    "tasks_max": 300, "io": [{"device": "/dev/vdb", "write_bytes": "64M"}]}}
                        """.formatted(lab.port()))
                .expect(200)
                .operation());
        allocateAgain();
        limitsAtFirst = lab.root(LIMITS).ok();
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private void allocateAgain() {
        server.post(
                        "/compute_units/allocate",
                        "{\"cpu_count\": 4, \"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200);
    }

    private Answer change(String method, String what, String body) {
        return server.send(method, "/compute_units/" + UNIT + "/" + what, body);
    }

    private String asTenant(String script) {
        return lab.ssh("u4-7", script).ok();
    }

    private boolean tenantGetsIn() {
        return lab.ssh("u4-7", "true").exit() == 0;
    }

    private String running() {
        return lab.root("pgrep -u u4-7 -a | sed 's/^[0-9]* //' | sort").ok();
    }

    @Test
    @Order(10)
    void oldKeysLetNobodyInAndWhoeverIsLoggedInStays() {
        asTenant("setsid sleep 98765 > /dev/null 2>&1 < /dev/null &");
        change("PUT", "ssh_keys", "{\"ssh_public_keys\": [\"" + OTHER_KEY + "\"]}")
                .expect(200);

        assertThat(lab.root("cat /etc/kloigos/keys/u4-7").ok()).isEqualTo(OTHER_KEY);
        assertThat(tenantGetsIn()).isFalse();
        assertThat(running()).contains("sleep 98765");

        change("PUT", "ssh_keys", "{\"ssh_public_keys\": [\"" + OTHER_KEY + "\", \"" + lab.publicKey() + "\"]}")
                .expect(200);
        assertThat(tenantGetsIn()).isTrue();
    }

    @Test
    @Order(20)
    void aResizeHoldsAtOnceForWhatRuns() {
        JsonNode limits = change("PATCH", "limits", """
                        {"memory_max": "768M", "swap_max": "0", "tasks_max": 400, "disk_max": "150M", "data_max": "100M",
                         "io": [{"device": "/dev/vda", "read_bytes": "32M"}]}""").expect(200).body().get("limits");

        assertThat(limits.get("memory_max").asLong()).isEqualTo(768L << 20);
        assertThat(lab.root(LIMITS).ok())
                .isEqualTo("805306368\n754974720\n0\n400\n"
                        + lab.root("lsblk -dno MAJ:MIN /dev/vda | tr -d ' '").ok()
                        + " rbps=33554432 wbps=max riops=max wiops=max");
        assertThat(asTenant("df --output=size -BM ~ /mnt/c4-7 | tail -n +2 | tr -d ' '"))
                .isEqualTo("150M\n100M");
        assertThat(running()).contains("sleep 98765");
        lab.root("systemctl daemon-reload").ok();
        assertThat(lab.root("cat " + SLICE + "memory.max " + SLICE + "pids.max").ok())
                .isEqualTo("805306368\n400");
    }

    @Test
    @Order(30)
    void aUnitIsNotShrunkBelowWhatItsTenantUses() {
        asTenant("dd if=/dev/zero of=/mnt/c4-7/file bs=1M count=60 conv=fsync 2> /dev/null;"
                + " dd if=/dev/zero of=/dev/shm/held bs=1M count=200 2> /dev/null");
        Answer refused = change("PATCH", "limits", "{\"data_max\": \"40M\", \"memory_max\": \"128M\"}")
                .expect(409);

        assertThat(refused.body().get("detail").asText())
                .contains("stores 6", "/var/lib/kloigos/data0, more than 40M", "of memory, more than 128M");
        asTenant("rm /mnt/c4-7/file /dev/shm/held");
    }

    @Test
    @Order(40)
    void nothingOfAStoppedUnitRuns() {
        asTenant("""
                mkdir -p ~/.config/systemd/user
                printf '[Service]\\nExecStart=/bin/sleep 87654\\n[Install]\\nWantedBy=default.target\\n' \\
                  > ~/.config/systemd/user/job.service
                systemctl --user daemon-reload && systemctl --user -q enable --now job.service
                echo '* * * * * touch ~/cron.ran' | crontab -
                """);
        change("POST", "stop", "").expect(200);
        assertThat(running()).isEmpty();
        assertThat(tenantGetsIn()).isFalse();
        assertThat(lab.root("ls -d " + SLICE + " 2> /dev/null | wc -l; systemctl is-system-running")
                        .ok())
                .isEqualTo("0\nrunning");
    }

    @Test
    @Tag("thorough")
    @Order(45)
    void aBootStartsNothingOfAStoppedUnit() {
        lab.root("rm -f /home/u4-7/cron.ran").ok();
        lab.reboot();

        assertThat(running()).isEmpty();
        assertThat(tenantGetsIn()).isFalse();
        // Two minutes by cron's own record: it looked at the job, and did not run it.
        lab.root("timeout 300 sh -c 'until journalctl -b -u cron | grep -qi -e expired -e \"u4-7.*Account\";"
                        + " do sleep 1; done'")
                .ok();
        assertThat(lab.root("ls /home/u4-7/cron.ran 2> /dev/null | wc -l").ok()).isEqualTo("0");
    }

    @Test
    @Order(50)
    void aStartedUnitIsAsItWasWithItsResizedLimitsAndServices() {
        JsonNode unit = change("POST", "start", "").expect(200).body();

        assertThat(unit.get("stopped").asBoolean()).isFalse();
        assertThat(
                        asTenant(
                                "systemctl --user is-system-running --wait; systemctl --user is-active job.service; crontab -l"))
                .isEqualTo("running\nactive\n* * * * * touch ~/cron.ran");
        assertThat(lab.root("cat " + SLICE + "memory.max " + SLICE + "pids.max " + SLICE + "cpuset.cpus.effective")
                        .ok())
                .isEqualTo("805306368\n400\n4-7");
    }

    @Test
    @Order(60)
    void theNextTenantHasTheLimitsOfInit() {
        change("POST", "stop", "").expect(200);
        server.succeeded(
                server.delete("/compute_units/deallocate/" + UNIT).expect(200).operation());
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
        allocateAgain();

        assertThat(lab.root(LIMITS).ok()).isEqualTo(limitsAtFirst);
        assertThat(asTenant("df --output=size -BM ~ /mnt/c4-7 | tail -n +2 | tr -d ' '"))
                .isEqualTo("120M\n80M");
        assertThat(lab.root("ls -d /run/systemd/system.control/user-20000.slice.d 2> /dev/null | wc -l")
                        .ok())
                .isEqualTo("0");
    }

    @Test
    @Order(65)
    void dataGoesThoughSomebodyUnmountedIt() {
        for (String hide : List.of("umount -l /mnt/c4-7", "umount -l /mnt/c4-7 /mnt/c8-11 /var/lib/kloigos/data0")) {
            asTenant("echo secret-of-the-tenant > /mnt/c4-7/secret && sync -f /mnt/c4-7");
            lab.root(hide + " && ! ls /mnt/c4-7/secret").ok();

            server.succeeded(server.delete("/compute_units/deallocate/" + UNIT)
                    .expect(200)
                    .operation());
            allocateAgain();

            assertThat(asTenant("findmnt -no SOURCE /mnt/c4-7; ls -A /mnt/c4-7"))
                    .as("what the next tenant finds after %s", hide)
                    .isEqualTo("/dev/vdb[/c4-7]");
            assertThat(lab.root("ls -A /var/lib/kloigos/data0/c4-7").ok()).isEmpty();
        }
    }

    @Test
    @Order(70)
    void aDecommissionedHostKeepsNothingThatWasSetWhileItRan() {
        change("PATCH", "limits", "{\"tasks_max\": 350}").expect(200);
        server.succeeded(server.delete("/admin/decommission_server/host1?force=true")
                .expect(200)
                .operation());

        assertThat(lab.root("ls /run/systemd/system.control | grep -c -e user- -e system.slice -e init.scope")
                        .out()
                        .strip())
                .isEqualTo("0");
    }
}
