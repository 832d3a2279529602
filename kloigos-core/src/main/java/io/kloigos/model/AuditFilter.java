package io.kloigos.model;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which entries of the audit log to list; every part that is not null must match.
 *
 * @param who the subject
 * @param action what was asked for
 * @param target the unit, server, operation or token
 * @param since not before
 * @param until before
 * @param outcome what became of it
 * @param without leaves out what callers with this role did
 */
public record AuditFilter(
        @Nullable String who,
        @Nullable String action,
        @Nullable String target,
        @Nullable Instant since,
        @Nullable Instant until,
        AuditEntry.@Nullable Outcome outcome,
        @Nullable Role without) {
    /** Returns the filter that every entry passes. */
    public static AuditFilter all() {
        return new AuditFilter(null, null, null, null, null, null, null);
    }

    /** Returns this filter, which leaves out what callers with a role did. */
    public AuditFilter without(@Nullable Role role) {
        return new AuditFilter(who, action, target, since, until, outcome, role);
    }
}
