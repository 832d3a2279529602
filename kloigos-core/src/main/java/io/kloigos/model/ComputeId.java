package io.kloigos.model;

import java.util.regex.Pattern;

/**
 * The name of a compute unit in the fleet: the server's host name, an underscore, and the unit's CPUs with commas as
 * underscores, e.g. {@code host1_0-15}.
 *
 * @param value the whole name
 */
public record ComputeId(String value) implements Comparable<ComputeId> {
    private static final Pattern FORMAT = Pattern.compile("[a-z0-9.-]{1,253}_[0-9][0-9a-f_-]{0,29}");

    public ComputeId {
        if (!FORMAT.matcher(value).matches()) {
            String shown = value.length() <= 80 ? value : value.substring(0, 80) + "...";
            throw KloigosException.invalid(
                    "compute_id", "\"" + shown + "\" is not a compute id such as \"host1_0-15\"");
        }
    }

    /** Returns the name of the unit with {@code cpus} on {@code hostname}. */
    public static ComputeId of(String hostname, CpuSet cpus) {
        return new ComputeId(hostname + "_" + Names.suffix(cpus));
    }

    @Override
    public int compareTo(ComputeId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
