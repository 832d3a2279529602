package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
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

/** The life of a unit on a real Debian 12 host, from init to decommission, as operator and tenant see it. */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class UnitLifecycleIT {
    private static final String FIRST = "host1_4-7";
    private static final String SECOND = "host1_8-11";
    private static final String SLICE = "/sys/fs/cgroup/user.slice/user-20000.slice/";
    private static final String TREE =
            "find /etc /home /opt /mnt /srv /usr /root /var -xdev \\( -path /var/log -o -path /var/cache -o -path /var/tmp \\)"
                    + " -prune -o -printf '%y %m %u %g %p\\n' | LC_ALL=C sort";

    private Lab lab;
    private ServerProcess server;
    private String treeBefore;

    @BeforeAll
    void startOnAPristineHost(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        treeBefore = lab.root(TREE).ok();
        server = ServerProcess.start(directory.resolve("kloigos.db"), lab);
    }

    @AfterAll
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private String initRequest(String changes) {
        return """
                {"ip": "127.0.0.1", "hostname": "host1", "region": "lab", "zone": "a", "ssh_port": %d,
                 "cpu_ranges": ["4-7", "8-11", "12-15"], "data_disks": ["/dev/vdb"],
                 "limits": {"disk_max": "120M", "data_max": "80M", "inodes_max": 25000, "tasks_max": 300,
                            "io": [{"device": "/dev/vdb", "write_bytes": "64M", "read_bytes": "64M"}]}%s}
                """.formatted(lab.port(), changes);
    }

    private String allocateRequest() {
        return """
                {"cpu_count": 4, "tags": {"deployment_id": "web", "owners": ["ann", "bob"], "size": 3},
                 "ssh_public_key": "%s"}
                """.formatted(lab.publicKey());
    }

    private String asTenant(String user, String script) {
        return lab.ssh(user, script).ok();
    }

    @Test
    @Order(10)
    void aHostThatCannotHoldTheRequestIsRefusedWithEveryReasonAndLeftAlone() {
        var answer =
                server.post("/admin/init_server", """
                        {"ip": "127.0.0.1", "hostname": "host1", "region": "lab", "zone": "a", "ssh_port": %d,
                         "cpu_ranges": ["4-7", "14-17"], "housekeeping_cpus": "0,99", "data_disks": ["/dev/vda", "/dev/vdx"],
                         "limits": {"memory_max": "3G", "port_enforcement": "socket_bind",
                                    "io": [{"device": "/dev/sdz", "read_bytes": 1000}]}}
                        """.formatted(lab.port())).expect(422);

        assertThat(answer.body().findValuesAsText("type"))
                .contains("cpu_not_online", "disk_not_blank", "device_unknown", "socket_bind_unavailable");
        assertThat(server.get("/servers").body()).isEmpty();
        assertThat(lab.root(TREE).ok()).isEqualTo(treeBefore);
    }

    @Test
    @Order(20)
    void initTurnsUnitsFromInitializingToFree() {
        var answer = server.post("/admin/init_server", initRequest("")).expect(200);

        assertThat(answer.body()).isEmpty();
        assertThat(server.unit(FIRST).get("status").asText()).isEqualTo("initializing");
        JsonNode operation = server.succeeded(answer.operation());
        assertThat(operation.get("steps")).isNotEmpty();
        assertThat(server.get("/compute_units/?status=FREE").body().findValuesAsText("compute_id"))
                .containsExactly(FIRST, SECOND, "host1_12-15");
        assertThat(server.get("/servers/host1").body().get("housekeeping_cpus").asText())
                .isEqualTo("0-3");
        assertThat(server.post("/admin/init_server", initRequest("")).status()).isEqualTo(409);
    }

    @Test
    @Order(30)
    void anAllocatedUnitHasExactlyWhatWasPromised() {
        JsonNode unit = server.post("/compute_units/allocate", allocateRequest())
                .expect(200)
                .body();

        assertThat(unit.get("compute_id").asText()).isEqualTo(FIRST);
        assertThat(unit.get("status").asText()).isEqualTo("allocated");
        JsonNode limits = unit.get("limits");
        Map<String, String> kernel = new TreeMap<>();
        for (String file : List.of("cpuset.cpus.effective", "cpuset.mems", "memory.max", "memory.high", "pids.max")) {
            kernel.put(file, lab.root("cat " + SLICE + file).ok());
        }
        assertThat(kernel)
                .containsEntry("cpuset.cpus.effective", unit.get("cpu_range").asText())
                .containsEntry("cpuset.mems", "0")
                .containsEntry("memory.max", limits.get("memory_max").asText())
                .containsEntry("memory.high", limits.get("memory_high").asText())
                .containsEntry("pids.max", "300");
        assertThat(limits.get("memory_high").asLong())
                .isLessThan(limits.get("memory_max").asLong());
        assertThat(lab.root("cat " + SLICE + "io.max").ok()).contains("rbps=67108864 wbps=67108864");
        assertThat(asTenant("u4-7", "nproc")).isEqualTo("4");
        assertThat(asTenant("u4-7", "cat WELCOME.txt"))
                .contains(FIRST, "4-7", "2000 to 2199", "/opt/c4-7", "/mnt/c4-7", "120M", "80M", "300 processes");
        assertThat(asTenant("u4-7", "stat -c '%a %U' ~ /opt/c4-7 /mnt/c4-7")).isEqualTo("700 u4-7\n700 u4-7\n700 u4-7");
    }

    @Test
    @Order(40)
    void theTenantCannotLeaveItsCpusAndTheSystemKeepsOffThem() {
        assertThat(asTenant("u4-7", "taskset -pc 0-15 $$ > /dev/null; taskset -pc $$ | sed 's/.*: //'"))
                .isEqualTo("4-7");
        assertThat(asTenant("u4-7", "taskset -c 0 true 2> /dev/null && echo left || echo held"))
                .isEqualTo("held");
        assertThat(asTenant("u4-7", "echo 0-15 2> /dev/null > " + SLICE + "cpuset.cpus && echo left || echo held"))
                .isEqualTo("held");
        String outside = lab.root("""
                        for p in /proc/[0-9]*; do
                          cgroup=$(cat "$p/cgroup" 2> /dev/null) || continue
                          case $cgroup in
                            0::/system.slice*|0::/init.scope*|0::/user.slice/user-0.slice*)
                              cpus=$(sed -n 's/^Cpus_allowed_list:\\t//p' "$p/status")
                              [ "$cpus" = 0-3 ] || echo "$cpus $cgroup $(cat "$p/comm")" ;;
                          esac
                        done
                        echo looked
                        """).ok();
        assertThat(outside)
                .as("processes of the system and of root off the housekeeping CPUs")
                .isEqualTo("looked");
    }

    @Test
    @Order(50)
    void theUsersOwnSystemdWorks() {
        assertThat(asTenant("u4-7", """
                        systemctl --user is-system-running --wait
                        mkdir -p ~/.config/systemd/user
                        printf '[Service]\\nExecStart=/bin/sleep 1000000\\n[Install]\\nWantedBy=default.target\\n' \\
                          > ~/.config/systemd/user/job.service
                        systemctl --user daemon-reload
                        systemctl --user -q enable --now job.service
                        systemctl --user is-active job.service
                        taskset -pc "$(systemctl --user show -p MainPID --value job.service)" | sed 's/.*: //'
                        """)).isEqualTo("running\nactive\n4-7");
    }

    @Test
    @Order(60)
    void cronAndAtJobsStayInsideTheUnit() {
        asTenant("u4-7", """
                echo '* * * * * cat /proc/self/cgroup > ~/cron.cgroup' | crontab -
                echo 'cat /proc/self/cgroup > ~/at.cgroup' | at now 2> /dev/null
                """);
        String found = lab.root("""
                        for _ in $(seq 150); do
                          [ -s /home/u4-7/cron.cgroup ] && [ -s /home/u4-7/at.cgroup ] && break
                          sleep 1
                        done
                        cat /home/u4-7/cron.cgroup /home/u4-7/at.cgroup
                        """).ok();
        assertThat(found.lines())
                .hasSize(2)
                .allMatch(line -> line.startsWith("0::/user.slice/user-20000.slice/"), "in the slice");
        asTenant("u4-7", "crontab -r");
    }

    private static final List<String> ADDRESSES = List.of("10.99.0.1", "fd99::1");
    private static final List<String> LOOPBACK = List.of("127.0.0.1", "::1");

    private static String targets(List<String> addresses, int... ports) {
        List<String> targets = new ArrayList<>();
        for (String proto : List.of("tcp", "udp")) {
            for (String address : addresses) {
                for (int port : ports) {
                    targets.add(proto + ":" + address + ":" + port);
                }
            }
        }
        return String.join(" ", targets);
    }

    private void listen(String user, String targets) {
        lab.ssh(
                        user,
                        "d=$(mktemp -d) && cd \"$d\"\n" + Scripts.install("listen.py", "listen.py")
                                + "READY_FILE=\"$d/ready\" setsid python3 listen.py " + targets
                                + " > \"$d/log\" 2>&1 < /dev/null &\n"
                                + "for _ in $(seq 100); do [ -e \"$d/ready\" ] && exit 0; sleep 0.1; done; cat \"$d/log\"; exit 1\n")
                .ok();
    }

    private String reach(String user, String prefix, String targets) {
        return lab.ssh(
                        user,
                        "d=$(mktemp -d) && chmod 755 \"$d\" && cd \"$d\"\n" + Scripts.install("reach.py", "reach.py")
                                + prefix + " python3 reach.py " + targets + "\n")
                .ok();
    }

    private void secondTenant() {
        if (!server.unit(SECOND).get("status").asText().equals("allocated")) {
            server.post("/compute_units/allocate", allocateRequest()).expect(200);
        }
    }

    @Test
    @Order(70)
    void aUnitServesItsOwnPortsAndNoOthers() {
        secondTenant();
        lab.root("""
                        ip netns add outside
                        ip link add out0 type veth peer name out1 netns outside
                        ip addr add 10.99.0.1/24 dev out0 && ip -6 addr add fd99::1/64 dev out0 nodad && ip link set out0 up
                        ip -n outside addr add 10.99.0.2/24 dev out1 && ip -n outside -6 addr add fd99::2/64 dev out1 nodad
                        ip -n outside link set out1 up && ip -n outside link set lo up
                        """).ok();
        // Its own port, the neighbour's, one that nobody owns, one among the ephemeral.
        listen("u4-7", "tcp:2005 udp:2005 tcp:2205 udp:2205 tcp:8888 udp:8888 tcp:40001 udp:40001");
        listen("u8-11", "tcp:2210 udp:2210");
        listen("root", "tcp:9999 udp:9999");

        String served = targets(ADDRESSES, 2005, 2210, 9999);
        String refused = targets(ADDRESSES, 2205, 8888, 40001);
        String closed = targets(ADDRESSES, 2199);
        String fromOutside = reach("root", "ip netns exec outside", served + " " + refused + " " + closed);
        assertThat(fromOutside.lines())
                .allMatch(line -> line.endsWith(
                        line.matches(".*:(2005|2210|9999) .*")
                                ? " open"
                                : line.contains(":2199 ") ? " refused" : " timeout"));
        assertThat(fromOutside.lines()).hasSize(28);

        String overLoopback = targets(LOOPBACK, 2005, 2210, 9999) + " " + targets(LOOPBACK, 2205, 8888, 40001) + " "
                + targets(LOOPBACK, 2199);
        for (String user : List.of("root", "u4-7", "u8-11")) {
            assertThat(reach(user, "", overLoopback).lines())
                    .as("over loopback as " + user)
                    .hasSize(28)
                    .allMatch(line -> line.endsWith(
                            line.matches(".*:(2005|2210|9999) .*")
                                    ? " open"
                                    : line.contains(":2199 ") ? " refused" : " timeout"));
        }
    }

    @Test
    @Order(80)
    void writingPastTheDiskLimitFailsEverywhere() {
        String attempt = """
                for directory in ~ /opt/c4-7 /mnt/c4-7 /tmp /var/tmp; do
                  mkdir "$directory/fill" && cd "$directory/fill" || exit 1
                  for tricks in plain project; do
                    [ "$tricks" = project ] && chattr -p 0 . && chattr -P . 2> /dev/null
                    : > file; [ "$tricks" = project ] && chattr -p 0 file
                    if said=$(dd if=/dev/zero of=file bs=1M count=150 conv=fsync 2>&1); then echo "$directory $tricks ESCAPED"
                    else case $said in
                      *'quota exceeded'*|*'No space left'*) echo "$directory $tricks held" ;;
                      *) echo "$said" ;;
                    esac; fi
                    rm -f file
                  done
                  cd / && rm -rf "$directory/fill"
                done
                """;

        assertThat(asTenant("u4-7", attempt).lines()).hasSize(10).allMatch(line -> line.endsWith(" held"), "held");
        assertThat(asTenant("u4-7", "df --output=size -BM ~ /opt/c4-7 /mnt/c4-7 | tail -n +2 | tr -d ' '"))
                .isEqualTo("120M\n120M\n80M");
    }

    @Test
    @Tag("thorough")
    @Order(90)
    void aRebootChangesNothing() {
        String limits =
                "cd " + SLICE + " && cat cpuset.cpus.effective cpuset.mems memory.max memory.high pids.max io.max";
        String before = lab.root(limits).ok();

        lab.reboot();

        assertThat(server.get("/servers/host1/drift").expect(200).body().get("deviations"))
                .isEmpty();
        assertThat(asTenant("u4-7", "systemctl --user is-active job.service")).isEqualTo("active");
        assertThat(lab.root(limits).ok()).isEqualTo(before);
        assertThat(lab.root("cat /sys/fs/cgroup/system.slice/cpuset.cpus.effective")
                        .ok())
                .isEqualTo("0-3");
        assertThat(lab.root("cat /proc/sys/net/ipv4/ip_local_reserved_ports").ok())
                .isEqualTo("2000-2599");
        listen("u4-7", "tcp:2005 tcp:2205");
        assertThat(reach("root", "", "tcp:127.0.0.1:2005 tcp:127.0.0.1:2205"))
                .isEqualTo("tcp:127.0.0.1:2005 open\ntcp:127.0.0.1:2205 timeout");
        assertThat(asTenant(
                        "u4-7",
                        "cd /mnt/c4-7 && dd if=/dev/zero of=file bs=1M count=150 conv=fsync 2>&1 | grep -c -e quota -e space;"
                                + " rm file; findmnt -nro OPTIONS /mnt/c4-7 | grep -o -e nosuid -e nodev"))
                .isEqualTo("1\nnosuid\nnodev");
    }

    @Test
    @Order(100)
    void aReloadOfTheFirewallLeavesPortsEnforced() {
        lab.root("systemctl reload nftables && systemctl restart nftables").ok();

        assertThat(reach("root", "", "tcp:127.0.0.1:2005 tcp:127.0.0.1:2205"))
                .isEqualTo("tcp:127.0.0.1:2005 open\ntcp:127.0.0.1:2205 timeout");
    }

    @Test
    @Order(110)
    void nothingOfAHostileTenantIsLeftAfterDeallocation() {
        assertThat(asTenant("u4-7", Scripts.withArguments("hostile.sh", "c4-7")))
                .endsWith("planted");
        // The shell that said so is gone by now; the bomb takes its place as soon as it notices.
        lab.root("cd " + SLICE + " && timeout 60 sh -c 'until [ $(cat pids.current) -ge 300 ]; do sleep 0.1; done'")
                .ok();
        assertThat(lab.root("ls /tmp/left /dev/shm/left /dev/mqueue/kloigos-test"
                                + " /var/spool/cron/crontabs/u4-7; ipcs -msq | grep -c u4-7")
                        .ok())
                .as("what the tenant planted")
                .isEqualTo("/dev/mqueue/kloigos-test\n/dev/shm/left\n/tmp/left\n/var/spool/cron/crontabs/u4-7\n3");

        var answer = server.delete("/compute_units/deallocate/" + FIRST).expect(200);
        assertThat(answer.body()).isEmpty();
        server.succeeded(answer.operation());

        JsonNode unit = server.unit(FIRST);
        assertThat(unit.get("status").asText()).isEqualTo("free");
        assertThat(unit.get("started_at").isNull()).isTrue();
        assertThat(unit.get("tags")).isEmpty();
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
        assertThat(lab.root("systemctl list-units --failed --plain --no-legend").ok())
                .as("units of systemd that failed")
                .isEmpty();
        assertThat(lab.ssh("u4-7", "true").exit())
                .as("login after deallocation")
                .isNotZero();
        assertThat(server.delete("/compute_units/deallocate/" + FIRST).status()).isEqualTo(409);
    }

    @Test
    @Order(120)
    void theNextTenantStartsClean() {
        // Packed, it would be the other free unit, beside the tenant who is there already.
        String request = allocateRequest().replace("\"cpu_count\"", "\"placement\": \"spread\", \"cpu_count\"");
        JsonNode unit =
                server.post("/compute_units/allocate", request).expect(200).body();

        assertThat(unit.get("compute_id").asText()).isEqualTo(FIRST);
        assertThat(asTenant("u4-7", """
                        systemctl --user is-system-running --wait
                        keyctl show @u | grep -c evil
                        crontab -l 2> /dev/null | wc -l
                        ls -A /opt/c4-7 /mnt/c4-7 | grep -c -v -e : -e '^$'
                        ls -A ~ | grep -v -e '^\\.' | tr '\\n' ' '
                        pgrep -u u4-7 -c python3 || true
                        """)).isEqualTo("running\n0\n0\n0\nWELCOME.txt 0");
        assertThat(asTenant("u4-7", "lsattr -pd /opt/c4-7 | awk '{print $1}'")).isEqualTo("20000");
    }

    @Test
    @Order(130)
    void aServerWithTenantsIsNotGivenBack() {
        var refused = server.delete("/admin/decommission_server/host1").expect(409);

        assertThat(refused.body().get("detail").asText()).contains(FIRST, SECOND);
        assertThat(server.unit(FIRST).get("status").asText()).isEqualTo("allocated");
        assertThat(asTenant("u4-7", "echo here")).isEqualTo("here");
    }

    @Test
    @Order(140)
    void aDecommissionedHostIsAsItWasBefore() {
        server.succeeded(server.delete("/admin/decommission_server/host1?force=true")
                .expect(200)
                .operation());

        assertThat(server.unit(FIRST).get("status").asText()).isEqualTo("decommissioned");
        List<String> changed = difference(treeBefore, lab.root(TREE).ok());
        assertThat(changed).as("files that came, went or changed owner or mode").isEmpty();
        assertThat(lab.root(
                                "nft list tables | grep kloigos; systemctl list-unit-files --no-legend '*kloigos*'; getent group kloigos;"
                                        + " grep -c kloigos /etc/pam.d/cron /etc/pam.d/atd; cat /proc/sys/net/ipv4/ip_local_reserved_ports;"
                                        + " ls -d /run/kloigos 2> /dev/null; repquota -un / | grep -c '#2000[0-9]'; true")
                        .ok())
                .isEqualTo("/etc/pam.d/cron:0\n/etc/pam.d/atd:0\n\n0");
        assertThat(lab.root("taskset -pc 1 | sed 's/.*: //'").ok()).isEqualTo("0-15");
        assertThat(lab.root("blkid -o value -s TYPE /dev/vdb").ok())
                .as("the data disk is kept")
                .isEqualTo("ext4");
    }

    /** Lines of one text and not of the other, without files that the system itself writes when accounts come and go. */
    private static List<String> difference(String before, String after) {
        List<String> old = before.lines().toList();
        List<String> now = after.lines().toList();
        return Stream.concat(
                        old.stream().filter(line -> !now.contains(line)).map(line -> "- " + line),
                        now.stream().filter(line -> !old.contains(line)).map(line -> "+ " + line))
                .filter(
                        line -> !line.matches(
                                ".* (/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/etc/\\.pwd\\.lock|/var/lib/systemd/.*|/var/spool/cron.*|/var/lib/private.*)"))
                .toList();
    }
}
