package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * How much of what there is in a fleet, as a monitoring system wants to know it. What there is none of is not among it.
 *
 * @param units how many units, by region, zone and status
 * @param servers how many servers, by region, zone, status and whether they are cordoned
 * @param unfinished how many operations that have not ended, by kind and state
 * @param drift what the last look found on each ready server that was looked at
 */
public record FleetCounts(
        List<UnitCount> units, List<ServerCount> servers, List<OperationCount> unfinished, List<DriftCount> drift) {
    /**
     * Units of one status in a zone.
     *
     * @param units how many
     * @param cpus how many logical CPUs they have together
     */
    public record UnitCount(String region, String zone, UnitStatus status, long units, long cpus) {
        public UnitCount {
            Objects.requireNonNull(region);
            Objects.requireNonNull(zone);
            Objects.requireNonNull(status);
        }
    }

    /**
     * Servers of one status in a zone.
     *
     * @param servers how many
     */
    public record ServerCount(String region, String zone, ServerStatus status, boolean cordoned, long servers) {
        public ServerCount {
            Objects.requireNonNull(region);
            Objects.requireNonNull(zone);
            Objects.requireNonNull(status);
        }
    }

    /**
     * Operations of one kind and state.
     *
     * @param operations how many
     * @param oldest since when the oldest of them is in this state: when its attempt began, or when it was asked for
     */
    public record OperationCount(Operation.Kind kind, Operation.State state, long operations, Instant oldest) {
        public OperationCount {
            Objects.requireNonNull(kind);
            Objects.requireNonNull(state);
            Objects.requireNonNull(oldest);
        }
    }

    /**
     * What the last look at a server found.
     *
     * @param checkedAt when that was
     * @param deviations how much differed
     */
    public record DriftCount(String hostname, Instant checkedAt, int deviations) {
        public DriftCount {
            Objects.requireNonNull(hostname);
            Objects.requireNonNull(checkedAt);
        }
    }

    public FleetCounts {
        units = List.copyOf(units);
        servers = List.copyOf(servers);
        unfinished = List.copyOf(unfinished);
        drift = List.copyOf(drift);
    }
}
