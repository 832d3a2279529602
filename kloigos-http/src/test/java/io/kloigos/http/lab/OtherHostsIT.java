package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
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

/**
 * A Debian 12 host that its operator uses already: rules of their own, Docker, firewalld, /home and /opt on XFS, and a volume group
 * of which units get volumes.
 */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class OtherHostsIT {
    private static final String VOLUME = "/dev/vg-data/kloigos-c4-7";

    private Lab lab;
    private ServerProcess server;
    private String volumes;
    private String rules;

    @BeforeAll
    void startOnAHostThatIsInUse(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        lab.root(Scripts.read("operator.sh")).ok();
        server = ServerProcess.start(directory.resolve("kloigos.db"), lab);
        volumes = volumes();
        rules = rulesOfOthers();
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private Answer init(String volumeGroup) {
        return server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host1", "region": "lab", "zone": "a", "ssh_port": %d,
                         "cpu_ranges": ["4-7"], "volume_group": {"name": "%s", "volume_size": "130M"},
                         "limits": {"memory_max": "512M", "disk_max": "40M", "data_max": "60M", "tasks_max": 300}}
                        """.formatted(lab.port(), volumeGroup));
    }

    private String volumes() {
        return lab.root("lvs --noheadings -o lv_name,lv_size vg-data").ok();
    }

    private String rulesOfOthers() {
        return lab.root(Scripts.read("rules-of-others.sh")).ok();
    }

    /** Returns what root reads from these ports of the host, each a line. */
    private String read(String... addresses) {
        return lab.root("""
                        for address; do
                          socat -T5 -u "TCP:$address,connect-timeout=3" - 2>/dev/null || echo closed
                        done
                        """, addresses).ok();
    }

    private JsonNode deviations() {
        return server.get("/servers/host1/drift").expect(200).body().get("deviations");
    }

    @Test
    @Order(10)
    void whatIsMissingIsSaidAtOnceAndHowToMendIt() {
        JsonNode faults = init("vg-none").expect(422).body().get("detail");

        assertThat(faults.findValuesAsText("msg"))
                .satisfiesExactlyInAnyOrder(
                        message -> assertThat(message)
                                .startsWith("size limits of /home cannot be enforced: /dev/mapper/vg--data-home (xfs)")
                                .contains("mount it anew with uquota,pquota"),
                        message -> assertThat(message)
                                .startsWith("size limits of /opt cannot be enforced")
                                .contains("mount it anew with uquota,pquota"),
                        message -> assertThat(message)
                                .isEqualTo("vg-none is not a volume group of this host; it has vg-data"));

        lab.root("""
                        for name in home opt; do
                          umount /$name
                          mount -o uquota,pquota /dev/vg-data/$name /$name
                        done
                        """).ok();
    }

    @Test
    @Order(20)
    void aUnitIsMadeAndHandedOutBesideWhatTheOperatorRuns() {
        server.succeeded(init("vg-data").expect(200).operation());
        server.post(
                        "/compute_units/allocate",
                        "{\"cpu_count\": 4, \"tags\": null, \"ssh_public_key\": \"" + lab.publicKey() + "\"}")
                .expect(200);

        assertThat(rulesOfOthers()).isEqualTo(rules).contains("table inet operator", "chain DOCKER");
        assertThat(read("127.0.0.1:8080", "10.0.2.15:8080", "127.0.0.1:7777"))
                .as("Docker's proxy, Docker's address translation, a port that the operator closed")
                .isEqualTo("hello\nhello\nclosed");
        assertThat(lab.root("cat /sys/fs/cgroup/system.slice/docker-*.scope/cpuset.cpus.effective")
                        .ok())
                .as("containers are of the system")
                .isEqualTo("0-3,8-15");
        assertThat(deviations()).isEmpty();
    }

    @Test
    @Order(30)
    void aUnitIsHeldOnXfsAndOnAVolumeOfItsOwn() {
        assertThat(volumes()).contains("kloigos-c4-7 128.00m");
        assertThat(lab.ssh("u4-7", """
                        for directory in ~ /opt/c4-7 /mnt/c4-7; do
                          head -c 90M /dev/zero > $directory/full 2> /dev/null || true
                          echo $(stat -c %s $directory/full) $(df --output=source,fstype,size -m $directory | tail -n 1)
                          rm $directory/full
                        done
                        """).ok())
                .as("what could be stored, and what df shows")
                .matches("""
                        4[01]\\d{6} /dev/mapper/vg--data-home xfs 40
                        4[01]\\d{6} /dev/mapper/vg--data-opt xfs 40
                        6[12]\\d{6} /dev/mapper/vg--data-kloigos--c4--7 ext4 60""");
    }

    @Test
    @Order(40)
    void firewalldTakesOverAndPortsStayTheUnits() {
        lab.ssh("u4-7", """
                        systemd-run --user -q socat -U TCP-LISTEN:2005,fork,reuseaddr EXEC:whoami
                        systemd-run --user -q socat -U TCP-LISTEN:3005,fork,reuseaddr EXEC:whoami
                        """).ok();

        lab.root("systemctl start firewalld; systemctl is-active -q nftables && exit 1; true")
                .ok();
        assertThat(read("127.0.0.1:3005")).isEqualTo("closed");
        lab.root("firewall-cmd --reload").ok();

        assertThat(read("127.0.0.1:2005", "127.0.0.1:3005")).isEqualTo("u4-7\nclosed");
        rules = rulesOfOthers();
        assertThat(rules).contains("table inet firewalld");
    }

    @Test
    @Order(50)
    void nothingOfATenantIsLeftOnTheVolumeThoughSomebodyHoldsIt() {
        lab.root("systemd-run -q --unit holder --uid admin unshare --user --mount sleep infinity")
                .ok();
        lab.ssh("u4-7", "yes secret-of-the-tenant | head -n 100000 > /mnt/c4-7/secret; sync -f /mnt/c4-7")
                .ok();
        String look = "echo 3 > /proc/sys/vm/drop_caches; grep -q -a secret-of-the-tenant " + VOLUME + "; echo $?";
        assertThat(lab.root(look).ok()).as("what was written is there").isEqualTo("0");

        server.succeeded(
                server.delete("/compute_units/deallocate/host1_4-7").expect(200).operation());

        assertThat(lab.root(look).ok()).as("nothing is left").isEqualTo("1");
        assertThat(lab.root("ls -A /mnt/c4-7").ok()).isEmpty();
    }

    @Test
    @Order(60)
    void aDecommissionLeavesWhatTheOperatorHas() {
        lab.root("systemctl stop holder").ok();
        server.succeeded(
                server.delete("/admin/decommission_server/host1").expect(200).operation());

        assertThat(volumes()).isEqualTo(volumes);
        assertThat(rulesOfOthers()).isEqualTo(rules);
        assertThat(lab.root(
                                "nft list tables; systemctl is-active firewalld; ls -A /etc/systemd/system/nftables.service.d 2>&1")
                        .out())
                .startsWith("table inet firewalld\nactive\n")
                .contains("No such file");
        assertThat(read("127.0.0.1:8080")).isEqualTo("hello");
        assertThat(lab.root("cat /sys/fs/cgroup/system.slice/docker-*.scope/cpuset.cpus.effective")
                        .ok())
                .isEqualTo("0-15");
        assertThat(lab.root("stat -f -c %T /home /opt; ls /home /opt").ok())
                .isEqualTo("xfs\nxfs\n/home:\nadmin\n\n/opt:");
    }
}
