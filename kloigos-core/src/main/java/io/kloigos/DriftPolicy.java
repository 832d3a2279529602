package io.kloigos;

import io.kloigos.model.KloigosException;
import java.util.Locale;

/** What is done about drift that was found without anybody asking. */
public enum DriftPolicy {
    /** It is kept and told to listeners. */
    REPORT,
    /** It is repaired as well. Programs that listen on foreign ports lose these sockets. */
    REPAIR;

    /**
     * Returns the policy that {@code text} names, in lower case.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static DriftPolicy parse(String text) {
        for (DriftPolicy policy : values()) {
            if (policy.toString().equals(text)) {
                return policy;
            }
        }
        throw KloigosException.invalid("drift_policy", "\"" + text + "\" is neither \"report\" nor \"repair\"");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
