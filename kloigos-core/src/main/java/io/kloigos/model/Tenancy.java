package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a unit is to the tenant who has it.
 *
 * @param tags what the tenant noted
 * @param sshPublicKeys the keys with which the tenant logs in; none while there is no tenant
 * @param startedAt when the unit was handed to the tenant; null before, and while there is no tenant
 * @param expiresAt when the unit is taken back; null if only on request
 * @param stoppedAt since when nothing of the tenant runs and nobody can log in; null if the unit is not stopped
 * @param resizedTo what the tenant may use since it was resized; null if it never was
 * @param owner the tenant; null if it is nobody's in particular, and while there is no tenant
 */
public record Tenancy(
        Tags tags,
        List<SshPublicKey> sshPublicKeys,
        @Nullable Instant startedAt,
        @Nullable Instant expiresAt,
        @Nullable Instant stoppedAt,
        @Nullable UnitLimits resizedTo,
        @Nullable Tenant owner) {
    private static final Tenancy NONE = new Tenancy(Tags.none(), List.of(), null, null, null, null, null);

    public Tenancy {
        Objects.requireNonNull(tags);
        sshPublicKeys = List.copyOf(sshPublicKeys);
    }

    /** Returns the tenancy of a unit that has no tenant. */
    public static Tenancy none() {
        return NONE;
    }

    /** Returns the tenancy of a unit that is not handed over yet to whoever sent the request. */
    public static Tenancy beginning(AllocateRequest request) {
        return new Tenancy(
                request.tags(), request.sshPublicKeys(), null, request.expiresAt(), null, null, request.owner());
    }

    /** Returns this tenancy, handed over at that time. */
    public Tenancy started(Instant at) {
        return new Tenancy(tags, sshPublicKeys, at, expiresAt, stoppedAt, resizedTo, owner);
    }

    /** Returns this tenancy with other keys. */
    public Tenancy withKeys(List<SshPublicKey> keys) {
        return new Tenancy(tags, keys, startedAt, expiresAt, stoppedAt, resizedTo, owner);
    }

    /** Returns this tenancy, stopped at that time. */
    public Tenancy stopped(Instant at) {
        return new Tenancy(tags, sshPublicKeys, startedAt, expiresAt, at, resizedTo, owner);
    }

    /** Returns this tenancy, not stopped. */
    public Tenancy running() {
        return new Tenancy(tags, sshPublicKeys, startedAt, expiresAt, null, resizedTo, owner);
    }

    /** Returns this tenancy with other limits. */
    public Tenancy resized(UnitLimits limits) {
        return new Tenancy(tags, sshPublicKeys, startedAt, expiresAt, stoppedAt, limits, owner);
    }
}
