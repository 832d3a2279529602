package io.kloigos.model;

import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An API token without its secret.
 *
 * @param id its public id, with which the secret begins
 * @param name who uses it, as the audit log tells: 1 to 100 letters, digits, dots, underscores, at signs and hyphens
 * @param role what it allows
 * @param tenant whose units it is for; not null if the role is TENANT, and only then
 * @param createdBy who made it
 * @param createdAt when it was made
 * @param expiresAt from when on it is refused; null if never
 * @param lastUsedAt when it was last used, give or take a minute; null if never
 * @param revokedAt since when it is refused; null if it was not revoked
 */
public record ApiToken(
        String id,
        String name,
        Role role,
        @Nullable Tenant tenant,
        String createdBy,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant lastUsedAt,
        @Nullable Instant revokedAt) {
    public ApiToken {
        Objects.requireNonNull(id);
        Objects.requireNonNull(createdBy);
        Objects.requireNonNull(createdAt);
        Faults faults = new Faults();
        if (!name.matches("[A-Za-z0-9._@-]{1,100}")) {
            faults.add(
                    "name",
                    "a token's name has 1 to 100 letters, digits, dots, underscores, at signs and hyphens",
                    "name");
        }
        if ((role == Role.TENANT) != (tenant != null)) {
            faults.add(
                    "tenant",
                    role == Role.TENANT
                            ? "is required: whose units is the token for?"
                            : "stands only beside the role " + Role.TENANT,
                    "tenant");
        }
        if (expiresAt != null && !expiresAt.isAfter(createdAt)) {
            faults.add("expires_at", expiresAt + " has passed", "expires_at");
        }
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot make a token");
    }

    /** Whether a token is accepted, and if not, why. */
    public enum State {
        VALID,
        EXPIRED,
        REVOKED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Returns its state at that time; a token that was revoked is that for ever, though it would have expired too. */
    public State state(Instant now) {
        if (revokedAt != null) {
            return State.REVOKED;
        }
        return expiresAt == null || now.isBefore(expiresAt) ? State.VALID : State.EXPIRED;
    }

    /** Tells whether it is accepted at that time. */
    public boolean isValid(Instant now) {
        return state(now) == State.VALID;
    }

    /** Returns whoever uses it. */
    public Caller caller() {
        return new Caller(name, role, tenant, id);
    }
}
