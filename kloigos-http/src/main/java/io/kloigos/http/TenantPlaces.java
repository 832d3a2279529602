package io.kloigos.http;

import io.kloigos.model.Tenant;
import java.util.HashMap;
import java.util.Map;

/**
 * How many requests of each tenant are answered at the same time, and how many may be: each has a thread of those that all share, and
 * may wait for a host that does not answer. Thread-safe.
 */
final class TenantPlaces {
    private final int most;
    private final Map<Tenant, Integer> taken = new HashMap<>();

    /** @param most how many of each tenant */
    TenantPlaces(int most) {
        this.most = most;
    }

    /** Takes a place; false if the tenant has no more. */
    synchronized boolean take(Tenant tenant) {
        int now = taken.getOrDefault(tenant, 0);
        if (now >= most) {
            return false;
        }
        taken.put(tenant, now + 1);
        return true;
    }

    /** Gives back what was taken. */
    synchronized void giveBack(Tenant tenant) {
        taken.computeIfPresent(tenant, (same, places) -> places == 1 ? null : places - 1);
    }
}
