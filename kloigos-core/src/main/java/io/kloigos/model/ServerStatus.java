package io.kloigos.model;

import java.util.List;
import java.util.Locale;

/** The status of a server. */
public enum ServerStatus {
    /** Being prepared. */
    INITIALIZING,
    /** Preparing it failed; try that again, or decommission it. */
    INIT_FAIL,
    /** Managed: its units can be allocated. */
    READY,
    /** Being given back. */
    DECOMMISSIONING,
    /** Given back: nothing of Kloigos is left on it. */
    DECOMMISSIONED,
    /** Giving it back failed; decommission again. */
    DECOMMISSION_FAIL;

    /**
     * Returns the status that {@code text} names, in any case.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static ServerStatus parse(String text) {
        for (ServerStatus status : values()) {
            if (status.name().equalsIgnoreCase(text)) {
                return status;
            }
        }
        throw KloigosException.invalid("status", "there is no status \"" + text + "\"; there are " + List.of(values()));
    }

    /** Returns the name in lower case, as the API prints it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
