package io.kloigos.model;

import java.util.Locale;

/**
 * A kind of thing that a tenant leaves on a host. Every driver can erase each kind and look for it. They stand in the order in
 * which they are erased: nothing may come in again before the processes end, and nothing may run when files go.
 */
public enum Trace {
    /** The user's crontab. */
    CRONTABS,
    /** Jobs of at(1) and batch(1). */
    AT_JOBS,
    /**
     * Processes that have the tenant's user or group id or can take it (real, effective, saved, of the file system), wherever
     * they are: also those of others that ran a set-user-ID program of the tenant.
     */
    PROCESSES,
    /** The control group of the user's slice. */
    CGROUPS,
    /** Sessions and the user record of systemd-logind. */
    SESSIONS,
    /** The file by which systemd-logind starts the user's manager at boot. */
    LINGER,
    /** {@code /run/user/UID}. */
    RUNTIME_DIRECTORY,
    /** FUSE file systems mounted by the user, and whatever is mounted below the user's directories. */
    MOUNTS,
    /** Keys in the user keyring and the user session keyring, which outlive processes and account: user-keyring(7). */
    USER_KEYRING,
    /** Keys in the user's persistent keyring: persistent-keyring(7). */
    PERSISTENT_KEYRING,
    /** System V shared memory: sysvipc(7). */
    SHARED_MEMORY,
    /** System V semaphores. */
    SEMAPHORES,
    /** System V message queues. */
    MESSAGE_QUEUES,
    /** POSIX shared memory, semaphores and message queues, which are files in {@code /dev/shm} and {@code /dev/mqueue}. */
    POSIX_IPC,
    /**
     * Sockets made by the user, in whosever hands: those of the host's network namespace that are listening or connected, and all
     * that a process has open, since a port is taken as long as that is so.
     */
    SOCKETS,
    /** The mail spool. */
    MAIL,
    /** The user's journal files: the next user of the same id could read them. Entries of the system's journal stay. */
    JOURNAL,
    /** Core dumps kept by systemd-coredump(8). */
    CORE_DUMPS,
    /** The record behind "Last login: ... from ...": lastlog(8). What wtmp(5) says stays for the operator. */
    LOGIN_RECORDS,
    /** Time stamps of sudo(8), and whether it lectured the user. */
    SUDO_RECORDS,
    /** Files of the user or the user's group outside the unit's own directories. */
    FILES,
    /** Inodes that a quota counts for the user beyond those in the unit's own directories: what no search finds. */
    DISK_USAGE;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
