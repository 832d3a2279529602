package io.kloigos.planner;

import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataVolume;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IoLimit;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Every file that Kloigos puts on a host: where it is and what it says. */
final class HostFiles {
    static final String DIRECTORY = "/etc/kloigos";
    static final String MANAGED_BY = DIRECTORY + "/managed-by";
    static final String KEYS = DIRECTORY + "/keys";

    /** Others may enter, since sshd reads as the user who logs in, but find only what they can name. */
    static final Access KEYS_ACCESS = new Access(0, 0751);

    static final String PORTS_RULES = DIRECTORY + "/ports.nft";
    static final String PORTS_SERVICE = "kloigos-ports.service";
    static final String SYSTEMD = "/etc/systemd/system";
    static final String CONTROL = "/run/systemd/system.control";
    static final String PORTS_SERVICE_FILE = SYSTEMD + "/" + PORTS_SERVICE;
    static final String PORTS_DROP_INS = SYSTEMD + "/nftables.service.d";
    static final String PORTS_DROP_IN_FILE = PORTS_DROP_INS + "/50-kloigos.conf";
    static final String SYSUSERS = DIRECTORY + "/sysusers.conf";
    /** The last one counts (sysctl.d(5)), and Debian's 99-protect-links.conf says less. */
    static final String SYSCTL = "/etc/sysctl.d/99-zz-kloigos.conf";

    static final String TMPFILES = "/etc/tmpfiles.d/kloigos.conf";
    static final String WORKQUEUE_CPUS = "/sys/devices/virtual/workqueue/cpumask";
    static final String SSHD = "/etc/ssh/sshd_config.d/50-kloigos.conf";
    static final String RESERVED_PORTS = "/proc/sys/net/ipv4/ip_local_reserved_ports";
    static final String STATE = "/var/lib/kloigos";
    static final String RUNTIME = "/run/kloigos";
    static final String LINGER = "/var/lib/systemd/linger";
    static final String GROUP = "kloigos";
    static final String SHELL = "/bin/bash";
    static final String TABLE = "kloigos";

    /**
     * Lines for the PAM configuration of job daemons. Without them a job runs in the daemon's slice, outside all limits. Jobs
     * of users outside the group are left as they were.
     *
     * @see <a href="https://man7.org/linux/man-pages/man8/pam_systemd.8.html">pam_systemd(8)</a>
     */
    static final List<String> PAM_LINES = List.of(
            "session [success=1 default=ignore] pam_succeed_if.so quiet user notingroup " + GROUP,
            "session required pam_systemd.so class=background");

    /**
     * How many connections, or exchanges by UDP, a unit may begin in a second for long. Those that are closed stay in the kernel's table
     * for two minutes, so that one unit has at most 76,000 entries there, of the usual 262,144.
     */
    static final int OPENED_PER_SECOND = 500;

    /** How many of those that a unit has begun may be open, and how many it may begin at once; the kernel walks through them to count. */
    static final int TRACKED = 8192;

    private static final List<String> IO_PROPERTIES =
            List.of("IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax", "IOWriteIOPSMax");

    /**
     * What the kernel refuses in directories in which everybody may write. Debian 13 sets the last two only with a package that it
     * recommends.
     *
     * @see <a href="https://docs.kernel.org/admin-guide/sysctl/fs.html">the kernel's fs sysctls</a>
     */
    static final List<Setting> PROTECTED_FILES = List.of(
            new Setting("fs.protected_hardlinks", "1"),
            new Setting("fs.protected_symlinks", "1"),
            new Setting("fs.protected_fifos", "2"),
            new Setting("fs.protected_regular", "2"));

    /**
     * How many POSIX message queues there may be on the host: more than all units could have, whose users RLIMIT_MSGQUEUE keeps to
     * 14,400 each and whose slices are charged for them.
     *
     * @see <a href="https://man7.org/linux/man-pages/man7/mq_overview.7.html">mq_overview(7)</a>
     */
    private static final long MESSAGE_QUEUES = 1L << 24;

