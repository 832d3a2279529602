package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A Linux host under management.
 *
 * @param address how it is reached; the host key is pinned
 * @param region where it stands
 * @param zone where in the region it stands
 * @param status its status
 * @param reason why it is in this status, where that is not plain; else empty
 * @param cordon why an operator lets it get no new tenants; null if it may get some
 * @param housekeepingCpus the CPUs on which the system and root's logins run; empty if units have every CPU
 * @param memoryReserve the memory that no unit may have, as the operator wanted it or by default
 * @param volumes its data disks
 * @param facts what the host said about itself at init; what can change of it, when it was last looked at
 * @param warnings what is not as good as it could be, and what the host cannot hold
 * @param createdAt when it came under management
 * @param operationId the newest operation on it
 */
public record Server(
        HostAddress address,
        String region,
        String zone,
        ServerStatus status,
        String reason,
        @Nullable Reason cordon,
        CpuSet housekeepingCpus,
        ByteSize memoryReserve,
        List<DataVolume> volumes,
        HostFacts facts,
        List<Warning> warnings,
        Instant createdAt,
        @Nullable String operationId) {
    public Server {
        Objects.requireNonNull(address);
        Objects.requireNonNull(memoryReserve);
        volumes = List.copyOf(volumes);
        warnings = List.copyOf(warnings);
    }

    /** Returns the name under which Kloigos manages the host. */
    public String hostname() {
        return address.hostname();
    }

    /**
     * Makes sure that what the host should hold is known.
     *
     * @param attempted what is to be done to the server, for the message
     * @throws KloigosException WRONG_STATE if the server is not ready
     */
    public void requireReady(String attempted) {
        if (status != ServerStatus.READY) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot " + attempted + " " + hostname() + ": it is " + status
                            + "; only what a ready server holds is known.");
        }
    }
}
