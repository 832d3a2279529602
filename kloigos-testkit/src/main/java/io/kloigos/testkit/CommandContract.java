package io.kloigos.testkit;

import static io.kloigos.testkit.ContractPlans.apply;
import static io.kloigos.testkit.ContractPlans.failure;
import static io.kloigos.testkit.ContractPlans.id;
import static io.kloigos.testkit.ContractPlans.outcome;
import static io.kloigos.testkit.ContractPlans.succeed;
import static io.kloigos.testkit.ContractPlans.workspace;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a driver must do with commands and their conditions. */
interface CommandContract extends DriverUnderTest {
    @Test
    @DisplayName("a step that fails stops the plan and is reported with what the host said")
    default void aFailureStopsThePlan() {
        String in = workspace(this);

        PlanReport report = apply(
                this,
                new Step.Directories(in + "/before", Access.rootDirectory()),
                Step.Command.of("cp", in + "/missing", in + "/copy"),
                new Step.Directories(in + "/after", Access.rootDirectory()));

        assertThat(report.steps())
                .extracting(StepReport::index, StepReport::outcome)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(0, Outcome.CHANGED),
                        org.assertj.core.groups.Tuple.tuple(1, Outcome.FAILED));
        assertThat(report.failure().orElseThrow().detail()).contains("No such file or directory");
        succeed(this, Step.Command.of("test", "-d", in + "/before"), Step.Command.of("test", "!", "-e", in + "/after"));
    }

    @Test
    @DisplayName("a command that fails without a word, or does not exist, fails with a reason")
    default void failuresHaveAReason() {
        assertThat(failure(this, Step.Command.of("false"))).isNotBlank();
        assertThat(failure(this, Step.Command.of("kloigos-no-such-command"))).contains("kloigos-no-such-command");
        assertThat(outcome(this, Step.Command.of("true"))).isEqualTo(Outcome.CHANGED);
    }

    @Test
    @DisplayName("Ensure runs its command only if the condition does not hold, and then it must")
    default void ensureMakesAConditionHold() {
        String in = workspace(this);
        Condition there = Condition.succeeds("test", "-e", in + "/file");
        Condition gone = Condition.fails("test", "-e", in + "/file");

        assertThat(outcome(this, Step.Ensure.that(gone, "false"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(failure(this, Step.Ensure.that(there, "true"))).contains("test");
        assertThat(failure(this, Step.Ensure.that(there, "false"))).isNotBlank();
        assertThat(outcome(this, Step.Ensure.that(there, "touch", in + "/file")))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, Step.Ensure.that(there, "false"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(failure(this, Step.Ensure.that(gone, "true"))).contains("test");
    }

    @Test
    @DisplayName("a plan that runs over its time limit is ended with HOST_TIMEOUT")
    default void endlessPlansAreEnded() {
        HostPlan plan = new HostPlan(
                id(),
                HostPlan.Scope.host(),
                FENCE.incrementAndGet(),
                Duration.ofSeconds(1),
                List.of(Step.Command.of("sleep", "600")));
        try (HostSession session = driver().open(host())) {
            assertThatThrownBy(() -> session.apply(plan, PlanListener.none()))
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_TIMEOUT));
        }
        succeed(this, Step.Command.of("true"));
    }
}
