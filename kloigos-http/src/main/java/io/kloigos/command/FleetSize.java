package io.kloigos.command;

import io.kloigos.model.KloigosException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How large a simulated fleet is.
 *
 * @param servers how many servers, 1 to {@value #MOST_SERVERS}
 * @param cpus the CPUs of each server, 1 to {@value #MOST_CPUS}
 * @param cpusPerUnit the CPUs of each unit; what remains of a server is for its system
 */
record FleetSize(int servers, int cpus, int cpusPerUnit) {
    private static final int MOST_SERVERS = 5000;
    private static final int MOST_CPUS = 1024;
    private static final int MOST_UNITS = 300;
    private static final Pattern FORMAT = Pattern.compile("(\\d{1,5})x(\\d{1,5})x(\\d{1,5})");

    FleetSize {
        String faulty = servers + "x" + cpus + "x" + cpusPerUnit;
        if (servers < 1 || servers > MOST_SERVERS) {
            throw invalid("\"" + faulty + "\" has " + servers + " servers; possible are 1 to " + MOST_SERVERS);
        }
        if (cpus < 1 || cpus > MOST_CPUS) {
            throw invalid("\"" + faulty + "\" has servers of " + cpus + " CPUs; possible are 1 to " + MOST_CPUS);
        }
        if (cpusPerUnit < 1 || cpusPerUnit > cpus) {
            throw invalid("\"" + faulty + "\" has units of " + cpusPerUnit + " CPUs on servers of " + cpus);
        }
        if (cpus / cpusPerUnit > MOST_UNITS) {
            throw invalid("\"" + faulty + "\" has " + cpus / cpusPerUnit + " units on each server; possible are "
                    + MOST_UNITS);
        }
    }

    /** Returns a fleet that starts in seconds and has a little of everything. */
    static FleetSize standard() {
        return new FleetSize(6, 64, 4);
    }

    /**
     * Returns the size that {@code text} names, such as {@code 50x256x16}.
     *
     * @throws KloigosException INVALID_REQUEST if the text is anything else
     */
    static FleetSize parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        if (!matcher.matches()) {
            throw invalid("\"" + text
                    + "\" is not SERVERSxCPUSxCPUS_PER_UNIT, such as \"50x256x16\" for 50 servers of 256 CPUs in units"
                    + " of 16");
        }
        return new FleetSize(
                Integer.parseInt(matcher.group(1)),
                Integer.parseInt(matcher.group(2)),
                Integer.parseInt(matcher.group(3)));
    }

    private static KloigosException invalid(String message) {
        return KloigosException.invalid("fleet", message);
    }

    int unitsPerServer() {
        return cpus / cpusPerUnit;
    }

    @Override
    public String toString() {
        return servers + "x" + cpus + "x" + cpusPerUnit;
    }
}
