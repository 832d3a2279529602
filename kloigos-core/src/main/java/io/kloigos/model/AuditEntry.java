package io.kloigos.model;

import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What somebody did, or was refused.
 *
 * @param number its number; entries written later have higher ones
 * @param at when it was asked for
 * @param who the subject; empty if nobody was recognised
 * @param role the subject's role; null if nobody was recognised
 * @param tokenId the token's public id; null without a token
 * @param address from which network address; empty if from the command line of the machine
 * @param requestId the request's name in the answer and in the log
 * @param idempotencyKey the caller's key for it; null without one
 * @param action what, e.g. {@code deallocate}
 * @param target to what, e.g. a unit's name; of an allocation that got no unit, the place it asked for, as {@code region/zone};
 *     null if that is not known
 * @param before what of the target was another before, as JSON, or of a token all but its secret; null if nothing is known
 * @param after what it was after, as JSON; null if nothing is known
 * @param outcome what became of it
 * @param detail why it was refused or failed; null otherwise
 */
public record AuditEntry(
        long number,
        Instant at,
        String who,
        @Nullable Role role,
        @Nullable String tokenId,
        String address,
        String requestId,
        @Nullable String idempotencyKey,
        String action,
        @Nullable String target,
        @Nullable String before,
        @Nullable String after,
        Outcome outcome,
        @Nullable String detail) {
    /** What became of an action. */
    public enum Outcome {
        /** It was begun, and nothing is known of its end: it goes on, or the server ended meanwhile. */
        BEGUN,
        /** It was done; what goes on in the background has an operation of its own. */
        SUCCEEDED,
        /** Whoever asked may not, was not recognised, or asked too often. */
        REFUSED,
        /** It could not be done. */
        FAILED;

        /**
         * Returns the outcome that prints as {@code text}.
         *
         * @throws KloigosException INVALID_REQUEST if there is none
         */
        public static Outcome parse(String text) {
            for (Outcome outcome : values()) {
                if (outcome.toString().equals(text)) {
                    return outcome;
                }
            }
            throw KloigosException.invalid(
                    "outcome", "\"" + text + "\" is not one of begun, succeeded, refused, failed");
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public AuditEntry {
        Objects.requireNonNull(at);
        Objects.requireNonNull(who);
        Objects.requireNonNull(address);
        Objects.requireNonNull(requestId);
        Objects.requireNonNull(action);
        Objects.requireNonNull(outcome);
    }

    /** Returns this entry under the number with which it was written. */
    public AuditEntry numbered(long written) {
        return new AuditEntry(
                written,
                at,
                who,
                role,
                tokenId,
                address,
                requestId,
                idempotencyKey,
                action,
                target,
                before,
                after,
                outcome,
                detail);
    }

    /** Returns this entry as it ended. */
    public AuditEntry ended(
            Outcome end, @Nullable String endTarget, @Nullable String was, @Nullable String is, @Nullable String why) {
        return new AuditEntry(
                number,
                at,
                who,
                role,
                tokenId,
                address,
                requestId,
                idempotencyKey,
                action,
                endTarget,
                was,
                is,
                end,
                why);
    }
}
