package io.kloigos.rules;

import io.kloigos.model.KloigosException;

/**
 * Where user ids and ports of units begin on every server.
 *
 * @param firstUid the user id of a server's first unit, 1000 to 60000
 * @param firstPort the first port of a server's first unit
 * @param portsPerUnit how many ports each unit has
 */
public record Bases(int firstUid, int firstPort, int portsPerUnit) {
    public Bases {
        if (firstUid < 1000 || firstUid > 60000) {
            throw KloigosException.invalid("first_uid", "the first uid " + firstUid + " is not within 1000-60000");
        }
        if (firstPort < 1024 || portsPerUnit < 1 || portsPerUnit > 65536 - firstPort) {
            throw KloigosException.invalid(
                    "first_port",
                    "units of " + portsPerUnit + " ports from " + firstPort + " on do not fit between 1024 and 65535");
        }
    }

    /** Returns uids from 20000 and ports from 2000, 200 a unit. */
    public static Bases defaults() {
        return new Bases(20000, 2000, 200);
    }
}
