package io.kloigos.model;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a host reports about itself, read from its kernel and its systemd.
 *
 * <p>{@link #parse} reads, and {@link #toString()} prints, one {@code key=value} per line; values of several fields have
 * tabs between them.
 *
 * @param hostKey the host key by which the driver knew the host, {@code SHA256:...}; empty where there is none
 * @param os id and version of the distribution, e.g. {@code debian 12}
 * @param kernel the kernel's release
 * @param systemdVersion the major version
 * @param capabilities what the host can do
 * @param cgroupControllers the controllers of the root cgroup
 * @param onlineCpus the CPUs in use by the kernel
 * @param nodes the NUMA nodes by number
 * @param topology how the CPUs are arranged in packages and cores, and which share a cache
 * @param memory all memory
 * @param swap all swap
 * @param mounts for each path that Kloigos uses, the file system that holds it
 * @param disks the block devices
 * @param volumeGroups LVM's volume groups, by name
 * @param listeningPorts TCP and UDP ports with a listener
 * @param reservedPorts {@code net.ipv4.ip_local_reserved_ports}
 * @param workqueueCpus where the kernel does work that belongs to no CPU, {@code /sys/devices/virtual/workqueue/cpumask};
 *     null where it cannot be told
 * @param settings what the kernel was set to before init, by name, e.g. {@code kernel.io_uring_disabled}; those that it does not have
 *     are missing
 * @param mailers the mail transfer agents that run, by their systemd units; {@code sendmail} if there is only the program
 * @param accounts Unix users, by name
 * @param groups Unix groups, by name
 * @param directories entries of /home, /opt and /mnt
 * @param managedBy who manages the host, as noted on it by an earlier init; empty if nobody
 * @param sshUnit the systemd unit of sshd, e.g. {@code ssh.service}
 * @param sshAllows sshd's AllowUsers, AllowGroups, DenyUsers and DenyGroups lines; empty if there are none
 */
public record HostFacts(
        String hostKey,
        String os,
        String kernel,
        int systemdVersion,
        Set<Capability> capabilities,
        Set<String> cgroupControllers,
        CpuSet onlineCpus,
        Map<Integer, Node> nodes,
        CpuTopology topology,
        ByteSize memory,
        ByteSize swap,
        Map<String, Mount> mounts,
        List<Disk> disks,
        Map<String, VolumeGroup> volumeGroups,
        Set<Integer> listeningPorts,
        String reservedPorts,
        @Nullable CpuMask workqueueCpus,
        Map<String, String> settings,
        Set<String> mailers,
        Map<String, Integer> accounts,
        Map<String, Integer> groups,
        Set<String> directories,
        String managedBy,
        String sshUnit,
        List<String> sshAllows) {

    /** Ends the kernel's release that a simulated host tells. */
    public static final String SIMULATED = "-simulated";

    /** The kernel settings that {@link #settings} tells of, by their sysctl names. */
    public static final List<String> SETTINGS =
            List.of("kernel.io_uring_disabled", "kernel.io_uring_group", "fs.mqueue.queues_max");

    /** The name in {@link #settings} of the mount option of /proc that hides processes; {@code off} if it hides none. */
    public static final String HIDEPID = "proc.hidepid";

    /** The mail transfer agents of distributions, as the cgroups below {@code system.slice} in which they run. */
    public static final List<String> MAILERS = List.of(
            "exim4.service",
            "exim.service",
            "postfix.service",
            "system-postfix.slice/postfix@-.service",
            "sendmail.service",
            "opensmtpd.service",
            "smtpd.service",
            "nullmailer.service",
            "masqmail.service",
            "courier-mta.service");

    /**
     * A NUMA node.
     *
     * @param cpus its CPUs
     * @param memory its memory
     */
    public record Node(CpuSet cpus, ByteSize memory) {}

    /**
     * The file system that holds a path.
     *
     * @param mountPoint where it is mounted
     * @param source the device
     * @param type e.g. {@code ext4}
     * @param options the mount and super block options
     * @param size its size
     * @param available what is free
     */
    public record Mount(
            String mountPoint, String source, String type, Set<String> options, ByteSize size, ByteSize available) {
        public Mount {
            options = Set.copyOf(options);
        }

        /** Tells whether hard limits per user are enforced. */
        public boolean enforcesUserQuota() {
            return isQuotaType() && (options.contains("usrquota") || options.contains("uquota"));
        }

        /** Tells whether limits per project are enforced, which is what df shows in a directory. */
        public boolean enforcesProjectQuota() {
            return isQuotaType() && (options.contains("prjquota") || options.contains("pquota"));
        }

        private boolean isQuotaType() {
            return type.equals("ext4") || type.equals("xfs");
        }
    }

    /**
     * A block device.
     *
     * @param path e.g. {@code /dev/sdb}
     * @param kind as lsblk says: {@code disk}, {@code part}, {@code lvm}, ...
     * @param number major:minor
     * @param size its size
     * @param signature what it holds, e.g. {@code ext4}, or {@code parts} for partitions; empty if blank
     * @param label the label of its file system; empty if none
     * @param discards whether it takes discards: a disk that does not keeps what was stored until it is overwritten
     */
    public record Disk(
            String path, String kind, String number, ByteSize size, String signature, String label, boolean discards) {
        /** Returns whether it is a disk itself, and no part of one or of several. */
        public boolean isWhole() {
            return kind.equals("disk");
        }
    }

    /**
     * A volume group of LVM.
     *
     * @param extent the size of its extents, of which volumes are made
     * @param freeExtents how many belong to no volume
     * @param volumes the names of its volumes
     * @param discards whether all disks that it is made of take discards
     */
    public record VolumeGroup(ByteSize extent, long freeExtents, Set<String> volumes, boolean discards) {
        public VolumeGroup {
            volumes = Set.copyOf(volumes);
        }
    }

    public HostFacts {
        Objects.requireNonNull(hostKey);
        capabilities = Set.copyOf(capabilities);
        cgroupControllers = Set.copyOf(cgroupControllers);
        nodes = new TreeMap<>(nodes);
        Objects.requireNonNull(topology);
        mounts = new TreeMap<>(mounts);
        disks = List.copyOf(disks);
        volumeGroups = new TreeMap<>(volumeGroups);
        listeningPorts = new TreeSet<>(listeningPorts);
        settings = Map.copyOf(settings);
        mailers = Set.copyOf(mailers);
        accounts = Map.copyOf(accounts);
        groups = Map.copyOf(groups);
        directories = Set.copyOf(directories);
        sshAllows = List.copyOf(sshAllows);
    }

    /** Tells whether the host has {@code capability}. */
    public boolean can(Capability capability) {
        return capabilities.contains(capability);
    }

    /** Tells whether the host says of itself that it is simulated: nothing on it is real. */
    public boolean isSimulated() {
        return kernel.endsWith(SIMULATED);
    }

    /** Returns what the kernel was set to, if it has a setting of this name. */
    public Optional<String> setting(String name) {
        return Optional.ofNullable(settings.get(name));
    }

    /** Returns the nodes to which {@code cpus} belong. */
    public CpuSet nodesOf(CpuSet cpus) {
        return CpuSet.of(nodes.entrySet().stream()
                .filter(node -> node.getValue().cpus().intersects(cpus))
                .mapToInt(Map.Entry::getKey)
                .toArray());
    }

    /** Returns the file system that holds {@code path}, which must be one that the probe reports. */
    public Mount mountOf(String path) {
        return Objects.requireNonNull(mounts.get(path), () -> "the probe does not report the file system of " + path);
    }

    /** Returns the block device with this path. */
    public Optional<Disk> disk(String path) {
        return disks.stream().filter(disk -> disk.path().equals(path)).findFirst();
    }

    /** Returns the block device with this path if it is a whole disk: no partition, no logical volume. */
    public Optional<Disk> wholeDisk(String path) {
        return disk(path).filter(Disk::isWhole);
    }

    /** Returns these facts as told by a host that the driver knows by {@code key}. */
    public HostFacts withHostKey(String key) {
        return with(key, settings, mailers);
    }

    /** Returns these facts with other settings and mail transfer agents. */
    public HostFacts with(Map<String, String> newSettings, Set<String> newMailers) {
        return with(hostKey, newSettings, newMailers);
    }

    private HostFacts with(String key, Map<String, String> newSettings, Set<String> newMailers) {
        return new HostFacts(
                key,
                os,
                kernel,
                systemdVersion,
                capabilities,
                cgroupControllers,
                onlineCpus,
                nodes,
                topology,
                memory,
                swap,
                mounts,
                disks,
                volumeGroups,
                listeningPorts,
                reservedPorts,
                workqueueCpus,
                newSettings,
                newMailers,
                accounts,
                groups,
                directories,
                managedBy,
                sshUnit,
                sshAllows);
    }

    /**
     * Returns the facts that a probe printed.
     *
     * @throws KloigosException HOST_PROTOCOL if the text is cut short or a line is not understood
     */
    public static HostFacts parse(String text) {
        Map<String, String> single = new LinkedHashMap<>();
        Map<String, List<String[]>> repeated = new LinkedHashMap<>();
        for (String line : text.split("\n", -1)) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                String key = line.substring(0, equals);
                String value = line.substring(equals + 1);
                single.put(key, value);
                repeated.computeIfAbsent(key, k -> new ArrayList<>()).add(value.split("\t", -1));
            }
        }
        if (!single.containsKey("done")) {
            throw new KloigosException(
                    ErrorCode.HOST_PROTOCOL,
                    "Cannot read the host's facts: the probe's answer is cut short: " + tail(text));
        }
        try {
            return read(text, single, repeated);
        } catch (RuntimeException e) {
            throw new KloigosException(ErrorCode.HOST_PROTOCOL, "Cannot read the host's facts: " + e, e);
        }
    }

    private static HostFacts read(String text, Map<String, String> single, Map<String, List<String[]>> repeated) {
        Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
        rows(repeated, "capability", 1)
                .forEach(row -> capabilities.add(Capability.valueOf(row[0].toUpperCase(java.util.Locale.ROOT))));
        Map<Integer, Node> nodes = new TreeMap<>();
        rows(repeated, "node", 3)
                .forEach(row -> nodes.put(Integer.valueOf(row[0]), new Node(CpuSet.parse(row[1]), kib(row[2]))));
        Map<String, Mount> mounts = new TreeMap<>();
        rows(repeated, "mount", 7)
                .forEach(row -> mounts.put(
                        row[0],
                        new Mount(
                                row[1],
                                row[2],
                                row[3],
                                Set.copyOf(new TreeSet<>(List.of(row[4].split(",")))),
                                kib(row[5]),
                                kib(row[6]))));
        List<Disk> disks = new ArrayList<>();
        rows(repeated, "disk", 7)
                .forEach(row -> disks.add(new Disk(
                        row[0],
                        row[1],
                        row[2],
                        new ByteSize(Long.parseLong(row[3])),
                        row[4],
                        row[5],
                        discards(row[6]))));
        Map<String, VolumeGroup> groups = new TreeMap<>();
        rows(repeated, "volume_group", 5)
                .forEach(row -> groups.put(
                        row[0],
                        new VolumeGroup(
                                new ByteSize(Long.parseLong(row[1])),
                                Long.parseLong(row[2]),
                                row[3].isEmpty() ? Set.of() : Set.of(row[3].split(",", -1)),
                                discards(row[4]))));
        return new HostFacts(
                single.getOrDefault("host_key", ""),
                need(single, "os"),
                need(single, "kernel"),
                Integer.parseInt(need(single, "systemd_version")),
                capabilities,
                Set.of(need(single, "cgroup_controllers").split(" ")),
                CpuSet.parse(need(single, "online_cpus")),
                nodes,
                CpuTopology.parse(text),
                kib(need(single, "memory_kb")),
                kib(need(single, "swap_kb")),
                mounts,
                disks,
                groups,
                rows(repeated, "listen", 1).stream()
                        .map(row -> Integer.valueOf(row[0]))
                        .collect(Collectors.toSet()),
                need(single, "reserved_ports"),
                mask(need(single, "workqueue_cpus")),
                rows(repeated, "setting", 2).stream()
                        .collect(Collectors.toMap(row -> row[0], row -> row[1], (first, second) -> first)),
                rows(repeated, "mailer", 1).stream().map(row -> row[0]).collect(Collectors.toSet()),
                ids(repeated, "account"),
                ids(repeated, "group"),
                rows(repeated, "directory", 1).stream().map(row -> row[0]).collect(Collectors.toSet()),
                need(single, "managed_by"),
                need(single, "ssh_unit"),
                rows(repeated, "ssh_allow", 1).stream().map(row -> row[0]).toList());
    }

    private static boolean discards(String text) {
        return switch (text) {
            case "discards" -> true;
            case "keeps" -> false;
            default -> throw new IllegalArgumentException("neither discards nor keeps: " + text);
        };
    }

    private static String discards(boolean discards) {
        return discards ? "discards" : "keeps";
    }

    private static Map<String, Integer> ids(Map<String, List<String[]>> repeated, String key) {
        return rows(repeated, key, 2).stream()
                .collect(Collectors.toMap(row -> row[0], row -> Integer.valueOf(row[1]), (first, second) -> first));
    }

    private static List<String[]> rows(Map<String, List<String[]>> repeated, String key, int fields) {
        List<String[]> rows = repeated.getOrDefault(key, List.of());
        for (String[] row : rows) {
            if (row.length != fields) {
                throw new IllegalArgumentException(key + " has " + row.length + " fields, not " + fields);
            }
        }
        return rows;
    }

    private static String need(Map<String, String> single, String key) {
        return Objects.requireNonNull(single.get(key), () -> "the probe did not report " + key);
    }

    private static @Nullable CpuMask mask(String text) {
        return text.isEmpty() ? null : CpuMask.parse(text);
    }

    private static ByteSize kib(String text) {
        return ByteSize.ofKibibytes(Long.parseLong(text));
    }

    private static String tail(String text) {
        return text.length() <= 200 ? text : "..." + text.substring(text.length() - 200);
    }

    /** Returns the text that {@link #parse} reads. */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        line(out, "host_key", hostKey);
        line(out, "os", os);
        line(out, "kernel", kernel);
        line(out, "systemd_version", systemdVersion);
        new TreeSet<>(capabilities).forEach(capability -> line(out, "capability", capability));
        line(out, "cgroup_controllers", String.join(" ", new TreeSet<>(cgroupControllers)));
        line(out, "online_cpus", onlineCpus);
        nodes.forEach((number, node) ->
                line(out, "node", number, node.cpus(), node.memory().kibibytes()));
        out.append(topology);
        line(out, "memory_kb", memory.kibibytes());
        line(out, "swap_kb", swap.kibibytes());
        mounts.forEach((path, mount) -> line(
                out,
                "mount",
                path,
                mount.mountPoint(),
                mount.source(),
                mount.type(),
                String.join(",", new TreeSet<>(mount.options())),
                mount.size().kibibytes(),
                mount.available().kibibytes()));
        disks.forEach(disk -> line(
                out,
                "disk",
                disk.path(),
                disk.kind(),
                disk.number(),
                disk.size().bytes(),
                disk.signature(),
                disk.label(),
                discards(disk.discards())));
        volumeGroups.forEach((name, group) -> line(
                out,
                "volume_group",
                name,
                group.extent().bytes(),
                group.freeExtents(),
                String.join(",", new TreeSet<>(group.volumes())),
                discards(group.discards())));
        listeningPorts.forEach(port -> line(out, "listen", port));
        line(out, "reserved_ports", reservedPorts);
        line(out, "workqueue_cpus", workqueueCpus == null ? "" : workqueueCpus);
        new TreeMap<>(settings).forEach((name, value) -> line(out, "setting", name, value));
        new TreeSet<>(mailers).forEach(mailer -> line(out, "mailer", mailer));
        new TreeMap<>(accounts).forEach((name, id) -> line(out, "account", name, id));
        new TreeMap<>(groups).forEach((name, id) -> line(out, "group", name, id));
        new TreeSet<>(directories).forEach(directory -> line(out, "directory", directory));
        line(out, "managed_by", managedBy);
        line(out, "ssh_unit", sshUnit);
        sshAllows.forEach(allow -> line(out, "ssh_allow", allow));
        line(out, "done", 1);
        return out.toString();
    }

    private static void line(StringBuilder out, String key, Object... fields) {
        out.append(key).append('=');
        for (int i = 0; i < fields.length; i++) {
            out.append(i == 0 ? "" : "\t").append(fields[i]);
        }
        out.append('\n');
    }
}
