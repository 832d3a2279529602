package io.kloigos.driver.ssh;

import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs plans' programs in a shell of this machine, with locks and outcomes in a directory of the test's. */
final class LocalShell {
    /** Only what hangs takes longer, however busy the machine is. */
    static final Duration LIMIT = Duration.ofMinutes(2);

    private static final AtomicInteger PLANS = new AtomicInteger();

    private final Path directory;

    LocalShell(Path directory) {
        this.directory = directory;
    }

    static HostPlan plan(Step... steps) {
        return new HostPlan("plan" + PLANS.incrementAndGet(), HostPlan.Scope.host(), LIMIT, List.of(steps));
    }

    PlanProgram program(HostPlan plan) {
        return PlanProgram.of(
                plan, new PlanProgram.Directories(directory.toString(), directory + "/fences"), Duration.ofMillis(200));
    }

    /** Returns what became of the one step. */
    StepReport apply(Step step) throws IOException {
        return apply(plan(step)).steps().get(0);
    }

    PlanReport apply(HostPlan plan) throws IOException {
        PlanProgress progress = new PlanProgress(plan, PlanListener.none());
        String out = run(program(plan).command(), program(plan).text());
        out.lines().forEach(progress::accept);
        if (!progress.done()) {
            throw new AssertionError("the program did not come to its end: " + out);
        }
        return progress.report();
    }

    static String run(String command, String input) throws IOException {
        Process process = start(command);
        process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    static Process start(String command) throws IOException {
        return new ProcessBuilder("/bin/sh", "-c", command)
                .redirectErrorStream(true)
                .start();
    }
}
