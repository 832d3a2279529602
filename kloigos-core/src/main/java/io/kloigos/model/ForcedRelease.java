package io.kloigos.model;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/**
 * An operator's word that a unit is released although something of its tenant may be left.
 *
 * @param reason why, in the operator's words
 * @param accepted which kinds are neither erased nor must be clean; never {@link Trace#PROCESSES}
 */
public record ForcedRelease(Reason reason, Set<Trace> accepted) {
    public ForcedRelease {
        Objects.requireNonNull(reason);
        accepted = accepted.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(accepted));
        if (accepted.contains(Trace.PROCESSES)) {
            throw new IllegalArgumentException("no unit is released with processes of its tenant");
        }
    }

    /** Returns this as the reason of a change of status. */
    public String remark() {
        return "forced by operator: " + reason;
    }
}
