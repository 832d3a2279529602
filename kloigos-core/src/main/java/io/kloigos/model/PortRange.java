package io.kloigos.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A half-open range of TCP and UDP ports: {@code 2000-2200} is 2000 to 2199.
 *
 * @param start the first port, 1 to 65535
 * @param end one past the last port, at most 65536
 */
public record PortRange(int start, int end) implements Comparable<PortRange> {
    private static final Pattern FORMAT = Pattern.compile("(\\d{1,5})-(\\d{1,5})");

    public PortRange {
        if (start < 1 || end > 65536 || end <= start) {
            throw KloigosException.invalid(
                    "port_range", "port range " + start + "-" + end + " is not within 1-65536 or is empty");
        }
    }

    /**
     * Returns the range that {@link #toString()} printed.
     *
     * @throws KloigosException INVALID_REQUEST if the text is anything else
     */
    public static PortRange parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        if (!matcher.matches()) {
            throw KloigosException.invalid("port_range", "\"" + text + "\" is not a port range such as \"2000-2200\"");
        }
        return new PortRange(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
    }

    /** Returns the largest port in the range. */
    public int last() {
        return end - 1;
    }

    /** Tells whether {@code port} is in the range. */
    public boolean contains(int port) {
        return port >= start && port < end;
    }

    /** Tells whether the two ranges share a port. */
    public boolean intersects(PortRange other) {
        return start < other.end && other.start < end;
    }

    /** Returns the range with both ends included, as nftables, systemd and sysctl write it: {@code 2000-2199}. */
    public String closed() {
        return start + "-" + last();
    }

    @Override
    public int compareTo(PortRange other) {
        return start != other.start ? Integer.compare(start, other.start) : Integer.compare(end, other.end);
    }

    /** Returns {@code start-end}, the end not included. */
    @Override
    public String toString() {
        return start + "-" + end;
    }
}
