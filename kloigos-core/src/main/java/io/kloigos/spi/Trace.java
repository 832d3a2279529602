package io.kloigos.spi;

import java.util.Locale;

/** A kind of thing that a tenant leaves on a host. Every driver can erase each kind and look for it. */
public enum Trace {
    /**
     * Crontabs and at jobs. Where the tenant ends they are erased before processes, which they would start again, and after them,
     * which could have left some. Erasing another kind leaves them.
     */
    JOBS,
    /** Processes with the tenant's real or effective user id, wherever they are, and the cgroups of the tenant's slice. */
    PROCESSES,
    /** Sessions and the user record of logind, the slice and the user manager. */
    SESSIONS,
    /** Mounts made by the tenant, or below the tenant's directories. */
    MOUNTS,
    /** User keyring and persistent keyring, which outlive the account. */
    KEYRINGS,
    /** System V shared memory, semaphores and message queues. */
    IPC,
    /** Files of the tenant's user or group outside the unit's own directories. */
    FILES;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
