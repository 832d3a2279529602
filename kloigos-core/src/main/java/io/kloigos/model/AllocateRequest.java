package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant asks for.
 *
 * @param cpuCount the exact number of CPUs, 1 or more; null for any
 * @param region only there; null for anywhere
 * @param zone only there; null for anywhere
 * @param tags what to note on the unit
 * @param sshPublicKeys the keys with any of which the tenant will log in: 1 to 64
 * @param expiresAt when the unit is taken back; null if only on request
 */
public record AllocateRequest(
        @Nullable Integer cpuCount,
        @Nullable String region,
        @Nullable String zone,
        Tags tags,
        List<SshPublicKey> sshPublicKeys,
        @Nullable Instant expiresAt) {
    public AllocateRequest {
        Objects.requireNonNull(tags);
        sshPublicKeys = SshPublicKey.several(sshPublicKeys);
        if (cpuCount != null && (cpuCount < 1 || cpuCount > CpuSet.MAX_CPU + 1)) {
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Cannot allocate",
                    List.of(Fault.of("cpu_count", cpuCount + " is not a number of CPUs", "cpu_count")));
        }
    }

    /** A request with one key, for a unit that stays until it is given back. */
    public AllocateRequest(
            @Nullable Integer cpuCount,
            @Nullable String region,
            @Nullable String zone,
            Tags tags,
            SshPublicKey sshPublicKey) {
        this(cpuCount, region, zone, tags, List.of(sshPublicKey), null);
    }
}
