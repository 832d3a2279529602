package io.kloigos.http.lab;

import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import io.kloigos.testkit.HostDriverContract;
import io.kloigos.testkit.lab.Lab;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** The SSH driver keeps the contract on a real Debian host, with the directories that it has on real hosts. */
@Tag("lab")
@Tag("thorough")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SshContractIT implements HostDriverContract {
    private static final String SCRATCH = "/var/tmp/contract";

    private Lab lab;
    private HostDriver driver;

    @BeforeAll
    void startOnAPristineHost() {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        lab.root("mkdir -m 700 " + SCRATCH).ok();
        driver = new SshHostDriver(SshSettings.withKey(lab.privateKey()));
    }

    @AfterAll
    void close() {
        if (driver != null) {
            driver.close();
        }
    }

    @Override
    public HostDriver driver() {
        return driver;
    }

    @Override
    public HostDriver anotherDriver() {
        return new SshHostDriver(SshSettings.withKey(lab.privateKey()));
    }

    @Override
    public HostAddress host() {
        return new HostAddress("host1", lab.host(), lab.port(), null, null);
    }

    @Override
    public String scratchDirectory() {
        return SCRATCH;
    }
}