    /** A sysctl. */
    record Setting(String name, String value) {
        String path() {
            return "/proc/sys/" + name.replace('.', '/');
        }
    }

    private HostFiles() {}

    /**
     * Returns what the kernel is set to on a host: what keeps units from each other's files, from all message queues of the host, and
     * io_uring from tenants, whose polling threads would run on every CPU. What is stricter or higher already stays.
     *
     * @see <a href="https://docs.kernel.org/admin-guide/sysctl/kernel.html#io-uring-disabled">kernel.io_uring_disabled</a>
     */
    static List<Setting> settings(HostFacts facts) {
        List<Setting> settings = new ArrayList<>(PROTECTED_FILES);
        facts.setting("fs.mqueue.queues_max")
                .map(Long::valueOf)
                .filter(found -> found < MESSAGE_QUEUES)
                .ifPresent(found -> settings.add(new Setting("fs.mqueue.queues_max", Long.toString(MESSAGE_QUEUES))));
        facts.setting("kernel.io_uring_disabled")
                .filter("0"::equals)
                .ifPresent(found -> settings.add(new Setting("kernel.io_uring_disabled", "1")));
        return settings;
    }

    /** Returns what of these settings the host is given back with, as it was before init. */
    static List<Setting> settingsBefore(HostFacts facts) {
        return settings(facts).stream()
                .map(Setting::name)
                .flatMap(name -> facts.setting(name).map(value -> new Setting(name, value)).stream())
                .toList();
    }

    /**
     * A file that stays as it is from init to decommission.
     *
     * @param unit for which unit; null if for the whole server
     */
    record Managed(@Nullable ComputeUnit unit, Step.TextFile file) {
        static Managed of(@Nullable ComputeUnit unit, String path, String content) {
            return new Managed(unit, new Step.TextFile(path, content, Access.rootFile()));
        }
    }

    /** Returns every file that init writes for root. */
    static List<Managed> managed(Server server, List<ComputeUnit> units, String manager) {
        List<Managed> files = new ArrayList<>();
        files.add(Managed.of(null, MANAGED_BY, ManagedBy.of(server, manager) + "\n"));
        files.add(Managed.of(null, SYSUSERS, sysusers(units)));
        files.add(Managed.of(null, PORTS_RULES, portsRules(units)));
        files.add(Managed.of(null, PORTS_SERVICE_FILE, portsService()));
        files.add(Managed.of(null, PORTS_DROP_IN_FILE, portsDropIn()));
        files.add(Managed.of(
                null,
                SYSCTL,
                sysctl(server.facts(), HostPorts.reservedPorts(server, units).toString())));
        files.add(Managed.of(null, SSHD, sshd()));
        if (!server.housekeepingCpus().isEmpty()) {
            HousekeepingCpus.HOUSEKEEPING.forEach(name -> files.add(Managed.of(
                    null,
                    HousekeepingCpus.housekeepingFile(name),
                    housekeepingDropIn(HousekeepingCpus.section(name), server.housekeepingCpus()))));
        }
        HousekeepingCpus.workqueueCpus(server).ifPresent(cpus -> files.add(Managed.of(null, TMPFILES, tmpfiles(cpus))));
        server.volumes()
                .forEach(volume -> files.add(Managed.of(null, mountFile(volume.mountPoint()), volumeMount(volume))));
        for (ComputeUnit unit : units) {
            files.add(Managed.of(unit, sliceDirectory(unit) + "/50-kloigos.conf", sliceDropIn(unit)));
            files.add(Managed.of(unit, managerDirectory(unit) + "/50-kloigos.conf", managerDropIn(unit)));
            if (unit.limits().portEnforcement() == PortEnforcement.SOCKET_BIND_RANGES) {
                bindRules(unit, units)
                        .ifPresent(rules -> files.add(Managed.of(unit, bindDropInFile(unit), bindDropIn(unit, rules))));
            }
            String directory = unit.dataDirectory();
            if (directory != null) {
                files.add(Managed.of(unit, mountFile(unit.mnt()), dataMount(unit, directory)));
            }
        }
        return files;
    }

