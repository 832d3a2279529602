package io.kloigos.planner;

import java.util.BitSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A set of ports, printed as the kernel prints {@code net.ipv4.ip_local_reserved_ports}. */
final class PortSet {
    private static final Pattern RANGE = Pattern.compile("\\d{1,5}(-\\d{1,5})?");

    private final BitSet ports = new BitSet(65536);

    /** Tells whether a text is a list of ports, and not a host's reason why there is none. */
    static boolean isOne(String text) {
        return ranges(text).allMatch(range -> RANGE.matcher(range).matches());
    }

    private static Stream<String> ranges(String text) {
        return Stream.of(text.split(",", -1)).map(String::strip).filter(range -> !range.isEmpty());
    }

    /** Returns the ports of a list such as {@code 80,2000-2199}. */
    static PortSet parse(String text) {
        PortSet set = new PortSet();
        ranges(text).forEach(range -> {
            String[] ends = range.split("-", -1);
            set.ports.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
        });
        return set;
    }

    PortSet with(io.kloigos.model.PortRange range) {
        ports.set(range.start(), range.end());
        return this;
    }

    PortSet without(PortSet other) {
        ports.andNot(other.ports);
        return this;
    }

    boolean contains(int port) {
        return ports.get(port);
    }

    boolean covers(PortSet other) {
        BitSet missing = (BitSet) other.ports.clone();
        missing.andNot(ports);
        return missing.isEmpty();
    }

    @Override
    public String toString() {
        return Stream.iterate(
                        ports.nextSetBit(0), first -> first >= 0, first -> ports.nextSetBit(ports.nextClearBit(first)))
                .map(first -> {
                    int last = ports.nextClearBit(first) - 1;
                    return first == last ? Integer.toString(first) : first + "-" + last;
                })
                .collect(Collectors.joining(","));
    }
}
