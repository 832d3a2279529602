package io.kloigos.driver.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the local driver refuses, and what it takes care of beyond the contract. */
class LocalRefusalTest {
    private static final HostAddress HERE = new HostAddress("localhost", "127.0.0.1", null, null, null);

    @TempDir
    Path directory;

    @Test
    void withoutRootNothingIsTouched() {
        try (LocalHostDriver driver = new LocalHostDriver(directory.resolve("run"), () -> 1000)) {
            assertThatThrownBy(() -> driver.open(HERE))
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_LOGIN_REFUSED))
                    .hasMessageContaining("uid 1000")
                    .hasMessageContaining("Start it as root");
        }
        assertThat(directory.resolve("run")).doesNotExist();
    }

    @Test
    void commandsFindNothingOfThisProgramsEnvironment() {
        assertThat(apply(Step.Ensure.that(Condition.succeeds("printenv", "HOME"), "true"))
                        .failure())
                .isPresent();
    }

    @Test
    void filesThatTheKernelShowsOnceAreReadWhole() throws IOException {
        String file = "/proc/sys/kernel/pid_max";
        String most = Files.readAllLines(Path.of(file)).get(0);

        assertThat(most).hasSizeGreaterThan(1);
        assertThat(apply(new Step.Expectation(new Reading.FileText(file), most)).failure())
                .isEmpty();
    }

    @Test
    void whoOnlyLooksLeavesNothing() {
        try (LocalHostDriver driver = new LocalHostDriver(directory.resolve("run"), () -> 0);
                HostSession session = driver.open(HERE)) {
            assertThat(session.facts().accounts()).containsEntry("root", 0);
        }

        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aPlanMayTakeAwayWhatTheDriverKeeps() {
        assertThat(apply(new Step.Removal(directory + "/run")).failure()).isEmpty();

        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void whatTheDriverCannotKeepIsToldAndNothingIsDone() throws IOException {
        Path target = directory.resolve("target");
        Files.writeString(directory.resolve("run"), "a file where a directory is to be");
        try (LocalHostDriver driver = new LocalHostDriver(directory.resolve("run"), () -> 0);
                HostSession session = driver.open(HERE)) {
            assertThatThrownBy(() -> session.cancel("some-plan"))
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_PROTOCOL))
                    .hasMessageContainingAll(
                            "cancel plan some-plan", directory.resolve("run").toString());
        }
        assertThatThrownBy(() -> apply(new Step.TextFile(target.toString(), "text", Step.Access.rootFile())))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_PROTOCOL))
                .hasMessageContainingAll(
                        "Cannot apply plan", directory.resolve("run").toString(), "safe to repeat");
        assertThat(target).doesNotExist();
    }

    @Test
    void aFenceThatCannotBeReadIsToldAndNothingIsDone() throws IOException {
        Path target = directory.resolve("target");
        Path fence = Files.createDirectories(directory.resolve("run/fences")).resolve("host");
        Files.writeString(fence, "");

        assertThatThrownBy(() -> apply(new Step.TextFile(target.toString(), "text", Step.Access.rootFile())))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_PROTOCOL))
                .hasMessageContaining(fence.toString());
        assertThat(target).doesNotExist();
    }

    @Test
    void whoIsEndedIsToldAtWhichStep() {
        HostPlan plan = new HostPlan(
                "hung",
                HostPlan.Scope.host(),
                Duration.ofSeconds(3),
                List.of(
                        new Step.Directories(directory + "/made", Step.Access.rootDirectory()),
                        Step.Command.of("sleep", "1000"),
                        Step.Command.of("true")));
        try (LocalHostDriver driver = new LocalHostDriver(directory.resolve("run"), () -> 0);
                HostSession session = driver.open(HERE)) {
            assertThatThrownBy(() -> session.apply(plan, PlanListener.none()))
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_TIMEOUT))
                    .hasMessageContainingAll("step 2 of 3", "sleep 1000");
        }
    }

    private PlanReport apply(Step step) {
        try (LocalHostDriver driver = new LocalHostDriver(directory.resolve("run"), () -> 0);
                HostSession session = driver.open(HERE)) {
            return session.apply(
                    new HostPlan(
                            "plan-" + System.nanoTime(), HostPlan.Scope.host(), Duration.ofSeconds(30), List.of(step)),
                    PlanListener.none());
        }
    }
}
