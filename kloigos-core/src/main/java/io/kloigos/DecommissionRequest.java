package io.kloigos;

import io.kloigos.planner.HostPlanner.DataDisks;
import java.util.Objects;

/**
 * How a server is given back.
 *
 * @param hostname which server
 * @param tenants what happens if units are in tenants' hands
 * @param dataDisks what happens to data disks
 */
public record DecommissionRequest(String hostname, Tenants tenants, DataDisks dataDisks) {
    /** What happens if units are in tenants' hands. */
    public enum Tenants {
        /** The server is not given back. */
        REFUSE,
        /** Their tenants are ended and erased. */
        EVICT
    }

    public DecommissionRequest {
        Objects.requireNonNull(hostname);
        Objects.requireNonNull(tenants);
        Objects.requireNonNull(dataDisks);
    }

    /** Returns a request that refuses if units are allocated and keeps data disks. */
    public static DecommissionRequest of(String hostname) {
        return new DecommissionRequest(hostname, Tenants.REFUSE, DataDisks.KEEP);
    }
}
