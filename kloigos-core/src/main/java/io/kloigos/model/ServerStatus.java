package io.kloigos.model;

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

    /** Returns the name in lower case, as the API prints it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
