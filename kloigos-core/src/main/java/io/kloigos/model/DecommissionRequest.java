package io.kloigos.model;

import java.util.Objects;

/**
 * How a server is given back.
 *
 * @param hostname which server
 * @param tenants what happens if units are in tenants' hands
 * @param dataDisks what happens to data disks
 */
public record DecommissionRequest(String hostname, Tenants tenants, DataDisks dataDisks) {
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
