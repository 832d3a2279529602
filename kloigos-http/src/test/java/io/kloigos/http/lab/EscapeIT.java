package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.Warning;
import io.kloigos.testkit.escape.Attempt;
import io.kloigos.testkit.escape.Attempt.Verdict;
import io.kloigos.testkit.escape.EscapeSuite;
import io.kloigos.testkit.escape.Party;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A hostile tenant in one unit, its neighbour in another, root as their witness. Where what became of an attempt is meant to change,
 * {@code -Dkloigos.approveEscapes} writes the table of docs/isolation.md anew, to be read before it is committed.
 */
@Tag("lab")
@ExtendWith(Narrator.class)
class EscapeIT {
    /** The ways out that each known limit of a host stands for. */
    private static final Map<String, Set<String>> WAYS_OUT = Map.ofEntries(
            Map.entry("port_squatting", Set.of("ports.squat_tcp", "ports.squat_udp", "ports.squat_by_client")),
            Map.entry("host_port_squatting", Set.of("ports.squat_host")),
            Map.entry("udp_receipt", Set.of("ports.udp_receive", "ports.udp_punch")),
            Map.entry("udp_theft", Set.of("ports.steal_udp_reuseaddr")),
            Map.entry("processes_visible", Set.of("processes.visible", "processes.cgroup_list")),
            Map.entry(
                    "shared_ipc",
                    Set.of(
                            "shared.sysv_segments",
                            "shared.sysv_semaphores",
                            "shared.sysv_queues",
                            "shared.terminals",
                            "shared.aio")),
            Map.entry("ephemeral_ports", Set.of("shared.ephemeral_ports")),
            Map.entry("io_uring_pollers", Set.of("cpu.io_uring_poller")),
            Map.entry("mail_delivery", Set.of("jobs.mail_forward")),
            Map.entry("forged_log_lines", Set.of("logs.forge")),
            Map.entry("run_lock", Set.of("quota.run_lock")));

    /** What holds an attempt, and how to take that away: the suite must see each. */
    private static final String WITHOUT_PROTECTION = """
            set -e
            nft flush ruleset
            sed -i '/pam_systemd.so class=background/d' /etc/pam.d/atd
            chmod 755 "/home/$2"
            setquota -u "$3" 0 0 0 0 /
            sysctl -q fs.protected_hardlinks=0 fs.protected_symlinks=0
            rm "/etc/systemd/system/user-$3.slice.d/"5?-kloigos*.conf
            systemctl daemon-reload
            systemctl set-property --runtime "user-$3.slice" TasksMax=infinity MemoryMax=infinity MemoryHigh=infinity
            """;

    /** Newer kernels let no unit have what one way to leave something needs. */
    private static final Pattern CLOSED = Pattern.compile("io_uring: .*Operation not permitted");

    private static final String[] UNPROTECTED = {
        "ports.tcp",
        "ports.neighbours",
        "jobs.at",
        "files.home",
        "quota.home",
        "files.hard_link",
        "files.symlink",
        "tasks.fork",
        "memory.anonymous"
    };

    @Test
    void nobodyGetsOutOfDebian12ExceptWhereItSaysSo(@TempDir Path directory) {
        attack(Lab.Release.BOOKWORM, directory);
    }

    @Test
    @Tag("thorough")
    void nobodyGetsOutOfDebian13ExceptWhereItSaysSo(@TempDir Path directory) {
        attack(Lab.Release.TRIXIE, directory);
    }

    private static void attack(Lab.Release release, Path directory) {
        Lab lab = Lab.start(release);
        lab.restore();
        prepare(lab);
        try (Kloigos kloigos = Kloigos.builder()
                .driver(new SshHostDriver(SshSettings.withKey(lab.privateKey())))
                .database(directory.resolve("kloigos.db"))
                .build()) {
            succeeded(kloigos, kloigos.initServer(request(lab)));
            ComputeUnit tenant = allocate(kloigos, lab);
            ComputeUnit neighbour = allocate(kloigos, lab);

            List<Attempt> attempts = new ArrayList<>(attempt(lab, tenant, neighbour));
            attempts.addAll(outlive(kloigos, lab, tenant, neighbour));
            System.out.println(table(attempts));

            if (System.getProperty("kloigos.approveEscapes") != null) {
                EscapeTable.approve(release, attempts);
            }
            assertThat(attempts).hasSizeGreaterThanOrEqualTo(80);
            assertThat(escapes(attempts))
                    .isEqualTo(named(kloigos.server("escape").warnings()));
            assertThat(EscapeTable.found(attempts)).isEqualTo(EscapeTable.documented(release));
            assertTheSuiteSeesEscapes(lab, tenant, neighbour);
        } finally {
            lab.down();
        }
    }

