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
 * @param placement which server is preferred
 * @param antiAffinity from which units it must be kept apart; null if from none
 * @param owner whose the unit will be; null if nobody's in particular
 */
public record AllocateRequest(
        @Nullable Integer cpuCount,
        @Nullable String region,
        @Nullable String zone,
        Tags tags,
        List<SshPublicKey> sshPublicKeys,
        @Nullable Instant expiresAt,
        Placement placement,
        @Nullable AntiAffinity antiAffinity,
        @Nullable Tenant owner) {
    public AllocateRequest {
        Objects.requireNonNull(tags);
        Objects.requireNonNull(placement);
        sshPublicKeys = SshPublicKey.several(sshPublicKeys);
        Faults faults = new Faults();
        if (cpuCount != null && (cpuCount < 1 || cpuCount > CpuSet.MAX_CPU + 1)) {
            faults.add("cpu_count", cpuCount + " is not a number of CPUs", "cpu_count");
        }
        if (antiAffinity != null && tags.text(antiAffinity.tag()).isEmpty()) {
            faults.add(
                    "anti_affinity_tag",
                    "the request has no tag \"" + antiAffinity.tag() + "\" that is a text or a number",
                    "anti_affinity",
                    "tag");
        }
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot allocate");
    }

    /** A request for a unit that is nobody's in particular. */
    public AllocateRequest(
            @Nullable Integer cpuCount,
            @Nullable String region,
            @Nullable String zone,
            Tags tags,
            List<SshPublicKey> sshPublicKeys,
            @Nullable Instant expiresAt,
            Placement placement,
            @Nullable AntiAffinity antiAffinity) {
        this(cpuCount, region, zone, tags, sshPublicKeys, expiresAt, placement, antiAffinity, null);
    }

    /** A request for a unit that is packed and kept apart from none. */
    public AllocateRequest(
            @Nullable Integer cpuCount,
            @Nullable String region,
            @Nullable String zone,
            Tags tags,
            List<SshPublicKey> sshPublicKeys,
            @Nullable Instant expiresAt) {
        this(cpuCount, region, zone, tags, sshPublicKeys, expiresAt, Placement.PACK, null);
    }

    /** As that request, with one key and for a unit that stays until it is given back. */
    public AllocateRequest(
            @Nullable Integer cpuCount,
            @Nullable String region,
            @Nullable String zone,
            Tags tags,
            SshPublicKey sshPublicKey) {
        this(cpuCount, region, zone, tags, List.of(sshPublicKey), null);
    }

    /** Returns this request for a unit of that tenant's. */
    public AllocateRequest ownedBy(@Nullable Tenant tenant) {
        return new AllocateRequest(
                cpuCount, region, zone, tags, sshPublicKeys, expiresAt, placement, antiAffinity, tenant);
    }
}
