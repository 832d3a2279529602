package io.kloigos.spi;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What became of a plan.
 *
 * @param steps what became of each step that was begun, in order
 * @param end why no further step was begun
 */
public record PlanReport(List<StepReport> steps, End end) {
    /** Why a plan ended. */
    public enum End {
        /** Every step was done. */
        COMPLETED,
        /** A step failed: the last one. */
        FAILED,
        /** It was asked to end, by {@link HostSession#cancel}. */
        CANCELLED
    }

    public PlanReport {
        steps = List.copyOf(steps);
        Objects.requireNonNull(end);
    }

    /** Returns the report of a plan that failed if its last step did, and else was completed. */
    public static PlanReport of(List<StepReport> steps) {
        boolean failed = !steps.isEmpty() && steps.get(steps.size() - 1).outcome() == StepReport.Outcome.FAILED;
        return new PlanReport(steps, failed ? End.FAILED : End.COMPLETED);
    }

    /** Returns the report of a plan that was cancelled after these steps. */
    public static PlanReport cancelled(List<StepReport> steps) {
        return new PlanReport(steps, End.CANCELLED);
    }

    /** Returns the step at which the plan stopped, if one failed. */
    public Optional<StepReport> failure() {
        return steps.stream()
                .filter(step -> step.outcome() == StepReport.Outcome.FAILED)
                .findFirst();
    }
}
