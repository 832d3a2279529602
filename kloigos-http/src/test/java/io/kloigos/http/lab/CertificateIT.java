package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitStatus;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.Reading;
import io.kloigos.spi.UnitAccount;
import io.kloigos.testkit.lab.Lab;
import java.nio.charset.StandardCharsets;
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

/** Every kind of trace is left on a real host, seen, erased, and certified to be gone; what cannot be erased is named. */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CertificateIT {
    private static final String CRONTAB = "/var/spool/cron/crontabs/u4-7";

    private Lab lab;
    private SshHostDriver driver;
    private Kloigos kloigos;
    private HostAddress address;
    private ComputeUnit unit;

    @BeforeAll
    void allocateOnAPristineHost(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        driver = new SshHostDriver(SshSettings.withKey(lab.privateKey()));
        address = new HostAddress("host1", lab.host(), lab.port(), null, null);
        kloigos = Kloigos.builder()
                .driver(driver)
                .database(directory.resolve("kloigos.db"))
                .build();
        Operation init = kloigos.await(
                kloigos.initServer(InitServerRequest.of(address, "lab", "a", List.of(CpuSet.parse("4-7"))))
                        .id());
        assertThat(init.error()).isNull();
    }

    @AfterAll
    void close() {
        if (kloigos != null) {
            kloigos.close();
        }
        if (lab != null) {
            lab.root("chattr -f -i " + CRONTAB + "; true");
        }
    }

    private void allocate() {
        unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), new SshPublicKey(lab.publicKey())));
    }

    /** Logs in with a terminal, as a person does, and returns what the host says. */
    private String login() throws Exception {
        Process login = new ProcessBuilder(
                        "ssh",
                        "-tt",
                        "-i",
                        lab.privateKey().toString(),
                        "-o",
                        "UserKnownHostsFile=" + lab.knownHosts(),
                        "-p",
                        Integer.toString(lab.port()),
                        "u4-7@" + lab.host())
                .redirectErrorStream(true)
                .start();
        try (var in = login.getOutputStream()) {
            in.write("logger tenant-was-here; sleep 1; exit\n".getBytes(StandardCharsets.UTF_8));
        }
        return new String(login.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    @Order(10)
    void everyKindIsSeen() throws Exception {
        allocate();
        login();
        assertThat(lab.root(Scripts.withArguments("leave.sh", "u4-7", "20000")).ok())
                .endsWith("left");

        List<Trace> all = List.of(Trace.values());
        try (HostSession session = driver.open(address)) {
            List<String> texts = session.read(all.stream()
                    .<Reading>map(trace -> new Reading.Traces(trace, UnitAccount.of(unit)))
                    .toList());
            assertThat(texts).as("of %s", all).hasSameSizeAs(all).doesNotContain(Reading.Traces.NONE);
            assertThat(texts).noneMatch(text -> text.startsWith(Reading.Traces.UNKNOWN));
        }
        assertThat(lab.root("ls -d /run/kloigos-reading.* 2>/dev/null; true").ok())
                .as("what reading leaves")
                .isEmpty();
    }

    @Test
    @Order(20)
    void whatCannotBeErasedIsNamedAndQuarantinesTheUnit() {
        lab.root("chattr +i " + CRONTAB).ok();

        Operation failed = kloigos.await(kloigos.deallocate(unit.id()).id());

        ReleaseCertificate certificate = kloigos.certificate(unit.id());
        assertThat(failed.error()).contains(CRONTAB);
        assertThat(certificate.finding(Trace.CRONTABS).orElseThrow().detail()).isEqualTo(CRONTAB);
        assertThat(certificate.obstacles()).containsExactly(Trace.CRONTABS);
        assertThat(kloigos.unit(unit.id()).status()).isEqualTo(UnitStatus.DEALLOCATION_FAIL);
    }

    @Test
    @Order(30)
    void whoHoldsWhatTheKernelDoesNotCloseIsNamed() {
        Operation failed = force();

        assertThat(failed.error()).containsPattern("udp:2051 open:\\d+:python3");
        assertThat(kloigos.certificate(unit.id()).obstacles()).containsExactly(Trace.SOCKETS);
        assertThat(lab.root("ss -Htnl 'sport = 2050'").ok()).as("a TCP socket").isEmpty();
    }

    private Operation force() {
        return kloigos.await(kloigos.forceRelease(unit.id(), new Reason("the crontab is ours"))
                .id());
    }

    @Test
    @Order(35)
    void anOperatorsWordReleasesItAndEverythingElseIsErased() {
        lab.root(Scripts.read("let-go.sh")).ok();

        Operation forced = force();
        assertThat(lab.root("cd /var/lib/systemd/coredump && ls | cut -d . -f 1-3")
                        .ok())
                .as("core dumps, of which one of root's process with the number of the tenant's uid")
                .isEqualTo("core.of-others.0");

        ReleaseCertificate certificate = kloigos.certificate(unit.id());
        assertThat(forced.error()).isNull();
        assertThat(certificate.remarks()).isEqualTo("crontabs found: " + CRONTAB + "; disk_usage found: /:1");
        assertThat(kloigos.unit(unit.id()).reason()).isEqualTo("forced by operator: the crontab is ours");
        assertThat(lab.root("ss -Htunl 'sport >= 2050 and sport <= 2051'").ok())
                .as("sockets in the hands of others")
                .isEmpty();
    }

    @Test
    @Order(40)
    void theNextTenantLearnsNothingOfTheLast() throws Exception {
        lab.root("chattr -i " + CRONTAB + " && rm " + CRONTAB).ok();
        allocate();

        assertThat(login()).doesNotContain("Last login");
        assertThat(lab.ssh("u4-7", "journalctl -q --no-pager | grep -c tenant-was-here")
                        .out()
                        .strip())
                .as("the new tenant's own line only")
                .isEqualTo("1");

        Operation ended = kloigos.await(kloigos.deallocate(unit.id()).id());
        assertThat(ended.error()).isNull();
        assertThat(kloigos.certificate(unit.id()).isClean()).isTrue();
        assertThat(kloigos.certificate(unit.id()).findings()).hasSameSizeAs(Trace.values());
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
    }
}