    static String wants(String target) {
        return SYSTEMD + "/" + target + ".wants";
    }

    static String mountFile(String mountPoint) {
        return SYSTEMD + "/" + mountUnit(mountPoint);
    }

    /** Returns the systemd unit of the user manager. */
    static String manager(ComputeUnit unit) {
        return "user@" + unit.uid() + ".service";
    }

    static String key(ComputeUnit unit) {
        return KEYS + "/" + unit.user();
    }

    /** Returns the file of login keys, with their comments, which the unit's own group may read. */
    static Step.TextFile keyFile(ComputeUnit unit, List<SshPublicKey> keys) {
        return new Step.TextFile(key(unit), authorizedKeys(keys), new Access(0, unit.uid(), 0640));
    }

    static String authorizedKeys(List<SshPublicKey> keys) {
        return keys.stream().map(key -> key.line() + "\n").collect(Collectors.joining());
    }

    static String linger(ComputeUnit unit) {
        return LINGER + "/" + unit.user();
    }

    static String sliceDirectory(ComputeUnit unit) {
        return SYSTEMD + "/" + unit.slice() + ".d";
    }

    static String sliceDropInFile(ComputeUnit unit) {
        return sliceDirectory(unit) + "/50-kloigos.conf";
    }

    /** Returns where it says which ports the unit may not bind; the limits are written without knowing other units. */
    static String bindDropInFile(ComputeUnit unit) {
        return sliceDirectory(unit) + "/51-kloigos-ports.conf";
    }

    /** Returns all files that Kloigos has for the unit's slice. */
    static Set<String> dropIns(ComputeUnit unit) {
        return unit.limits().portEnforcement() == PortEnforcement.SOCKET_BIND_RANGES
                ? Set.of(sliceDropInFile(unit), bindDropInFile(unit))
                : Set.of(sliceDropInFile(unit));
    }

    /** Returns where systemd keeps what {@code set-property --runtime} sets, until the next boot. */
    static String runtimeDirectory(ComputeUnit unit) {
        return CONTROL + "/" + unit.slice() + ".d";
    }

    /**
     * Returns the limits that can change of a slice that is in use, as {@code systemctl set-property} takes them.
     *
     * @param lifted devices that shall have no limit; systemd keeps the limits of those that are not named
     * @see <a href="https://github.com/systemd/systemd/issues/27302">systemd#27302</a>
     */
    static List<String> liveProperties(ComputeUnit unit, List<String> lifted) {
        UnitLimits limits = unit.limits();
        List<String> properties = new ArrayList<>(List.of(
                "MemoryMax=" + limits.memoryMax().bytes(),
                "MemoryHigh=" + limits.memoryHigh().bytes(),
                "MemorySwapMax=" + limits.swapMax().bytes(),
                "TasksMax=" + limits.tasksMax()));
        limits.io().forEach(io -> addLive(properties, io.device(), ioSettings(io)));
        lifted.forEach(device -> addLive(properties, device, Map.of()));
        return properties;
    }

    private static void addLive(List<String> properties, String device, Map<String, Long> settings) {
        IO_PROPERTIES.forEach(property -> {
            Long value = settings.get(property);
            properties.add(property + "=" + device + " " + (value == null ? "infinity" : value.toString()));
        });
    }

    static String managerDirectory(ComputeUnit unit) {
        return SYSTEMD + "/user@" + unit.uid() + ".service.d";
    }

    static String welcome(ComputeUnit unit) {
        return unit.home() + "/WELCOME.txt";
    }

