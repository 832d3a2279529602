package io.kloigos.spi;

import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * Ordered steps that make a host hold what the inventory says. A plan is a value: it prints as what it would do, and doing
 * it twice is the same as doing it once.
 *
 * @param id names this attempt; the outcome is kept on the host under it
 * @param scope what of the host is locked meanwhile
 * @param timeLimit after this the plan is ended on the host
 * @param steps what to do, in order
 */
public record HostPlan(String id, Scope scope, Duration timeLimit, List<Step> steps) {
    /**
     * What a plan locks: the whole host, or one unit, beside which plans of other units may run.
     *
     * @param unit the unit's user, or empty for the whole host
     */
    public record Scope(String unit) {
        /** Returns the scope of plans that change what units share. */
        public static Scope host() {
            return new Scope("");
        }

        /** Returns the scope of plans that change one unit only. */
        public static Scope unit(String user) {
            return new Scope(user);
        }

        /** Tells whether this is the whole host. */
        public boolean isHost() {
            return unit.isEmpty();
        }
    }

    public HostPlan {
        Objects.requireNonNull(scope);
        if (!id.matches("[A-Za-z0-9._-]{1,80}")) {
            throw new IllegalArgumentException(
                    "a plan's id has letters, digits, dots, hyphens and underscores only: " + id);
        }
        if (timeLimit.isNegative() || timeLimit.isZero()) {
            throw new IllegalArgumentException("a plan's time limit is above zero: " + timeLimit);
        }
        steps = List.copyOf(steps);
    }

    /** Returns the plan as numbered lines, one a step. */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < steps.size(); i++) {
            out.append(String.format("%3d  %s%n", i + 1, steps.get(i).describe()));
        }
        return out.toString();
    }
}
