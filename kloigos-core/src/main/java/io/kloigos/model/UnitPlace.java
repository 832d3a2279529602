package io.kloigos.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a unit stands in lists, which go by server and user id. It stays a place when the unit is gone.
 *
 * @param hostname the unit's server
 * @param uid the unit's user id
 */
public record UnitPlace(String hostname, int uid) {
    private static final Pattern FORMAT = Pattern.compile("([^:]{1,253}):(\\d{1,9})");

    public UnitPlace {
        Names.requireHostname(hostname);
    }

    /** Returns the place of this unit. */
    public static UnitPlace of(ComputeUnit unit) {
        return new UnitPlace(unit.hostname(), unit.uid());
    }

    /**
     * Returns the place that {@link #toString()} printed.
     *
     * @throws KloigosException INVALID_REQUEST if the text is anything else
     */
    public static UnitPlace parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        if (!matcher.matches()) {
            throw KloigosException.invalid(
                    "unit_place", "is not a place in a list: take it from the Link header of the page before");
        }
        return new UnitPlace(matcher.group(1), Integer.parseInt(matcher.group(2)));
    }

    /** Returns {@code hostname:uid}. */
    @Override
    public String toString() {
        return hostname + ":" + uid;
    }
}
