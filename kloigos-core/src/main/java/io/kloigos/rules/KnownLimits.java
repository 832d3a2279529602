package io.kloigos.rules;

import io.kloigos.model.Capability;
import io.kloigos.model.HostFacts;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Warning;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a tenant can do to others on a host although Kloigos has set up everything that the host has for it. Each is proven by
 * the escape suite: a host has these ways out of a unit and no other that is known.
 */
public final class KnownLimits {
    private static final Warning EPHEMERAL_PORTS = new Warning(
            "ephemeral_ports",
            "all clients of the host share the ports of net.ipv4.ip_local_port_range: a unit can keep all of them, so that nobody on the"
                    + " host, root included, can connect to anything until the unit is stopped or deallocated");

    private static final Warning SHARED_IPC = new Warning(
            "shared_ipc",
            "System V ids, pseudo terminals and events of asynchronous I/O (fs.aio-max-nr) are counted for the whole host: a unit can take"
                    + " all of them, so that others get none until it is stopped or deallocated");

    private static final Warning FORGED_LOG_LINES = new Warning(
            "forged_log_lines",
            "a unit can write log lines with the name of any program; only the fields _UID, _PID and _SYSTEMD_UNIT of the journal"
                    + " say who wrote them");

    private static final Warning RUN_LOCK =
            new Warning("run_lock", "/run/lock is one small tmpfs in which everybody may write: a unit can fill it");

    /** The types of all that there are. */
    private static final Set<String> TYPES = Set.of(
            "port_squatting",
            "host_port_squatting",
            "udp_receipt",
            "udp_theft",
            "ephemeral_ports",
            "processes_visible",
            "shared_ipc",
            "io_uring_pollers",
            "mail_delivery",
            "forged_log_lines",
            "run_lock");

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
        limits.addAll(List.of(EPHEMERAL_PORTS, processesVisible(facts), SHARED_IPC));
        ioUringPollers(facts).ifPresent(limits::add);
        if (!facts.mailers().isEmpty()) {
            limits.add(mailDelivery(facts));
        }
        limits.addAll(List.of(FORGED_LOG_LINES, RUN_LOCK));
        return List.copyOf(limits);
    }

    /** Returns a server's warnings with those of known limits as they are by these facts. */
    public static List<Warning> refreshed(List<Warning> warnings, HostFacts facts, PortEnforcement enforcement) {
        List<Warning> refreshed = new ArrayList<>(warnings);
        refreshed.removeIf(warning -> TYPES.contains(warning.type()));
        refreshed.addAll(of(facts, enforcement));
        return List.copyOf(refreshed);
    }

    private static Warning processesVisible(HostFacts facts) {
        boolean isHidden =
                !Set.of("off", "0").contains(facts.setting(HostFacts.HIDEPID).orElse("off"));
        return new Warning(
                "processes_visible",
                isHidden
                        ? "a unit sees in /sys/fs/cgroup which services everybody runs, and how many processes; /proc hides the rest here"
                                + " (hidepid)"
                        : "a unit sees the names and arguments of everybody's processes in /proc and /sys/fs/cgroup, as on every Linux"
                                + " host by default; secrets do not belong into arguments");
    }

    /** Kloigos refuses io_uring where the kernel can do that; an operator may except a group. */
    private static Optional<Warning> ioUringPollers(HostFacts facts) {
        boolean canRefuse = facts.setting("kernel.io_uring_disabled").isPresent();
        String group = facts.setting("kernel.io_uring_group").orElse("-1");
        if (canRefuse && group.equals("-1")) {
            return Optional.empty();
        }
        return Optional.of(new Warning(
                "io_uring_pollers",
                "a unit can have io_uring make polling kernel threads (SQPOLL), which run on every CPU; "
                        + (canRefuse
                                ? "kernel.io_uring_group lets the members of group " + group + " do so"
                                : "Linux " + facts.kernel()
                                        + " cannot refuse it: from 6.6 on, Kloigos sets kernel.io_uring_disabled=1")));
    }

    private static Warning mailDelivery(HostFacts facts) {
        return new Warning(
                "mail_delivery",
                "the host has a mail transfer agent (" + String.join(", ", new TreeSet<>(facts.mailers()))
                        + "): where it runs programs for a user, as exim and postfix do for ~/.forward, they run outside the unit's"
                        + " limits, and queued mail may reach the next tenant of the same user; remove it, or have it deliver nothing"
                        + " to the users of units");
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
