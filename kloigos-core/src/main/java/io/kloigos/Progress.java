package io.kloigos;

import io.kloigos.model.Operation;
import io.kloigos.model.Operation.StepState;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.StepReport;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The steps of an operation under way, kept in memory until it ends. Thread-safe. */
final class Progress {
    private final Operation started;
    private final List<Operation.Step> steps = new ArrayList<>();
    private final Consumer<Progress> listener;

    /** @param plans what the operation does, one plan after the other */
    Progress(Operation started, List<HostPlan> plans, Consumer<Progress> listener) {
        plans.forEach(plan -> steps.addAll(stepsOf(plan)));
        this.started = started;
        this.listener = listener;
    }

    /** Returns the steps of a plan, of which none has begun. */
    static List<Operation.Step> stepsOf(HostPlan plan) {
        return plan.steps().stream()
                .map(step -> new Operation.Step(step.describe(), StepState.PENDING, 0, ""))
                .toList();
    }

    /** Returns the operation with its steps as they now are. */
    synchronized Operation operation() {
        return started.with(steps);
    }

    /**
     * Returns what is told of the progress of one of the plans.
     *
     * @param first the place of its first step among all
     */
    PlanListener of(int first) {
        return new PlanListener() {
            @Override
            public void begun(int index) {
                set(first + index, StepState.RUNNING, 0, "");
                listener.accept(Progress.this);
            }

            @Override
            public void ended(StepReport report) {
                record(first, report);
                listener.accept(Progress.this);
            }
        };
    }

    /**
     * Takes over what the listener was not told of, as when a host answers for a plan that it did before.
     *
     * @param first the place of the plan's first step among all
     */
    void complete(int first, PlanReport report) {
        report.steps().forEach(step -> record(first, step));
    }

    private synchronized void record(int first, StepReport report) {
        StepState state =
                switch (report.outcome()) {
                    case CHANGED -> StepState.CHANGED;
                    case UNCHANGED -> StepState.UNCHANGED;
                    case FAILED -> StepState.FAILED;
                };
        set(first + report.index(), state, report.millis(), report.detail());
    }

    private synchronized void set(int index, StepState state, long millis, String detail) {
        steps.set(index, new Operation.Step(steps.get(index).description(), state, millis, detail));
    }
}
