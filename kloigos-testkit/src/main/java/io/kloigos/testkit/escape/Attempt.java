package io.kloigos.testkit.escape;

import java.util.Locale;
import java.util.Objects;

/**
 * One attempt to leave a unit, and what became of it.
 *
 * @param id its name, {@code AREA.WHAT}; stable
 * @param area what it is about, e.g. {@code ports}
 * @param tried what the tenant tried
 * @param answered what the kernel or a daemon said, and what was seen afterwards
 * @param verdict how it ended
 */
public record Attempt(String id, String area, String tried, String answered, Verdict verdict) {
    /** How an attempt ended. */
    public enum Verdict {
        /** The tenant stayed within the unit; that was looked at, not assumed. */
        HELD,
        /** The tenant got something that is not the unit's. */
        ESCAPED,
        /** The host lacks what the attempt is about; {@link Attempt#answered} says what. */
        NOT_APPLICABLE;

        /** Returns the verdict as the suite prints it, e.g. {@code not_applicable}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Attempt {
        Objects.requireNonNull(id);
        Objects.requireNonNull(area);
        Objects.requireNonNull(tried);
        Objects.requireNonNull(answered);
        Objects.requireNonNull(verdict);
    }

    @Override
    public String toString() {
        return verdict + " " + id + ": " + tried + ": " + answered;
    }
}
