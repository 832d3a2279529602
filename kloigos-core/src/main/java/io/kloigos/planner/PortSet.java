package io.kloigos.planner;

import java.util.BitSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A set of ports, printed as the kernel prints {@code net.ipv4.ip_local_reserved_ports}. */
final class PortSet {
    private final BitSet ports = new BitSet(65536);

    /** Returns the ports of a list such as {@code 80,2000-2199}. */
    static PortSet parse(String text) {
        PortSet set = new PortSet();
        Stream.of(text.strip().split(",", -1)).filter(part -> !part.isBlank()).forEach(part -> {
            String[] ends = part.strip().split("-", -1);
            set.ports.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
        });
        return set;
    }

    PortSet with(io.kloigos.model.PortRange range) {
        ports.set(range.start(), range.end());
        return this;
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
