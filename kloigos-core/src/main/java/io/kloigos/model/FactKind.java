package io.kloigos.model;

import java.util.Locale;

/** What of a host is compared with what it should be. */
public enum FactKind {
    /** The host's processors are those that it was cut up by. */
    ONLINE_CPUS(Remedy.OPERATOR),
    /** Which hardware threads share a core. */
    CORES(Remedy.OPERATOR),
    /** Which CPUs each NUMA node has. */
    NUMA_NODES(Remedy.OPERATOR),
    /** Every CPU of the unit is online. */
    UNIT_CPUS(Remedy.OPERATOR),
    /** The content of a file that Kloigos wrote. */
    FILE,
    /** Mode and owner of a file that Kloigos wrote. */
    FILE_ACCESS,
    /** Mode and owner of a directory that Kloigos made. */
    DIRECTORY,
    /** A file that is there only while a tenant holds the unit. */
    NO_FILE,
    /** The user manager of a unit is started at boot. */
    LINGER,
    /** The keys that let the tenant in, and nobody else. */
    SSH_KEY,
    /** The account's line in passwd(5). */
    ACCOUNT,
    /** The account may be used: shadow(5) names no day on which it expires. */
    ACCOUNT_EXPIRY,
    /** The unit's user is in the group that sshd and the job daemons know. */
    GROUP,
    /** systemd starts, at boot, what it shall. */
    ENABLED,
    /** systemd has read the files as they are. */
    DAEMON_RELOAD,
    /** systemd follows no setting of a unit's slice but Kloigos' own. */
    DROP_INS,
    /** The unit's user manager runs. */
    USER_MANAGER,
    /** The CPUs that the unit may use, as the kernel has them: cpuset.cpus.effective. Compared while all are online. */
    CPUS,
    /** The memory nodes that the unit may use: cpuset.mems.effective. Compared while all are there. */
    MEMORY_NODES,
    /** memory.max of the unit's slice. */
    MEMORY_MAX,
    /** memory.high of the unit's slice. */
    MEMORY_HIGH,
    /** memory.swap.max of the unit's slice. */
    SWAP_MAX,
    /** pids.max of the unit's slice. */
    TASKS_MAX,
    /** io.max of the unit's slice, by device. */
    IO_MAX,
    /** The CPUs that are left to the system. Compared while all are online. */
    HOUSEKEEPING_CPUS,
    /** User quota on a file system. */
    USER_QUOTA,
    /** Project quota on a file system. */
    PROJECT_QUOTA,
    /** A file system is mounted so that quotas limit: with usrquota, or prjquota. Without, they only count. */
    QUOTA_MOUNT(Remedy.OPERATOR),
    /** A data disk, or a unit's part of it, is mounted. */
    MOUNT,
    /** nftables knows the unit's user. */
    PORT_USER,
    /** nftables keeps everybody else from the unit's ports. */
    PORT_RANGE,
    /** nftables lets the unit's user serve the unit's ports. */
    PORT_OWNER,
    /** The rules that look at packets. */
    PORT_RULES,
    /** systemd refuses the unit to bind ports of others, where it is to do that. */
    PORT_BINDING,
    /** No program of the unit holds a port that is not the unit's and that the kernel gave to nobody by itself. */
    FOREIGN_PORTS,
    /** The kernel gives no port of a unit to outgoing connections. */
    RESERVED_PORTS,
    /** Settings of the kernel that keep users from planting files for each other. */
    KERNEL_SETTING,
    /** sshd looks for keys where Kloigos puts them. */
    SSHD,
    /** Job daemons run a tenant's jobs inside the unit. */
    JOBS;

    /** Who can mend what is different. */
    public enum Remedy {
        /** A repair. */
        REPAIR,
        /** An operator: the reason lies outside what Kloigos set up. */
        OPERATOR
    }

    private final Remedy remedy;

    FactKind() {
        this(Remedy.REPAIR);
    }

    FactKind(Remedy remedy) {
        this.remedy = remedy;
    }

    /** Returns who can mend it. */
    public Remedy remedy() {
        return remedy;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
