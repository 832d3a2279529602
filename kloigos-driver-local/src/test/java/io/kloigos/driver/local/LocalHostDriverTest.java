package io.kloigos.driver.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.Step;
import io.kloigos.testkit.HostDriverContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jnr.posix.POSIXFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The local driver passes what every driver must pass, on the machine that runs the tests; for that it needs root. */
@EnabledIf("isRoot")
class LocalHostDriverTest implements HostDriverContract {
    @TempDir
    Path directory;

    private LocalHostDriver driver;

    static boolean isRoot() {
        return POSIXFactory.getNativePOSIX().geteuid() == 0;
    }

    @Test
    void aLinkThatOthersMayHavePlacedIsNotFollowed() throws IOException {
        Path theirs = Files.createDirectory(directory.resolve("theirs"));
        Path target = Files.createDirectory(directory.resolve("target"));
        Files.createSymbolicLink(theirs.resolve("link"), target);
        Files.setAttribute(theirs, "unix:uid", 54321);
        HostPlan plan = new HostPlan(
                "linked",
                HostPlan.Scope.host(),
                Duration.ofSeconds(30),
                List.of(new Step.TextFile(theirs + "/link/file", "text", Step.Access.rootFile())));

        try (HostSession session = driver.open(host())) {
            assertThat(session.apply(plan, PlanListener.none())
                            .failure()
                            .orElseThrow()
                            .detail())
                    .contains("is a symbolic link that others than root may have placed");
        }
        assertThat(target).isEmptyDirectory();
    }

    @Test
    void aFenceIsReplacedAndNeverOverwritten() throws IOException {
        HostPlan plan = new HostPlan("first", HostPlan.Scope.host(), 7, Duration.ofSeconds(30), List.of());
        HostPlan next = new HostPlan("second", HostPlan.Scope.host(), 8, Duration.ofSeconds(30), List.of());
        Path fence = directory.resolve("run/fences/host");
        try (HostSession session = driver.open(host())) {
            session.apply(plan, PlanListener.none());
            Path before = Files.createLink(directory.resolve("before"), fence);

            session.apply(next, PlanListener.none());

            assertThat(fence).hasContent("8");
            assertThat(before)
                    .as("what is read after a crash, or when the disk is full")
                    .hasContent("7");
        }
    }

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
    public HostDriver anotherDriver() {
        return new LocalHostDriver(directory.resolve("run"));
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