    /** Limits of the slice. The empty assignments keep systemd from merging the housekeeping default into the unit's own. */
    static String sliceDropIn(ComputeUnit unit) {
        UnitLimits limits = unit.limits();
        StringBuilder out =
                new StringBuilder("# Limits of compute unit " + unit.id() + ", kept by Kloigos.\n[Slice]\n");
        out.append("AllowedCPUs=\nAllowedCPUs=").append(unit.cpus()).append('\n');
        out.append("AllowedMemoryNodes=\nAllowedMemoryNodes=")
                .append(limits.memoryNodes())
                .append('\n');
        out.append("MemoryMax=").append(limits.memoryMax().bytes()).append('\n');
        out.append("MemoryHigh=").append(limits.memoryHigh().bytes()).append('\n');
        out.append("MemorySwapMax=").append(limits.swapMax().bytes()).append('\n');
        out.append("TasksMax=").append(limits.tasksMax()).append('\n');
        for (IoLimit io : limits.io()) {
            ioSettings(io)
                    .forEach((property, value) -> out.append(property)
                            .append('=')
                            .append(io.device())
                            .append(' ')
                            .append(value)
                            .append('\n'));
        }
        if (limits.portEnforcement() == PortEnforcement.SOCKET_BIND) {
            out.append(new BindRules(List.of("any"), protocols(unit.ports().closed())).lines());
        }
        return out.toString();
    }

    /** What the unit may not bind, if it may bind anything but its own ports. */
    static String bindDropIn(ComputeUnit unit, BindRules rules) {
        return "# Which ports compute unit " + unit.id()
                + " may not bind, kept by Kloigos.\n[Slice]\nSocketBindDeny=\nSocketBindAllow=\n" + rules.lines();
    }

    /**
     * Which ports {@code bind(2)} may name; what is allowed is not denied. Port 0 stands for one that the kernel chooses: {@code
     * any} denies that as well, a range does not.
     *
     * @see <a href="https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html">SocketBindDeny=</a>
     */
    record BindRules(List<String> denied, List<String> allowed) {
        String lines() {
            return HostFiles.lines(denied, rule -> "SocketBindDeny=" + rule)
                    + HostFiles.lines(allowed, rule -> "SocketBindAllow=" + rule);
        }
    }

    /** Returns what systemd has to refuse; nothing where the unit's ports are kept by nftables alone. */
    static Optional<BindRules> bindRules(ComputeUnit unit, List<ComputeUnit> units) {
        List<String> own = protocols(unit.ports().closed());
        return switch (unit.limits().portEnforcement()) {
            case NFTABLES -> Optional.empty();
            case SOCKET_BIND -> Optional.of(new BindRules(List.of("any"), own));
            case SOCKET_BIND_RANGES -> Optional.of(new BindRules(protocols(span(units)), own));
        };
    }

    /** From the first port of any unit to the last: the kernel chooses none of the units' ports, so whoever lets it choose meets no rule. */
    private static String span(List<ComputeUnit> units) {
        int first = units.stream().mapToInt(unit -> unit.ports().start()).min().orElseThrow();
        int last = units.stream().mapToInt(unit -> unit.ports().last()).max().orElseThrow();
        return first + "-" + last;
    }

    private static List<String> protocols(String ports) {
        return List.of("tcp:" + ports, "udp:" + ports);
    }

    /** Returns what systemd is told of the limits that there are, by the names of its properties. */
    static Map<String, Long> ioSettings(IoLimit io) {
        Map<String, Long> settings = new LinkedHashMap<>();
        putBytes(settings, "IOReadBandwidthMax", io.readBytes());
        putBytes(settings, "IOWriteBandwidthMax", io.writeBytes());
        putOperations(settings, "IOReadIOPSMax", io.readOperations());
        putOperations(settings, "IOWriteIOPSMax", io.writeOperations());
        return settings;
    }

    private static void putBytes(Map<String, Long> settings, String property, @Nullable ByteSize size) {
        if (size != null) {
            settings.put(property, size.bytes());
        }
    }

