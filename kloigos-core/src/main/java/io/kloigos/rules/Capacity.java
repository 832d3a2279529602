package io.kloigos.rules;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
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
 */
public record Capacity(String region, String zone, int cpuCount, int units) {
    private static final int OFFERS = 3;
    private static final int PLACES = 8;

    /**
     * Free units that a request could have, were it not for its anti-affinity.
     *
     * @param units how many there are
     * @param places their servers, or their zones as region/zone, whichever units are kept apart over
     */
    public record Barred(int units, List<String> places) {
        /** There are none. */
        public static final Barred NONE = new Barred(0, List.of());

        public Barred {
            places = List.copyOf(places);
        }
    }

    /**
     * Returns why nothing could be allocated, and what would fit instead.
     *
     * @param free everything that the anti-affinity of the request does not rule out, none of which matches {@code request}
     * @param barred what matches and is ruled out
     */
    public static String refusal(AllocateRequest request, List<Capacity> free, Barred barred) {
        String attempted = "Cannot allocate "
                + (request.cpuCount() == null ? "a unit" : "a unit of " + request.cpuCount() + " CPUs")
                + (request.zone() == null ? "" : " in zone " + request.zone())
                + (request.region() == null ? "" : " in region " + request.region());
        AntiAffinity antiAffinity = request.antiAffinity();
        if (antiAffinity != null && barred.units() > 0) {
            return attempted
                    + ruledOut(request, antiAffinity, barred)
                    + (free.isEmpty()
                            ? " Init another server, or ask without anti_affinity."
                            : " Free elsewhere: " + offers(request, free));
        }
        if (free.isEmpty()) {
            return attempted + ": no unit is free anywhere. Deallocate a unit or init another server.";
        }
        return attempted + ": no such unit is free. Free: " + offers(request, free);
    }

    private static String ruledOut(AllocateRequest request, AntiAffinity antiAffinity, Barred barred) {
        String places = barred.places().stream().limit(PLACES).collect(Collectors.joining(", "));
        int others = Math.max(0, barred.places().size() - PLACES);
        return ": " + (barred.units() == 1 ? "the only free one is" : "the " + barred.units() + " free ones are all")
                + (antiAffinity.over() == AntiAffinity.Scope.ZONE ? " in zones" : " on servers") + " that hold "
                + antiAffinity.tag() + " \""
                + request.tags().text(antiAffinity.tag()).orElseThrow() + "\" already: " + places
                + (others == 0 ? "." : " and " + others + " others.");
    }

    private static String offers(AllocateRequest request, List<Capacity> free) {
        Integer wanted = request.cpuCount();
        return free.stream()
                .sorted(Comparator.<Capacity>comparingInt(capacity -> samePlace(request, capacity) ? 0 : 1)
                        .thenComparingInt(capacity -> wanted == null ? 0 : Math.abs(capacity.cpuCount() - wanted)))
                .limit(OFFERS)
                .map(Capacity::offer)
                .collect(Collectors.joining(", ", "", free.size() > OFFERS ? ", and others." : "."));
    }

    private static String offer(Capacity capacity) {
        return (capacity.units() == 1 ? "1 unit" : capacity.units() + " units") + " of " + capacity.cpuCount()
                + " CPUs in "
                + capacity.region() + "/" + capacity.zone();
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
