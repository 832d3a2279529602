package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant asks for.
 *
 * @param cpuCount the exact number of CPUs, 1 or more; null for any
 * @param region only there; null for anywhere
 * @param zone only there; null for anywhere
 * @param tags what to note on the unit
 * @param sshPublicKey the key with which the tenant will log in
 */
public record AllocateRequest(
        @Nullable Integer cpuCount,
        @Nullable String region,
        @Nullable String zone,
        Tags tags,
        SshPublicKey sshPublicKey) {
    public AllocateRequest {
        Objects.requireNonNull(tags);
        Objects.requireNonNull(sshPublicKey);
        if (cpuCount != null && (cpuCount < 1 || cpuCount > CpuSet.MAX_CPU + 1)) {
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Cannot allocate",
                    java.util.List.of(Fault.of("cpu_count", cpuCount + " is not a number of CPUs", "cpu_count")));
        }
    }
}
