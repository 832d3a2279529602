package io.kloigos.testkit;

import static io.kloigos.testkit.ContractPlans.apply;
import static io.kloigos.testkit.ContractPlans.expect;
import static io.kloigos.testkit.ContractPlans.file;
import static io.kloigos.testkit.ContractPlans.plan;
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
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a driver must do with whole plans: once, in order, one after another or not, and no longer than wanted. */
interface PlanContract extends DriverUnderTest {
    @Test
    @DisplayName("the same plan applied twice has one effect and one report")
    default void aPlanIsAppliedOnce() {
        String in = workspace(this);
        HostPlan plan = plan(HostPlan.Scope.host(), file(in + "/file", "text"), Step.Command.of("true"));

        PlanReport first = apply(this, plan);
        succeed(this, new Step.Removal(in + "/file"));
        PlanReport second = apply(this, plan);
        assertThat(second).isEqualTo(first);
        expect(this, "absent", new Reading.FileText(in + "/file"));

        HostPlan failing =
                plan(HostPlan.Scope.host(), Step.Ensure.that(Condition.succeeds("test", "-e", in + "/cause"), "false"));
        PlanReport failed = apply(this, failing);
        succeed(this, file(in + "/cause", ""));
        assertThat(apply(this, failing)).isEqualTo(failed);
        assertThat(failed.failure()).isPresent();
    }

    @Test
    @DisplayName("the listener is told of each step as it begins and ends, in order")
    default void listenersSeeStepsInOrder() {
        String in = workspace(this);
        List<Object> seen = new ArrayList<>();
        HostPlan plan = plan(
                HostPlan.Scope.host(),
                file(in + "/file", "text"),
                new Step.Removal(in + "/none"),
                Step.Command.of("false"),
                Step.Command.of("true"));
        PlanReport report;
        try (HostSession session = driver().open(host())) {
            report = session.apply(plan, new PlanListener() {
                @Override
                public void begun(int index) {
                    seen.add(index);
                }

                @Override
                public void ended(StepReport step) {
                    seen.add(step);
                }
            });
        }

        List<StepReport> steps = report.steps();
        assertThat(steps)
                .extracting(StepReport::outcome)
                .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.FAILED);
        assertThat(seen).containsExactly(0, steps.get(0), 1, steps.get(1), 2, steps.get(2));
    }

    @Test
    @DisplayName("plans of two units are applied beside each other")
    default void unitsDoNotWaitForEachOther() throws InterruptedException {
        String in = workspace(this);
        CountDownLatch otherEnded = new CountDownLatch(1);
        HostPlan waiting = plan(HostPlan.Scope.unit("kloigos-one"), file(in + "/one", "1"), Step.Command.of("true"));
        HostPlan other = plan(HostPlan.Scope.unit("kloigos-two"), file(in + "/two", "2"));
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<PlanReport> first = CompletableFuture.supplyAsync(() -> {
            try (HostSession session = driver().open(host())) {
                return session.apply(waiting, new PlanListener() {
                    @Override
                    public void begun(int index) {
                        begun.countDown();
                        try {
                            assertThat(otherEnded.await(30, TimeUnit.SECONDS))
                                    .as("the plan of another unit ended meanwhile")
                                    .isTrue();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }

                    @Override
                    public void ended(StepReport report) {}
                });
            }
        });
        assertThat(begun.await(30, TimeUnit.SECONDS)).as("the first plan began").isTrue();
        assertThat(apply(this, other).failure()).isEmpty();
        otherEnded.countDown();

        assertThat(first.join().failure()).isEmpty();
        expect(this, "1", new Reading.FileText(in + "/one"));
        expect(this, "2", new Reading.FileText(in + "/two"));
    }

    @Test
    @DisplayName("a plan with a lower fence than one seen for its unit or the host is refused with HOST_FENCED")
    default void outdatedPlansAreRefused() {
        String in = workspace(this);
        HostPlan.Scope one =
                HostPlan.Scope.unit("kloigos-" + UUID.randomUUID().toString().substring(0, 8));
        HostPlan.Scope two =
                HostPlan.Scope.unit("kloigos-" + UUID.randomUUID().toString().substring(0, 8));
        HostPlan outdatedOne = plan(one, file(in + "/one", "outdated"));
        HostPlan outdatedTwo = plan(two, file(in + "/two", "outdated"));
        HostPlan outdatedHost = plan(HostPlan.Scope.host(), file(in + "/host", "outdated"));
        HostPlan newOne = plan(one, file(in + "/one", "new"));

        PlanReport first = apply(this, newOne);
        assertFenced(outdatedOne);
        assertFenced(outdatedHost);
        assertThat(apply(this, outdatedTwo).end())
                .as("another unit has a fence of its own")
                .isEqualTo(PlanReport.End.COMPLETED);
        assertThat(apply(this, plan(one, Step.Command.of("true")).fencedBy(newOne.fence()))
                        .end())
                .as("the same fence")
                .isEqualTo(PlanReport.End.COMPLETED);
        HostPlan outdatedByHost = plan(two, file(in + "/two", "outdated by the host"));
        succeed(this, Step.Command.of("true"));
        assertFenced(outdatedByHost);

        assertThat(apply(this, newOne)).as("what is known to have ended").isEqualTo(first);
        expect(this, "new", new Reading.FileText(in + "/one"));
        expect(this, "outdated", new Reading.FileText(in + "/two"));
        expect(this, "absent", new Reading.FileText(in + "/host"));
    }

    private void assertFenced(HostPlan plan) {
        assertThatThrownBy(() -> apply(this, plan))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_FENCED));
    }

    @Test
    @DisplayName("a cancelled plan begins no further step, be it cancelled from another session or before it was known")
    default void cancelledPlansEnd() {
        String in = workspace(this);
        HostPlan plan = plan(
                HostPlan.Scope.unit("kloigos-one"),
                file(in + "/first", "text"),
                new Step.Expectation(new Reading.FileText(in + "/first"), "changed", Duration.ofSeconds(30)),
                file(in + "/third", "text"));
        HostPlan meanwhile = plan(HostPlan.Scope.unit("kloigos-two"), file(in + "/first", "changed"));
        PlanReport report;
        try (HostSession session = driver().open(host())) {
            report = session.apply(plan, new PlanListener() {
                @Override
                public void begun(int index) {
                    if (index == 1) {
                        cancel(plan.id());
                        apply(PlanContract.this, meanwhile);
                    }
                }

                @Override
                public void ended(StepReport step) {}
            });
        }
        HostPlan unknown = plan(HostPlan.Scope.host(), file(in + "/fourth", "text"));
        cancel(unknown.id());

        assertThat(report.end()).isEqualTo(PlanReport.End.CANCELLED);
        assertThat(report.steps()).extracting(StepReport::outcome).containsExactly(Outcome.CHANGED, Outcome.UNCHANGED);
        assertThat(apply(this, plan)).as("the record of the cancelled plan").isEqualTo(report);
        assertThat(apply(this, unknown)).isEqualTo(PlanReport.cancelled(List.of()));
        for (String name : List.of("/third", "/fourth")) {
            expect(this, "absent", new Reading.FileText(in + name));
        }
    }

    private void cancel(String planId) {
        try (HostSession session = driver().open(host())) {
            session.cancel(planId);
        }
    }
}