    private static void putOperations(Map<String, Long> settings, String property, @Nullable Long operations) {
        if (operations != null) {
            settings.put(property, operations);
        }
    }

    /** The out-of-memory killer may take the user manager first; it comes back by itself. */
    static String managerDropIn(ComputeUnit unit) {
        return "# User manager of compute unit " + unit.id() + ", kept by Kloigos.\n"
                + "[Service]\nRestart=on-failure\nRestartSec=1\nTimeoutStopSec=5\n";
    }

    static String housekeepingDropIn(String section, CpuSet cpus) {
        return "# Keeps the system off the CPUs of compute units, kept by Kloigos.\n[" + section
                + "]\nAllowedCPUs=\nAllowedCPUs=" + cpus + "\n";
    }

    static String sysusers(List<ComputeUnit> units) {
        return "# Accounts of compute units, kept by Kloigos.\ng " + GROUP + " -\n"
                + lines(
                        units,
                        unit -> "u " + unit.user() + " " + unit.uid() + " \"" + gecos(unit) + "\" " + unit.home() + " "
                                + SHELL + "\nm " + unit.user() + " " + GROUP);
    }

    static String passwd(ComputeUnit unit) {
        return unit.user() + ":x:" + unit.uid() + ":" + unit.uid() + ":" + gecos(unit) + ":" + unit.home() + ":"
                + SHELL;
    }

    static String gecos(ComputeUnit unit) {
        return "Compute unit " + unit.id();
    }

    static String sysctl(HostFacts facts, String reservedPorts) {
        return "# Keeps ephemeral ports out of the port ranges of compute units, and units from what others need; kept by"
                + " Kloigos.\nnet.ipv4.ip_local_reserved_ports = " + reservedPorts + "\n"
                + lines(settings(facts), setting -> setting.name() + " = " + setting.value());
    }

    /**
     * What is written to the kernel at boot that is no sysctl.
     *
     * @see <a href="https://man7.org/linux/man-pages/man5/tmpfiles.d.5.html">tmpfiles.d(5)</a>
     */
    static String tmpfiles(CpuMask workqueueCpus) {
        return "# Keeps work of the kernel off the CPUs of compute units, kept by Kloigos.\nw " + WORKQUEUE_CPUS
                + " - - - - " + workqueueCpus + "\n";
    }

    static String sshd() {
        return "# Where the keys of compute units are, kept by Kloigos.\nMatch Group " + GROUP + "\n"
                + "\tAuthorizedKeysFile " + KEYS + "/%u .ssh/authorized_keys\n"
                + "\tPasswordAuthentication no\n\tKbdInteractiveAuthentication no\nMatch all\n";
    }

    static String portsService() {
        return """
                # Loads who may serve which port, kept by Kloigos.
                [Unit]
                Description=Port ownership of compute units
                DefaultDependencies=no
                Conflicts=shutdown.target
                Before=network-pre.target shutdown.target
                Wants=network-pre.target
                After=nftables.service local-fs.target

                [Service]
                Type=oneshot
                RemainAfterExit=yes
                ExecStart=/usr/sbin/nft -f /etc/kloigos/ports.nft
                ExecReload=/usr/sbin/nft -f /etc/kloigos/ports.nft

                [Install]
                WantedBy=sysinit.target
                """;
    }

    /**
     * Whenever nftables.service is started, reloaded or stopped it flushes the rules of everybody. It is stopped by firewalld too, whose
     * start conflicts with it; so the rules come back with it, and not with a service that follows it.
     */
    static String portsDropIn() {
        return """
                # Loads who may serve which port again, after all rules were flushed; kept by Kloigos.
                [Service]
                ExecStartPost=-/usr/sbin/nft -f /etc/kloigos/ports.nft
                ExecReload=-/usr/sbin/nft -f /etc/kloigos/ports.nft
                ExecStopPost=-/usr/sbin/nft -f /etc/kloigos/ports.nft
                """;
    }

