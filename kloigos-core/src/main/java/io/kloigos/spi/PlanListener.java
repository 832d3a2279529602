package io.kloigos.spi;

/** Told of a plan's progress, on the thread that applies it. */
public interface PlanListener {
    /** Step {@code index} of the plan has begun. */
    void begun(int index);

    /** A step has ended. */
    void ended(StepReport report);

    /** Returns a listener that does nothing. */
    static PlanListener none() {
        return new PlanListener() {
            @Override
            public void begun(int index) {}

            @Override
            public void ended(StepReport report) {}
        };
    }
}