    /** Batch jobs wait for a load that a virtual machine on two cores seldom has; and what cannot swap proves nothing. */
    private static void prepare(Lab lab) {
        lab.root("""
                mkdir -p /run/systemd/system/atd.service.d
                printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/atd -f -l 1000 -b 5\\n' > /run/systemd/system/atd.service.d/load.conf
                systemctl daemon-reload && systemctl restart atd
                fallocate -l 256M /swap && chmod 600 /swap && mkswap -q /swap && swapon /swap
                """).ok();
    }

    private static InitServerRequest request(Lab lab) {
        LimitRequest limits = new LimitRequest(
                null,
                ByteSize.parse("256M"),
                ByteSize.parse("255M"),
                null,
                160,
                ByteSize.parse("120M"),
                ByteSize.parse("80M"),
                5000L,
                Stream.of("/dev/vda", "/dev/vdb")
                        .map(disk -> new IoLimit(disk, ByteSize.parse("8M"), ByteSize.parse("8M"), null, null))
                        .toList(),
                null);
        return new InitServerRequest(
                new HostAddress("escape", lab.host(), lab.port(), "root", null),
                "lab",
                "a",
                new UnitDivision.Ranges(List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"))),
                null,
                List.of(new DataDisk("/dev/vdb", FileSystemType.EXT4)),
                limits);
    }

    private static void succeeded(Kloigos kloigos, Operation begun) {
        Operation ended = kloigos.await(begun.id());
        assertThat(ended.state()).as(ended.toString()).isEqualTo(Operation.State.SUCCEEDED);
    }

    private static ComputeUnit allocate(Kloigos kloigos, Lab lab) {
        return kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), new SshPublicKey(lab.publicKey())));
    }

    private static List<Attempt> attempt(Lab lab, ComputeUnit tenant, ComputeUnit neighbour, String... ids) {
        try (EscapeSuite suite = EscapeSuite.start(lab::ssh, Party.of(tenant), Party.of(neighbour))) {
            return suite.run(ids);
        }
    }

    /** What a tenant leaves is there before the release, so that the suite sees it, and is looked for after it. */
    private static List<Attempt> outlive(Kloigos kloigos, Lab lab, ComputeUnit tenant, ComputeUnit neighbour) {
        try (EscapeSuite suite = EscapeSuite.start(lab::ssh, Party.of(tenant), Party.of(neighbour))) {
            suite.plant();
            assertThat(suite.survivors())
                    .as("before the release")
                    .allMatch(attempt -> attempt.verdict() == Verdict.ESCAPED
                            || CLOSED.matcher(attempt.answered()).find());

            assertNotReleased(kloigos, tenant, "sockets are still open: .*open:\\d+:python3");
            suite.letGo("socket");
            assertNotReleased(kloigos, tenant, "disk_usage .* open:\\d+:python3");
            suite.letGo("overlay");
            succeeded(kloigos, kloigos.deallocate(tenant.id()));
            assertThat(kloigos.certificate(tenant.id()).isClean()).isTrue();
            assertThat(allocate(kloigos, lab).id()).isEqualTo(tenant.id());
            return suite.survivors();
        }
    }

    private static void assertNotReleased(Kloigos kloigos, ComputeUnit unit, String why) {
        assertThat(kloigos.await(kloigos.deallocate(unit.id()).id()).error())
                .as("while a neighbour has something of the last tenant's")
                .containsPattern(why);
    }

    private static Set<String> escapes(List<Attempt> attempts) {
        return attempts.stream()
                .filter(attempt -> attempt.verdict() == Verdict.ESCAPED)
                .map(Attempt::id)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> named(List<Warning> limits) {
        return limits.stream()
                .flatMap(limit -> WAYS_OUT.getOrDefault(limit.type(), Set.of()).stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static void assertTheSuiteSeesEscapes(Lab lab, ComputeUnit tenant, ComputeUnit neighbour) {
        lab.root(WITHOUT_PROTECTION, tenant.user(), neighbour.user(), Integer.toString(tenant.uid()))
                .ok();

        assertThat(escapes(attempt(lab, tenant, neighbour, UNPROTECTED))).containsExactlyInAnyOrder(UNPROTECTED);
    }

    private static String table(List<Attempt> attempts) {
        return attempts.stream()
                .sorted(Comparator.comparing(Attempt::id))
                .map(attempt -> String.format("%-14s %-32s %s", attempt.verdict(), attempt.id(), attempt.answered()))
                .collect(Collectors.joining("\n"));
    }
}