    /**
     * Who may serve which port. A packet costs a lookup in one or two sets, however many units there are.
     *
     * <p>All share the kernel's table of connections, which drops the packets of everybody when it is full. So what a unit's user begins
     * counts first: connections opened within a second, and those that are open, by the kernel's table of them.
     *
     * <p>Looked at are packets that leave: TCP that opens or answers a connection (SYN), and UDP. A unit's user passes with a
     * source port of its own; anybody else, root included, does not get out with a port that belongs to a unit; and a unit's
     * user answers connections from no other port. Adding the table before deleting it makes the file loadable whether or not
     * the table exists.
     *
     * <p>The last two rules are for SYN cookies. A server whose queue of half-open connections is full answers by a cookie,
     * which carries no socket and so no user: a unit that fills its own queue would be served on any port. {@code meta cgroup}
     * matches whatever has a socket, also those of servers in the kernel, which have no user either (NFS before Linux 6.4).
     * What is left has none, and passes from privileged ports only, which no unit can have.
     *
     * @see <a href="https://github.com/torvalds/linux/blob/v6.12/net/ipv4/tcp_output.c">tcp_make_synack</a>
     */
    static String portsRules(List<ComputeUnit> units) {
        String uids = units.stream().map(unit -> Integer.toString(unit.uid())).collect(Collectors.joining(", "));
        String ranges = units.stream().map(unit -> unit.ports().closed()).collect(Collectors.joining(", "));
        String own = units.stream().map(HostFiles::owned).collect(Collectors.joining(", "));
        return """
                # Who may serve which port, kept by Kloigos.
                table inet kloigos
                delete table inet kloigos
                table inet kloigos {
                	set uids {
                		type uid
                		elements = { %s }
                	}
                	set ranges {
                		type inet_service
                		flags interval
                		elements = { %s }
                	}
                	set own {
                		type uid . inet_service
                		flags interval
                		elements = { %s }
                	}
                	set opening {
                		type uid
                		size 65535
                		flags dynamic
                	}
                	set tracked {
                		type uid
                		size 65535
                		flags dynamic
                	}
                	chain output {
                		type filter hook output priority filter; policy accept;
                		meta l4proto tcp tcp flags & syn == 0 accept
                		ct status & confirmed == 0 meta skuid @uids jump begin
                		meta l4proto != { tcp, udp } goto neither
                		meta skuid . th sport @own accept
                		th sport @ranges counter drop
                		meta l4proto tcp tcp flags & ack == ack meta skuid @uids counter drop
                		meta l4proto udp ct direction reply meta skuid @uids counter drop
                		meta cgroup 0-4294967295 accept
                		meta l4proto tcp tcp flags & ack == ack th sport >= 1024 counter drop
                	}
                	chain begin {
                		update @opening { meta skuid limit rate over %d/second burst %d packets } counter drop
                		add @tracked { meta skuid ct count over %d } counter drop
                	}
                	chain neither {
                		meta l4proto { icmp, icmpv6 } accept
                		meta skuid @uids counter drop
                	}
                }
                """.formatted(uids, ranges, own, OPENED_PER_SECOND, TRACKED, TRACKED);
    }

    /** Returns the unit's element of the set {@code own}. */
    static String owned(ComputeUnit unit) {
        return unit.uid() + " . " + unit.ports().closed();
    }

    /** Returns the name of the systemd unit that mounts {@code path}, as {@code systemd-escape --path} makes it. */
    static String mountUnit(String path) {
        StringBuilder out = new StringBuilder();
        String trimmed = path.substring(1);
        for (byte b : trimmed.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain =
                    c < 128 && (Character.isLetterOrDigit(c) || c == '_' || c == ':' || (c == '.' && !out.isEmpty()));
            if (c == '/') {
                out.append('-');
            } else if (plain) {
                out.append(c);
            } else {
                out.append(String.format("\\x%02x", (int) c));
            }
        }
        return out + ".mount";
    }

