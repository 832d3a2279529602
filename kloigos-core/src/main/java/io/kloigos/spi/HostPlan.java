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
 * @param fence orders the plans of control planes that may not know of each other: a host refuses a plan whose number is
 *     below one that it has seen for the same scope or for the whole host; 0 or more
 * @param timeLimit after this the plan is ended on the host
 * @param steps what to do, in order
 */
public record HostPlan(String id, Scope scope, long fence, Duration timeLimit, List<Step> steps) {
    /**
     * What a plan locks: the whole host, or one unit, beside which plans of other units may run.
     *
     * @param unit the unit's user, of letters, digits, dots, hyphens and underscores; or empty for the whole host
     */
    public record Scope(String unit) {
        public Scope {
            if (!unit.matches("[A-Za-z0-9._-]*")) {
                throw new IllegalArgumentException("no name of a Unix user: " + unit);
            }
        }

        /** Returns the scope of plans that change what units share. */
        public static Scope host() {
            return new Scope("");
        }

        /** Returns the scope of plans that change one unit only. */
        public static Scope unit(String user) {
            if (user.isEmpty()) {
                throw new IllegalArgumentException("a unit's plan names its user");
            }
            return new Scope(user);
        }

        /** Tells whether this is the whole host. */
        public boolean isHost() {
            return unit.isEmpty();
        }
    }

    public HostPlan {
        Objects.requireNonNull(scope);
        if (!isId(id)) {
            throw new IllegalArgumentException(
                    "a plan's id has letters, digits, dots, hyphens and underscores only: " + id);
        }
        if (fence < 0) {
            throw new IllegalArgumentException("a plan's fence is 0 or more: " + fence);
        }
        if (timeLimit.isNegative() || timeLimit.isZero()) {
            throw new IllegalArgumentException("a plan's time limit is above zero: " + timeLimit);
        }
        steps = List.copyOf(steps);
    }

    /** A plan with the lowest fence, 0: for hosts that have one control plane only. */
    public HostPlan(String id, Scope scope, Duration timeLimit, List<Step> steps) {
        this(id, scope, 0, timeLimit, steps);
    }

    /** Tells whether a plan may be named so: letters, digits, dots, hyphens and underscores, at most 80. */
    public static boolean isId(String text) {
        return text.matches("[A-Za-z0-9._-]{1,80}");
    }

    /** Returns this plan with another fence. */
    public HostPlan fencedBy(long number) {
        return new HostPlan(id, scope, number, timeLimit, steps);
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
