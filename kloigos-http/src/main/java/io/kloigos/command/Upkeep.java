package io.kloigos.command;

import io.kloigos.DriftPolicy;
import io.kloigos.Kloigos;
import io.kloigos.KloigosBuilder;
import io.kloigos.rules.Bases;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the server does by itself, and how long it keeps what.
 *
 * @param driftEvery how often each server is looked at for drift; null for never
 * @param operationsKept how long operations are kept after their end
 * @param auditKept how long the audit log is kept
 * @param lease how long a replica without a sign of life keeps its operations
 * @param expiryNotice how long before a unit expires that is told
 * @param shutdownDelay how long requests are taken after the server was told to stop
 * @param bases where user ids and ports of units begin
 */
record Upkeep(
        @Nullable Duration driftEvery,
        Duration operationsKept,
        Duration auditKept,
        Duration lease,
        Duration expiryNotice,
        Duration shutdownDelay,
        Bases bases) {
    Upkeep {
        Objects.requireNonNull(operationsKept);
        Objects.requireNonNull(auditKept);
        Objects.requireNonNull(lease);
        Objects.requireNonNull(expiryNotice);
        Objects.requireNonNull(shutdownDelay);
        Objects.requireNonNull(bases);
    }

    static Upkeep standard() {
        return new Upkeep(
                Duration.ofMinutes(10),
                Duration.ofDays(7),
                Duration.ofDays(400),
                Duration.ofSeconds(20),
                Duration.ofHours(1),
                Duration.ZERO,
                Bases.defaults());
    }

    /** Returns a builder of a Kloigos that is kept up so. */
    KloigosBuilder builder(DriftPolicy policy) {
        KloigosBuilder builder = Kloigos.builder()
                .keepOperations(operationsKept)
                .keepAuditLog(auditKept)
                .lease(lease)
                .expiryNotice(expiryNotice)
                .bases(bases);
        return driftEvery == null ? builder.neverCheckDrift() : builder.checkDrift(driftEvery, policy);
    }
}
