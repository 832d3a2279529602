package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/** How the tests of the contract speak to the driver. */
final class ContractPlans {
    private ContractPlans() {}

    static String id() {
        return "contract-" + UUID.randomUUID();
    }

    static Step.TextFile file(String path, String content) {
        return new Step.TextFile(path, content, Access.rootFile());
    }

    static HostPlan plan(HostPlan.Scope scope, Step... steps) {
        return new HostPlan(
                id(), scope, DriverUnderTest.FENCE.incrementAndGet(), Duration.ofSeconds(60), List.of(steps));
    }

    static String workspace(DriverUnderTest test) {
        String path = test.scratchDirectory() + "/" + UUID.randomUUID();
        succeed(test, new Step.Directories(path, Access.rootDirectory()));
        return path;
    }

    static PlanReport apply(DriverUnderTest test, HostPlan plan) {
        try (HostSession session = test.driver().open(test.host())) {
            return session.apply(plan, PlanListener.none());
        }
    }

    static PlanReport apply(DriverUnderTest test, Step... steps) {
        return apply(test, plan(HostPlan.Scope.host(), steps));
    }

    static void succeed(DriverUnderTest test, Step... steps) {
        outcomes(test, steps);
    }

    static void expect(DriverUnderTest test, String expected, Reading reading) {
        succeed(test, new Step.Expectation(reading, expected));
    }

    static Outcome outcome(DriverUnderTest test, Step step) {
        return outcomes(test, step).get(0);
    }

    /** Applies the steps as one plan, which must succeed. */
    static List<Outcome> outcomes(DriverUnderTest test, Step... steps) {
        PlanReport report = apply(test, steps);
        assertThat(report.failure())
                .as(() -> "failure of: " + steps[report.steps().size() - 1].describe())
                .isEmpty();
        return report.steps().stream().map(StepReport::outcome).toList();
    }

    static String failure(DriverUnderTest test, Step step) {
        PlanReport report = apply(test, step);
        assertThat(report.failure())
                .as(() -> "failure that should have been: " + step.describe())
                .isPresent();
        return report.failure().orElseThrow().detail();
    }
}
