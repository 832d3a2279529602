package io.kloigos.spi;

import java.util.List;
import java.util.Optional;

/**
 * What became of a plan.
 *
 * @param steps what became of each step that was begun, in order
 */
public record PlanReport(List<StepReport> steps) {
    public PlanReport {
        steps = List.copyOf(steps);
    }

    /** Returns the step at which the plan stopped, if one failed. */
    public Optional<StepReport> failure() {
        return steps.stream()
                .filter(step -> step.outcome() == StepReport.Outcome.FAILED)
                .findFirst();
    }
}
