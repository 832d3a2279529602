package io.kloigos.model;

import java.util.Objects;

/**
 * How a server is emptied of tenants.
 *
 * @param hostname which server
 * @param reason why, as others will read it
 * @param tenants what happens if units are in tenants' hands
 */
public record DrainRequest(String hostname, Reason reason, Tenants tenants) {
    public DrainRequest {
        Objects.requireNonNull(hostname);
        Objects.requireNonNull(reason);
        Objects.requireNonNull(tenants);
    }
}