    static String volumeMount(DataVolume volume) {
        String options =
                switch (volume.disk().fileSystem()) {
                    case EXT4 -> "nosuid,nodev,usrquota,prjquota";
                    case XFS -> "nosuid,nodev,uquota,pquota";
                };
        return mount(
                "Data disk of compute units",
                // A disk may have another name after the next boot; a logical volume has not.
                volume.logicalVolume() == null
                        ? "/dev/disk/by-label/" + volume.label()
                        : volume.disk().device(),
                volume.mountPoint(),
                volume.disk().fileSystem().toString(),
                options);
    }

    static String dataMount(ComputeUnit unit, String dataDirectory) {
        // Lazily, since whoever has a file below open could keep it from being taken away otherwise.
        String options = "bind,nosuid,nodev\nLazyUnmount=yes";
        return mount("Data of compute unit " + unit.id(), dataDirectory, unit.mnt(), "none", options);
    }

    private static String mount(String description, String what, String where, String type, String options) {
        return "# Kept by Kloigos.\n[Unit]\nDescription=" + description + "\n\n[Mount]\nWhat=" + what + "\nWhere="
                + where + "\nType=" + type + "\nOptions=" + options + "\n\n[Install]\nWantedBy=local-fs.target\n";
    }

    /** What a tenant reads first: the unit's true numbers. */
    static String welcomeText(Server server, ComputeUnit unit) {
        UnitLimits limits = unit.limits();
        String disks = limits.disks().isEmpty()
                ? "  not limited by this host\n"
                : limits.disks().stream()
                        .map(limit -> String.format(
                                Locale.ROOT,
                                "  %-8s and %d files in %s%n",
                                limit.bytes(),
                                limit.inodes(),
                                stored(server, unit, limit)))
                        .collect(Collectors.joining());
        return """
                Welcome to compute unit %s.

                Yours alone:
                  CPUs        %s  (%d of them; memory nodes %s)
                  Memory      %s, slowed down from %s on; swap %s
                  Tasks       %d processes and threads
                  Ports       %d to %d, TCP and UDP
                  Directories %s  (your home)
                              %s  (programs)
                              %s  (data)
                Disk space:
                %s
                Services: put a unit file into ~/.config/systemd/user and run
                  systemctl --user daemon-reload
                  systemctl --user enable --now NAME
                They keep running when you log out, and start again when the host does.

                Good to know:
                  A server that listens on a port outside your range is not reachable, not even from this host.
                  Files in /dev/shm, /run/user and, on some hosts, /tmp count as memory.
                  When this unit is deallocated, everything in it is erased.
                """.formatted(
                        unit.id(),
                        unit.cpus(),
                        unit.cpus().count(),
                        limits.memoryNodes(),
                        limits.memoryMax(),
                        limits.memoryHigh(),
                        limits.swapMax(),
                        limits.tasksMax(),
                        unit.ports().start(),
                        unit.ports().last(),
                        unit.home(),
                        unit.opt(),
                        unit.mnt(),
                        disks);
    }

    private static String stored(Server server, ComputeUnit unit, DiskLimit limit) {
        String dataDirectory = unit.dataDirectory();
        if (dataDirectory != null && dataDirectory.startsWith(limit.mountPoint() + "/")) {
            return unit.mnt();
        }
        return server.facts().mounts().entrySet().stream()
                .filter(mount -> mount.getValue().mountPoint().equals(limit.mountPoint()))
                .map(mount -> mount.getKey())
                .filter(path -> !path.equals("/") && !(path.equals("/mnt") && dataDirectory != null))
                .filter(path -> !path.equals("/var/spool"))
                .collect(Collectors.joining(", "));
    }

    private static <T> String lines(List<T> items, Function<T, String> line) {
        return items.stream().map(line).map(text -> text + "\n").collect(Collectors.joining());
    }
}
