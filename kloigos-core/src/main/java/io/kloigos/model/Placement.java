package io.kloigos.model;

import java.util.Locale;

/** Which server is preferred where several have a unit that matches. */
public enum Placement {
    /** The one with the most tenants, and on it the NUMA node with the most: whole servers stay free. */
    PACK,
    /** The one with the fewest tenants, and on it the NUMA node with the fewest: tenants have few neighbours. */
    SPREAD;

    /**
     * Returns the placement that {@code text} names, in lower case.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static Placement parse(String text) {
        for (Placement placement : values()) {
            if (placement.toString().equals(text)) {
                return placement;
            }
        }
        throw KloigosException.invalid("placement", "\"" + text + "\" is neither \"pack\" nor \"spread\"");
    }

    /** Returns the name in lower case, as the API prints it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
