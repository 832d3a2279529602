package io.kloigos.driver.local;

import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import io.kloigos.testkit.HostDriverContract;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The local driver passes what every driver must pass, on the machine that runs the tests. */
class LocalHostDriverTest implements HostDriverContract {
    @TempDir
    Path directory;

    private LocalHostDriver driver;

    @BeforeEach
    void open() {
        driver = new LocalHostDriver(directory.resolve("run"));
    }

    @AfterEach
    void close() {
        driver.close();
    }

    @Override
    public HostDriver driver() {
        return driver;
    }

    @Override
    public HostAddress host() {
        return new HostAddress("localhost", "127.0.0.1", null, null, null);
    }

    @Override
    public String scratchDirectory() {
        return directory.toString();
    }
}
