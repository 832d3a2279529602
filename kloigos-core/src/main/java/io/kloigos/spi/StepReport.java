package io.kloigos.spi;

import java.util.Objects;

/**
 * What became of one step.
 *
 * @param index the step's place in the plan, from 0
 * @param outcome what became of it
 * @param millis how long it took on the host, in milliseconds
 * @param detail what the host said, if it failed; else empty
 */
public record StepReport(int index, Outcome outcome, long millis, String detail) {
    /** What became of a step. */
    public enum Outcome {
        /** The host was changed. */
        CHANGED,
        /** The host was already as wanted. */
        UNCHANGED,
        /** The host could not be made as wanted, or is not as expected. */
        FAILED
    }

    public StepReport {
        Objects.requireNonNull(outcome);
        Objects.requireNonNull(detail);
    }
}
