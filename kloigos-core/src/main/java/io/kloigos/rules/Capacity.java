package io.kloigos.rules;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.Server;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Units that could be allocated now, of one size in one place.
 *
 * @param region where their servers stand
 * @param zone where in the region
 * @param cpuCount CPUs of each
 * @param units how many there are
 * @param example one of them
 */
public record Capacity(String region, String zone, int cpuCount, int units, ComputeId example) {
    private static final int OFFERS = 3;

    /**
     * Returns why nothing could be allocated, and what would fit instead.
     *
     * @param free everything that is free, none of which matches {@code request}
     */
    public static String refusal(AllocateRequest request, List<Capacity> free) {
        String attempted = "Cannot allocate "
                + (request.cpuCount() == null ? "a unit" : "a unit of " + request.cpuCount() + " CPUs")
                + (request.zone() == null ? "" : " in zone " + request.zone())
                + (request.region() == null ? "" : " in region " + request.region());
        if (free.isEmpty()) {
            return attempted + ": no unit is free anywhere. Deallocate a unit or init another server.";
        }
        Integer wanted = request.cpuCount();
        String offers = free.stream()
                .sorted(Comparator.<Capacity>comparingInt(capacity -> samePlace(request, capacity) ? 0 : 1)
                        .thenComparingInt(capacity -> wanted == null ? 0 : Math.abs(capacity.cpuCount() - wanted)))
                .limit(OFFERS)
                .map(capacity -> capacity.units() + " of " + capacity.cpuCount() + " CPUs in " + capacity.region() + "/"
                        + capacity.zone() + " (" + capacity.example() + ")")
                .collect(Collectors.joining(", "));
        return attempted + ": no such unit is free. Free are " + offers
                + (free.size() > OFFERS ? ", and others." : ".");
    }

    /**
     * Returns what an operator should know of servers that would have fitted.
     *
     * @param fitting cordoned servers that have what was asked for
     */
    public static String leftOut(List<Server> fitting) {
        return fitting.isEmpty()
                ? ""
                : " Left out, as they are cordoned, are "
                        + fitting.stream()
                                .map(server -> server.hostname() + " (" + server.cordon() + ")")
                                .collect(Collectors.joining(", "))
                        + ".";
    }

    private static boolean samePlace(AllocateRequest request, Capacity capacity) {
        return (request.region() == null || request.region().equals(capacity.region()))
                && (request.zone() == null || request.zone().equals(capacity.zone()));
    }
}
