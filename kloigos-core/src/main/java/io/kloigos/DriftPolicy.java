package io.kloigos;

import java.util.Locale;

/** What is done about drift that was found without anybody asking. */
public enum DriftPolicy {
    /** It is kept and told to listeners. */
    REPORT,
    /** It is repaired as well. Programs that listen on foreign ports lose these sockets. */
    REPAIR;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
