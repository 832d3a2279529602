package io.kloigos.rules;

import io.kloigos.model.Capability;
import io.kloigos.model.HostFacts;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Warning;
import java.util.ArrayList;
import java.util.List;

/**
 * What a tenant can do to others on a host although Kloigos has set up everything that the host has for it. Each is proven by
 * the escape suite: a host has these ways out of a unit and no other that is known.
 */
public final class KnownLimits {
    private static final Warning PROCESSES_VISIBLE = new Warning(
            "processes_visible",
            "a unit sees the names and arguments of everybody's processes in /proc and /sys/fs/cgroup, as on every Linux host"
                    + " by default; secrets do not belong into arguments");

    private static final Warning SHARED_IPC = new Warning(
            "shared_ipc",
            "System V ids and pseudo terminals are counted for the whole host: a unit can take all of them, so that others get none"
                    + " until it is deallocated");

    private static final Warning FORGED_LOG_LINES = new Warning(
            "forged_log_lines",
            "a unit can write log lines with the name of any program; only the fields _UID, _PID and _SYSTEMD_UNIT of the journal"
                    + " say who wrote them");

    private static final Warning IO_URING_POLLERS = new Warning(
            "io_uring_pollers",
            "a unit can have io_uring make polling kernel threads (SQPOLL), which run on every CPU; from Linux 6.6 on, the sysctl"
                    + " kernel.io_uring_disabled=1 refuses io_uring to all but root");

    private static final Warning RUN_LOCK =
            new Warning("run_lock", "/run/lock is one small tmpfs in which everybody may write: a unit can fill it");

    private KnownLimits() {}

    /**
     * Returns what is not held on a host with these facts, for units whose ports are enforced in this way. The types are
     * stable.
     */
    public static List<Warning> of(HostFacts facts, PortEnforcement enforcement) {
        String cure = facts.can(Capability.SYSTEMD_BPF)
                ? ""
                : "; systemd " + facts.systemdVersion() + " here is built without BPF, which could refuse that";
        List<Warning> limits = new ArrayList<>();
        switch (enforcement) {
            case NFTABLES -> {
                limits.addAll(neighboursPorts(cure.isEmpty() ? refusedBy(PortEnforcement.SOCKET_BIND_RANGES) : cure));
                limits.addAll(nobodysPorts(cure.isEmpty() ? refusedBy(PortEnforcement.SOCKET_BIND) : cure));
            }
            case SOCKET_BIND_RANGES -> limits.addAll(nobodysPorts(refusedBy(PortEnforcement.SOCKET_BIND)));
            case SOCKET_BIND -> {}
        }
        limits.addAll(List.of(PROCESSES_VISIBLE, SHARED_IPC, IO_URING_POLLERS, FORGED_LOG_LINES, RUN_LOCK));
        return List.copyOf(limits);
    }

    private static String refusedBy(PortEnforcement enforcement) {
        return "; port_enforcement " + enforcement + " would refuse that";
    }

    private static List<Warning> neighboursPorts(String cure) {
        return List.of(
                new Warning(
                        "port_squatting",
                        "a unit cannot serve a port of its neighbour, but it can bind one and so keep the owner from it"
                                + cure),
                new Warning(
                        "udp_theft",
                        "a unit can bind a UDP port that its neighbour serves with SO_REUSEADDR, and receive in its place"
                                + cure));
    }

    private static List<Warning> nobodysPorts(String cure) {
        return List.of(
                new Warning(
                        "host_port_squatting",
                        "a unit can bind a free port from 1024 on that is no unit's, and so keep a service of the host from it"
                                + cure),
                new Warning(
                        "udp_receipt",
                        "a unit cannot answer on a foreign UDP port, but it can bind one, receive what is sent there, and get"
                                + " the answers of peers to which it wrote first" + cure));
    }
}
