package io.kloigos.driver.ssh;

import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.Step;
import io.kloigos.testkit.HostDriverContract;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The SSH driver passes what every driver must pass, over a real sshd on this machine. Whoever runs the tests logs in: root, or
 * somebody who may use sudo without a password.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("long")
class SshHostDriverContractTest implements HostDriverContract {
    private final String directory = "/var/tmp/kloigos-contract-" + UUID.randomUUID();

    private TestSshd host;
    private SshHostDriver driver;

    @BeforeAll
    void startHost(@TempDir Path keys) throws Exception {
        host = TestSshd.start(keys.resolve("sshd"), "ed25519");
        driver = start();
    }

    private SshHostDriver start() {
        return new SshHostDriver(
                host.settings(), new PlanProgram.Directories(directory + "/run", directory + "/fences"));
    }

    @AfterAll
    void stopHost() throws Exception {
        if (driver != null) {
            try (HostSession session = driver.open(host())) {
                session.apply(
                        new HostPlan(
                                "clean-up",
                                HostPlan.Scope.host(),
                                FENCE.incrementAndGet(),
                                Duration.ofSeconds(30),
                                List.of(Step.Command.of("find", directory, "-depth", "-delete"))),
                        PlanListener.none());
            }
            driver.close();
        }
        if (host != null) {
            host.close();
        }
    }

    @Override
    public HostDriver driver() {
        return driver;
    }

    @Override
    public HostDriver anotherDriver() {
        return start();
    }

    @Override
    public HostAddress host() {
        return host.address();
    }

    /** Beside the driver's own directories: who logs in may have no other place that is root's alone. */
    @Override
    public String scratchDirectory() {
        return directory;
    }
}
