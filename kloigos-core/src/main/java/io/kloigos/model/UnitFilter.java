package io.kloigos.model;

import org.jspecify.annotations.Nullable;

/**
 * Which units to list; every part that is not null must match.
 *
 * @param computeId the unit's name
 * @param hostname the unit's server
 * @param region the server's region
 * @param zone the server's zone
 * @param cpuCount the number of CPUs
 * @param deploymentId the tag {@link Tags#DEPLOYMENT_ID}
 * @param status the unit's status
 * @param owner whose the unit is
 */
public record UnitFilter(
        @Nullable String computeId,
        @Nullable String hostname,
        @Nullable String region,
        @Nullable String zone,
        @Nullable Integer cpuCount,
        @Nullable String deploymentId,
        @Nullable UnitStatus status,
        @Nullable Tenant owner) {
    /** A filter that the units of every tenant may pass. */
    public UnitFilter(
            @Nullable String computeId,
            @Nullable String hostname,
            @Nullable String region,
            @Nullable String zone,
            @Nullable Integer cpuCount,
            @Nullable String deploymentId,
            @Nullable UnitStatus status) {
        this(computeId, hostname, region, zone, cpuCount, deploymentId, status, null);
    }

    /** Returns this filter for the units of one tenant. */
    public UnitFilter ownedBy(@Nullable Tenant tenant) {
        return new UnitFilter(computeId, hostname, region, zone, cpuCount, deploymentId, status, tenant);
    }

    /** Returns the filter that every unit passes. */
    public static UnitFilter all() {
        return new UnitFilter(null, null, null, null, null, null, null);
    }

    /** Returns the filter that the unit of this name passes. */
    public static UnitFilter named(String computeId) {
        return new UnitFilter(computeId, null, null, null, null, null, null);
    }

    /** Returns the filter that the units of one server pass. */
    public static UnitFilter ofServer(String hostname) {
        return new UnitFilter(null, hostname, null, null, null, null, null);
    }
}
