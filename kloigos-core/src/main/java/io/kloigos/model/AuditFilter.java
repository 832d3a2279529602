package io.kloigos.model;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which entries of the audit log to list; every part that is not null must match. Texts are compared letter by letter, capitals
 * and small ones apart.
 *
 * @param who how the subject begins
 * @param role the role that the subject had
 * @param address how the network address begins from which it was asked
 * @param action what was asked for
 * @param target how the name of the unit, server, operation or token begins; since a unit's name begins with its server's, a
 *     server's name also finds what was done to its units
 * @param since not before
 * @param until before
 * @param outcome what became of it
 * @param without leaves out what callers with this role did
 */
public record AuditFilter(
        @Nullable String who,
        @Nullable Role role,
        @Nullable String address,
        @Nullable String action,
        @Nullable String target,
        @Nullable Instant since,
        @Nullable Instant until,
        AuditEntry.@Nullable Outcome outcome,
        @Nullable Role without) {
    /** Returns the filter that every entry passes. */
    public static AuditFilter all() {
        return new AuditFilter(null, null, null, null, null, null, null, null, null);
    }

    /** Returns this filter, which leaves out what callers with a role did. */
    public AuditFilter without(@Nullable Role left) {
        return new AuditFilter(who, role, address, action, target, since, until, outcome, left);
    }
}
