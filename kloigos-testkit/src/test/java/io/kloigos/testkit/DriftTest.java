package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.DriftPolicy;
import io.kloigos.Event;
import io.kloigos.Kloigos;
import io.kloigos.KloigosBuilder;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FactKind;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitChange;
import io.kloigos.model.Warning;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What somebody else changed on a host is found and mended. */
class DriftTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");
    private static final String SLICE = "/sys/fs/cgroup/user.slice/user-20000.slice/";
    private static final String DROP_IN = "/etc/systemd/system/user-20000.slice.d/50-kloigos.conf";

    private final FakeHost host = FakeHost.builder("host1", "10.0.0.1")
            .cpus(16)
            .nodes(2)
            .memory(ByteSize.parse("16G"))
            .build();
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final Path database;
    private Kloigos kloigos;
    private ComputeUnit unit;

    DriftTest(@TempDir Path directory) {
        database = directory.resolve("kloigos.db");
        kloigos = open(Kloigos.builder());
    }

    private Kloigos open(KloigosBuilder builder) {
        Kloigos opened =
                builder.driver(FakeFleet.of(host).driver()).database(database).build();
        opened.listen(events::add);
        return opened;
    }

    @BeforeEach
    void aTenantOnAServer() {
        succeed(kloigos.initServer(
                InitServerRequest.of(host.address(), "eu", "a", List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11")))));
        unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), KEY));
        assertThat(unit.uid()).isEqualTo(20000);
    }

    @AfterEach
    void close() {
        kloigos.close();
    }

    private void succeed(Operation operation) {
        assertThat(kloigos.await(operation.id()).error()).isNull();
    }

    @Test
    void aHostThatBecameAnotherServerIsNotGivenBackInTheNameOfThisOne() {
        kloigos.await(kloigos.deallocate(unit.id()).id());
        host.write("/etc/kloigos/managed-by", "kloigos somewhere host2\n");
        String before = host.state();

        Operation refused = kloigos.await(
                kloigos.decommission(DecommissionRequest.of("host1")).id());

        assertThat(refused.errorCode()).isEqualTo(ErrorCode.ALREADY_MANAGED);
        assertThat(refused.error()).contains("says \"kloigos somewhere host2\"").contains("Nothing was changed there");
        host.assertState(before);
    }

    @Test
    void aHostThatNobodyTouchedDoesNotDiffer() {
        DriftReport found = kloigos.checkDrift("host1");

        assertThat(found.deviations()).isEmpty();
        assertThat(found.facts()).isGreaterThan(2 * 25);
        assertThat(kloigos.drift("host1")).contains(found);
    }

    @Test
    void aLookTellsAnewWhatTheHostCannotHold() {
        assertThat(kloigos.server("host1").warnings()).extracting(Warning::type).doesNotContain("mail_delivery");

        host.startMailer("exim4.service");
        kloigos.checkDrift("host1");

        assertThat(kloigos.server("host1").warnings())
                .filteredOn(warning -> warning.type().equals("mail_delivery"))
                .singleElement()
                .satisfies(warning -> assertThat(warning.message()).contains("exim4.service"));
        assertThat(kloigos.server("host1").facts().mailers()).containsExactly("exim4.service");
        // What Kloigos has set is no news of the host's.
        assertThat(kloigos.server("host1").facts().setting("kernel.io_uring_disabled"))
                .contains("0");
    }

    /** Each of them is a change that somebody could make at a root shell. */
    private void plantDrift() {
        host.write("/etc/kloigos/managed-by", "somebody else\n");
        host.write("/etc/kloigos/ports.nft", "# empty\n");
        host.write("/etc/systemd/system/kloigos-ports.service", "[Service]\nExecStart=/bin/true\n");
        host.write("/etc/sysctl.d/99-zz-kloigos.conf", "# empty\n");
        host.run("rm", "-f", "/etc/ssh/sshd_config.d/50-kloigos.conf");
        host.run("rm", "-f", "/etc/systemd/system/system.slice.d/20-kloigos-housekeeping.conf");
        host.run("rm", "-f", "/etc/systemd/system/sysinit.target.wants/kloigos-ports.service");
        host.run("nft", "flush", "ruleset");
        host.run("tee", "/proc/sys/net/ipv4/ip_local_reserved_ports");
        host.run("tee", "/proc/sys/kernel/io_uring_disabled");
        host.write("/etc/pam.d/cron", "session required pam_unix.so\n");
        host.write(DROP_IN, host.file(DROP_IN).replaceAll("MemoryMax=\\d+", "MemoryMax=infinity"));
        host.write("/etc/systemd/system/user-20000.slice.d/60-more.conf", "[Slice]\nTasksMax=infinity\n");
        host.run("rm", "-f", "/etc/systemd/system/user@20000.service.d/50-kloigos.conf");
        host.run("chown", "0:0", DROP_IN);
        host.run("chown", "20001:20001", unit.opt());
        host.run("rm", "-rf", unit.mnt());
        host.run("usermod", "-e", "1", unit.user());
        host.run("usermod", "-c", "somebody", "-s", "/bin/false", unit.user());
        host.run("rm", "-f", "/var/lib/systemd/linger/" + unit.user());
        host.write(
                "/etc/kloigos/keys/" + unit.user(),
                KEY.line() + "\n" + KEY.line().replace("tenant", "intruder") + "\n");
        host.write("/etc/kloigos/keys/u8-11", KEY.line() + "\n");
        host.run("chown", "20000:20000", "/etc/kloigos/keys/" + unit.user());
        host.run("setquota", "-u", "20000", "0", "0", "0", "0", "/");
        host.run("tee", SLICE + "memory.max");
        host.run("tee", SLICE + "pids.max");
        host.run("tee", SLICE + "cpuset.cpus.effective");
        host.tenantListens(20000, "tcp", 2205);
        host.tenantListens(20000, "udp", 2300);
        host.tenantListens(20000, "tcp", 2005);
    }

    @Test
    void whateverSomebodyChangedIsFoundAndMendedInOnePass() {
        plantDrift();

        DriftReport found = kloigos.checkDrift("host1");

        assertThat(found.deviations()).hasSizeGreaterThanOrEqualTo(25).allSatisfy(deviation -> {
            assertThat(deviation.expected()).isNotEqualTo(deviation.actual());
        });
        assertThat(found.deviations())
                .extracting(Deviation::kind)
                .contains(
                        FactKind.FILE,
                        FactKind.FILE_ACCESS,
                        FactKind.ENABLED,
                        FactKind.PORT_RULES,
                        FactKind.PORT_OWNER,
                        FactKind.PORT_RANGE,
                        FactKind.PORT_USER,
                        FactKind.KERNEL_SETTING,
                        FactKind.RESERVED_PORTS,
                        FactKind.SSHD,
                        FactKind.JOBS,
                        FactKind.DAEMON_RELOAD,
                        FactKind.DROP_INS,
                        FactKind.DIRECTORY,
                        FactKind.ACCOUNT,
                        FactKind.ACCOUNT_EXPIRY,
                        FactKind.LINGER,
                        FactKind.SSH_KEY,
                        FactKind.NO_FILE,
                        FactKind.USER_QUOTA,
                        FactKind.MEMORY_MAX,
                        FactKind.TASKS_MAX,
                        FactKind.CPUS,
                        FactKind.FOREIGN_PORTS);
        assertThat(found.deviations())
                .filteredOn(deviation -> deviation.kind() == FactKind.FOREIGN_PORTS)
                .extracting(Deviation::actual)
                .containsExactly(
                        "tcp 2205 /user.slice/user-20000.slice/user@20000.service/app.slice/tcp2205.service, udp 2300"
                                + " /user.slice/user-20000.slice/user@20000.service/app.slice/udp2300.service");

        succeed(kloigos.repair("host1"));

        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
        assertThat(host.login(unit.user()).succeeds()).isTrue();
        assertThat(host.run("ss", "-Hltune", "--cgroup")).contains(":2005").doesNotContain(":2205", ":2300");
    }

    @Test
    void aPreviewSaysWhatWouldBeMendedAndChangesNothing() {
        host.run("nft", "flush", "ruleset");
        String before = host.state();

        assertThat(kloigos.previewRepair("host1").steps().toString())
                .contains("systemctl restart kloigos-ports.service")
                .doesNotContain("daemon-reload", "setquota", "sshd");

        assertThat(host.state()).isEqualTo(before);
    }

    @Test
    void portRulesThatAreThereButDoNotActAreFoundAndMended() {
        host.run("nft", "table inet kloigos { flags dormant; }");
        assertThat(kloigos.checkDrift("host1").deviations()).singleElement().satisfies(deviation -> {
            assertThat(deviation.kind()).isEqualTo(FactKind.PORT_RULES);
            assertThat(deviation.actual()).isEqualTo("flags dormant");
        });
        succeed(kloigos.repair("host1"));

        host.run("nft", "add element inet kloigos own { 20000 . 1-1999 }");
        assertThat(kloigos.checkDrift("host1").deviations())
                .singleElement()
                .satisfies(deviation -> assertThat(deviation.actual()).isEqualTo("also 20000 . 1-1999 in set own"));
        succeed(kloigos.repair("host1"));

        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
    }

    @Test
    void clientsThatLetTheKernelChooseTheirPortGoOn() {
        host.tenantListens(20000, "udp", 40000);

        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
    }

    @Test
    void whatSystemdRefusesIsCompared() {
        String file = "/etc/systemd/system/user-20000.slice.d/51-kloigos-ports.conf";
        host.write(file, "[Slice]\n");
        host.run("systemctl", "daemon-reload");

        assertThat(kloigos.checkDrift("host1").deviations())
                .extracting(Deviation::kind)
                .containsExactlyInAnyOrder(FactKind.FILE, FactKind.PORT_BINDING, FactKind.PORT_BINDING);
        succeed(kloigos.repair("host1"));

        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
    }

    @Test
    void cpusThatAreGoneAreLeftToTheOperator() {
        host.takeOffline(CpuSet.parse("6-7,10"));

        DriftReport found = kloigos.checkDrift("host1");

        assertThat(found.deviations())
                .extracting(deviation -> deviation.kind() + " " + deviation.computeId() + " " + deviation.actual())
                .containsExactly(
                        "online_cpus null 0-5,8-9,11-15", "unit_cpus host1_4-7 4-5", "unit_cpus host1_8-11 8-9,11");
        assertThat(found.repairable()).isEmpty();
    }

    @Test
    void whatElseIsWrongWithAUnitIsMendedWhileCpusOfItAreGone() {
        host.takeOffline(CpuSet.parse("7"));
        host.run("tee", SLICE + "memory.max");

        succeed(kloigos.repair("host1"));

        assertThat(kloigos.checkDrift("host1").deviations())
                .extracting(Deviation::kind)
                .containsExactly(FactKind.ONLINE_CPUS, FactKind.UNIT_CPUS);
    }

    @Test
    void coresAndNodesThatHaveOtherCpusThanBeforeAreLeftToTheOperator() {
        host.write("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2-3\n");
        host.write("/sys/devices/system/node/node0/cpulist", "8-15\n");
        host.write("/sys/devices/system/node/node1/cpulist", "0-7\n");

        DriftReport found = kloigos.checkDrift("host1");

        assertThat(found.deviations())
                .extracting(deviation -> deviation.kind() + " " + deviation.expected() + " " + deviation.actual())
                .containsExactly("cores 2 2-3", "numa_nodes 0-7 8-15", "numa_nodes 8-15 0-7");
        assertThat(found.repairable()).isEmpty();
    }

    @Test
    void whatCannotBeMendedKeepsNothingElseFromBeingMended() {
        host.run("rm", "-f", "/etc/ssh/sshd_config.d/50-kloigos.conf");
        host.run("nft", "flush", "ruleset");
        host.run("tee", SLICE + "memory.max");
        host.tenantListens(20000, "tcp", 2205);
        host.inject(new HostFailure.FailStep(0, HostFailure.Effect.MISSING));

        Operation repair = kloigos.await(kloigos.repair("host1").id());

        assertThat(repair.state()).isEqualTo(Operation.State.FAILED);
        assertThat(repair.error())
                .startsWith("Step 1 of " + repair.steps().size() + " failed on ")
                .contains("; Step ", "sshd -T");
        assertThat(kloigos.server("host1").reason()).isEqualTo(repair.error());
        assertThat(kloigos.checkDrift("host1").deviations())
                .extracting(Deviation::kind)
                .containsOnly(FactKind.FILE, FactKind.FILE_ACCESS, FactKind.SSHD);
    }

    @Test
    void whatIsStoppedIsExpectedToBeShut() {
        kloigos.change(unit.id(), new UnitChange.Stop());

        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();

        host.run("usermod", "-e", "", unit.user());
        host.write("/var/lib/systemd/linger/" + unit.user(), "");
        assertThat(kloigos.checkDrift("host1").deviations())
                .extracting(Deviation::kind)
                .containsExactlyInAnyOrder(FactKind.ACCOUNT_EXPIRY, FactKind.NO_FILE);
        succeed(kloigos.repair("host1"));
        assertThat(host.login(unit.user()).succeeds()).isFalse();
    }

    @Test
    void aServerThatIsNotReadyIsNotLookedAt() {
        succeed(kloigos.deallocate(unit.id()));
        succeed(kloigos.decommission(DecommissionRequest.of("host1")));

        assertThatThrownBy(() -> kloigos.repair("host1"))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.WRONG_STATE));
    }

    @Test
    void serversAreLookedAtFromTimeToTimeAndRepairedIfSoWished() throws Exception {
        kloigos.close();
        host.run("nft", "flush", "ruleset");
        kloigos = open(Kloigos.builder().checkDrift(Duration.ofSeconds(1), DriftPolicy.REPAIR));

        while (true) {
            Event event = events.poll(30, TimeUnit.SECONDS);
            assertThat(event).as("news of drift").isNotNull();
            if (event instanceof Event.DriftChanged changed
                    && changed.report().deviations().isEmpty()) {
                break;
            }
        }
        assertThat(host.run("nft", "-nn", "list", "table", "inet", "kloigos")).contains("20000 . 2000-2199");
    }
}
