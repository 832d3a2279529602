package io.kloigos.model;

import java.util.Locale;

/** Something that a host may or may not be able to do. The names in lower case are what the probe reports. */
public enum Capability {
    /** The unified cgroup hierarchy is mounted on /sys/fs/cgroup. */
    CGROUP_V2,
    /** {@code cgroup.kill} exists: Linux 5.14 or later. */
    CGROUP_KILL,
    /** nftables accepts a set of user id and port intervals, and counts connections by user id. */
    NFT_UID_PORTS,
    /** systemd is built with BPF, so that it can refuse {@code bind(2)}. */
    SYSTEMD_BPF,
    /** {@code systemd-sysusers} is installed. */
    SYSUSERS,
    /** {@code ss} is installed. */
    SOCKET_STATISTICS,
    /** {@code flock}, {@code timeout}, {@code setpriv} and {@code sysctl} are installed. */
    UTIL_LINUX,
    /** {@code setquota}, {@code repquota} and {@code chattr} are installed. */
    QUOTA_TOOLS,
    /** {@code keyctl} is installed, by which a tenant's kernel keyrings are cleared. */
    KEYCTL,
    /** sshd authenticates accounts through PAM. */
    SSHD_PAM,
    /** sshd reads {@code /etc/ssh/sshd_config.d}. */
    SSHD_INCLUDE,
    /** A cron daemon with a PAM configuration in {@code /etc/pam.d/cron}. */
    CRON,
    /** A cron daemon with a PAM configuration in {@code /etc/pam.d/crond}. */
    CROND,
    /** An at daemon with a PAM configuration in {@code /etc/pam.d/atd}. */
    ATD,
    /** {@code pam_systemd} is installed, which puts logins and jobs into their slice. */
    PAM_SYSTEMD,
    /** {@code mkfs.ext4} is installed. */
    MKFS_EXT4,
    /** {@code mkfs.xfs} is installed. */
    MKFS_XFS,
    /** {@code lvcreate}, {@code lvremove}, {@code lvs} and {@code vgs} are installed. */
    LVM;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
