package io.kloigos.driver.local;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.CpuTopology.Cache;
import io.kloigos.model.CpuTopology.Core;
import io.kloigos.model.HostFacts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Reads what this machine is from its kernel and its tools, as the probe of the SSH driver does. */
final class LocalFacts {
    private static final List<String> PATHS = List.of("/", "/home", "/opt", "/mnt", "/tmp", "/var/tmp", "/var/spool");
    private static final Pattern HIDEPID = Pattern.compile("(?m)^\\S+ \\S+ \\S+ \\S+ /proc .* - .*hidepid=([^, \n]+)");
    private static final Pattern COLUMN = Pattern.compile("([A-Z:-]+)=\"([^\"]*)\"");
    private static final String PROBE_RULES = """
            table inet kloigos_probe {
                set own { type uid . inet_service; flags interval; elements = { 4000000 . 1-2 }; }
                set begun { type uid; size 8; flags dynamic; }
                chain look {
                    meta skuid . th sport @own accept
                    ct status & confirmed == 0 add @begun { meta skuid ct count over 8 } drop
                    meta cgroup 0 accept
                }
            }
            """;

    private final Tools tools;

    LocalFacts(Tools tools) {
        this.tools = tools;
    }

    HostFacts read() throws IOException {
        Map<String, String> release = assignments(text("/etc/os-release"));
        String systemd = tools.run("systemctl", "--version").out();
        String sshd = tools.run("sshd", "-T").out();
        String version = release.getOrDefault("VERSION_ID", "");
        CpuSet online = CpuSet.parse(text("/sys/devices/system/cpu/online"));
        ByteSize memory = kibibytes(text("/proc/meminfo"), "MemTotal:");
        return new HostFacts(
                "",
                release.getOrDefault("ID", "linux") + (version.isEmpty() ? "" : " " + version),
                text("/proc/sys/kernel/osrelease"),
                systemdVersion(systemd),
                capabilities(systemd, sshd),
                Set.of(text("/sys/fs/cgroup/cgroup.controllers").split(" ", -1)),
                online,
                nodes(online, memory),
                topology(),
                memory,
                kibibytes(text("/proc/meminfo"), "SwapTotal:"),
                mounts(),
                disks(),
                volumeGroups(),
                listeningPorts(),
                text("/proc/sys/net/ipv4/ip_local_reserved_ports"),
                workqueueCpus(text("/sys/devices/virtual/workqueue/cpumask")),
                settings(),
                mailers(),
                ids("/etc/passwd"),
                ids("/etc/group"),
                directories(),
                firstLine(text("/etc/kloigos/managed-by")),
                sshUnit(),
                sshd.lines()
                        .filter(line -> line.matches("(allow|deny)(users|groups) .*"))
                        .toList());
    }

    /** Returns a file without surrounding white space; an unreadable one is empty. */
    private static String text(String path) {
        try {
            return new String(LocalMachine.contents(Path.of(path)), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static @Nullable CpuMask workqueueCpus(String text) {
        return text.isEmpty() ? null : CpuMask.parse(text);
    }

    private static Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>();
        for (String name : HostFacts.SETTINGS) {
            String value = text("/proc/sys/" + name.replace('.', '/'));
            if (!value.isEmpty()) {
                settings.put(name, value);
            }
        }
        settings.put(HostFacts.HIDEPID, hidepid(text("/proc/self/mountinfo")));
        return settings;
    }

    private static String hidepid(String mountinfo) {
        String found = "off";
        Matcher proc = HIDEPID.matcher(mountinfo);
        while (proc.find()) {
            found = proc.group(1);
        }
        return found;
    }

    /** A cgroup of a service is there as long as the service runs. */
    private static Set<String> mailers() {
        Set<String> found = new HashSet<>();
        for (String name : HostFacts.MAILERS) {
            Path cgroup = Path.of("/sys/fs/cgroup/system.slice", name);
            if (Files.isDirectory(cgroup)) {
                found.add(cgroup.getFileName().toString());
            }
        }
        if (found.isEmpty() && Files.isExecutable(Path.of("/usr/sbin/sendmail"))) {
            found.add("sendmail");
        }
        return found;
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("").strip();
    }

    private static Map<String, String> assignments(String text) {
        Map<String, String> values = new HashMap<>();
        text.lines().filter(line -> line.contains("=")).forEach(line -> {
            String[] parts = line.split("=", 2);
            values.put(parts[0], parts[1].replaceAll("^[\"']|[\"']$", ""));
        });
        return values;
    }

    private static int systemdVersion(String systemd) {
        Matcher matcher = Pattern.compile("^systemd (\\d+)").matcher(systemd);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
    }

    private Set<Capability> capabilities(String systemd, String sshd) throws IOException {
        Set<Capability> found = EnumSet.noneOf(Capability.class);
        Map<Capability, Boolean> known = new LinkedHashMap<>();
        known.put(Capability.SYSTEMD_BPF, systemd.contains("+BPF_FRAMEWORK"));
        known.put(Capability.CGROUP_V2, Files.isRegularFile(Path.of("/sys/fs/cgroup/cgroup.controllers")));
        known.put(Capability.CGROUP_KILL, hasCgroupKill());
        known.put(
                Capability.NFT_UID_PORTS,
                tools.run(List.of("nft", "-c", "-f", "-"), PROBE_RULES).succeeded());
        known.put(Capability.SYSUSERS, installed("systemd-sysusers"));
        known.put(Capability.UTIL_LINUX, installed("flock", "timeout", "setpriv", "sysctl"));
        known.put(Capability.QUOTA_TOOLS, installed("setquota", "repquota", "quota", "chattr"));
        known.put(Capability.KEYCTL, installed("keyctl"));
        known.put(Capability.SOCKET_STATISTICS, installed("ss"));
        known.put(Capability.MKFS_EXT4, installed("mkfs.ext4"));
        known.put(Capability.MKFS_XFS, installed("mkfs.xfs"));
        known.put(Capability.LVM, installed("lvcreate", "lvremove", "lvs", "vgs"));
        known.put(Capability.CRON, installed("cron") && Files.isRegularFile(Path.of("/etc/pam.d/cron")));
        known.put(Capability.CROND, installed("crond") && Files.isRegularFile(Path.of("/etc/pam.d/crond")));
        known.put(Capability.ATD, installed("atd") && Files.isRegularFile(Path.of("/etc/pam.d/atd")));
        known.put(Capability.PAM_SYSTEMD, hasPamSystemd());
        known.put(Capability.SSHD_PAM, sshd.lines().anyMatch("usepam yes"::equals));
        known.put(
                Capability.SSHD_INCLUDE,
                text("/etc/ssh/sshd_config")
                        .lines()
                        .anyMatch(line -> line.matches("(?i)include\\s+/etc/ssh/sshd_config\\.d/.*")));
        known.forEach((capability, there) -> {
            if (there) {
                found.add(capability);
            }
        });
        return found;
    }

    private static boolean installed(String... commands) {
        return Arrays.stream(commands).allMatch(Tools::isInstalled);
    }

    private static boolean hasCgroupKill() throws IOException {
        Path root = Path.of("/sys/fs/cgroup");
        if (!Files.isDirectory(root)) {
            return false;
        }
        try (DirectoryStream<Path> cgroups = Files.newDirectoryStream(root)) {
            for (Path cgroup : cgroups) {
                if (Files.exists(cgroup.resolve("cgroup.kill"))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean hasPamSystemd() throws IOException {
        List<Path> directories = new ArrayList<>(List.of(Path.of("/lib"), Path.of("/lib64"), Path.of("/usr/lib64")));
        if (Files.isDirectory(Path.of("/usr/lib"))) {
            try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/usr/lib"), Files::isDirectory)) {
                all.forEach(directories::add);
            }
        }
        return directories.stream().anyMatch(directory -> Files.exists(directory.resolve("security/pam_systemd.so")));
    }

    private static ByteSize kibibytes(String text, String key) {
        Matcher matcher = Pattern.compile(Pattern.quote(key) + "\\s+(\\d+) kB").matcher(text);
        return ByteSize.ofKibibytes(matcher.find() ? Long.parseLong(matcher.group(1)) : 0);
    }

    private static Map<Integer, HostFacts.Node> nodes(CpuSet online, ByteSize memory) throws IOException {
        Map<Integer, HostFacts.Node> nodes = new TreeMap<>();
        Path all = Path.of("/sys/devices/system/node");
        if (Files.isDirectory(all)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(all, "node[0-9]*")) {
                for (Path node : found) {
                    nodes.put(
                            Integer.valueOf(node.getFileName().toString().substring("node".length())),
                            new HostFacts.Node(
                                    CpuSet.parse(text(node + "/cpulist")),
                                    kibibytes(text(node + "/meminfo"), "MemTotal:")));
                }
            }
        }
        if (nodes.isEmpty()) {
            nodes.put(0, new HostFacts.Node(online, memory));
        }
        return nodes;
    }

    private static CpuTopology topology() throws IOException {
        List<Core> cores = new ArrayList<>();
        List<Cache> caches = new ArrayList<>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(Path.of("/sys/devices/system/cpu"), "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                String siblings = text(cpu + "/topology/thread_siblings_list");
                if (!siblings.isEmpty()) {
                    cores.add(new Core(
                            CpuSet.parse(siblings),
                            number(cpu + "/topology/physical_package_id"),
                            number(cpu + "/topology/die_id"),
                            number(cpu + "/topology/core_id")));
                    lastLevelCache(cpu).ifPresent(caches::add);
                }
            }
        }
        return new CpuTopology(cores, caches);
    }

    private static Optional<Cache> lastLevelCache(Path cpu) {
        return IntStream.iterate(0, index -> index + 1)
                .mapToObj(index -> cpu + "/cache/index" + index)
                .takeWhile(cache -> Files.exists(Path.of(cache)))
                .filter(cache -> !text(cache + "/type").equals("Instruction"))
                .max(Comparator.comparingInt(cache -> number(cache + "/level")))
                .map(cache -> new Cache(
                        CpuSet.parse(text(cache + "/shared_cpu_list")),
                        number(cache + "/level"),
                        ByteSize.ofKibibytes(number(cache + "/size"))));
    }

    /** Returns the number that a file begins with; 0 if there is none. */
    private static int number(String path) {
        Matcher matcher = Pattern.compile("^-?\\d+").matcher(text(path));
        return matcher.find() ? Integer.parseInt(matcher.group()) : 0;
    }

    private static Map<String, HostFacts.Mount> mounts() throws IOException {
        List<MountInfo> all = MountInfo.read();
        Map<String, HostFacts.Mount> mounts = new TreeMap<>();
        for (String path : PATHS) {
            if (Files.exists(Path.of(path))) {
                String real = Path.of(path).toRealPath().toString();
                MountInfo mount = MountInfo.holding(all, real);
                FileStore store = Files.getFileStore(Path.of(path));
                mounts.put(
                        path,
                        new HostFacts.Mount(
                                mount.point(),
                                mount.source(),
                                mount.type(),
                                mount.options(),
                                wholeKibibytes(store.getTotalSpace()),
                                wholeKibibytes(store.getUsableSpace())));
            }
        }
        return mounts;
    }

    private static ByteSize wholeKibibytes(long bytes) {
        return ByteSize.ofKibibytes(bytes >> 10);
    }

    private List<HostFacts.Disk> disks() {
        String columns = "NAME,TYPE,MAJ:MIN,SIZE,FSTYPE,LABEL,PTTYPE,PKNAME,DISC-MAX";
        Map<String, Map<String, String>> rows = new LinkedHashMap<>();
        Set<String> parents = new HashSet<>();
        tools.run("lsblk", "-bpPo", columns).out().lines().forEach(line -> {
            Map<String, String> row = new HashMap<>();
            Matcher matcher = COLUMN.matcher(line);
            while (matcher.find()) {
                row.put(matcher.group(1), matcher.group(2));
            }
            parents.add(row.getOrDefault("PKNAME", ""));
            if (!Set.of("loop", "rom").contains(row.getOrDefault("TYPE", ""))) {
                rows.putIfAbsent(row.getOrDefault("NAME", ""), row);
            }
        });
        List<HostFacts.Disk> disks = new ArrayList<>();
        rows.forEach((name, row) -> {
            String kind = row.getOrDefault("TYPE", "");
            String signature = row.getOrDefault("FSTYPE", "");
            boolean divided = parents.contains(name)
                    || (kind.equals("disk") && !row.getOrDefault("PTTYPE", "").isEmpty());
            if (signature.isEmpty() && divided) {
                signature = "parts";
            }
            // What udev did not see yet, the disk itself tells; one that cannot be looked at does not pass for blank.
            if (signature.isEmpty() && kind.equals("disk")) {
                Tools.Ran signatures = tools.run("wipefs", "-n", name);
                signature = signatures.succeeded() && signatures.out().isBlank() ? "" : "unknown";
            }
            disks.add(new HostFacts.Disk(
                    name,
                    kind,
                    row.getOrDefault("MAJ:MIN", "").strip(),
                    new ByteSize(Long.parseLong(row.getOrDefault("SIZE", "0"))),
                    signature,
                    row.getOrDefault("LABEL", ""),
                    discards(row.getOrDefault("DISC-MAX", ""))));
        });
        return disks;
    }

    private static boolean discards(String most) {
        return !most.isBlank() && !most.strip().equals("0");
    }

    private Map<String, HostFacts.VolumeGroup> volumeGroups() {
        String columns = "vg_name,vg_extent_size,vg_free_count,pv_name";
        // A line for each physical volume.
        List<String[]> groups = rows(tools.run("vgs", "--noheadings", "--nosuffix", "--units", "b", "-o", columns), 4);
        // Without volume groups there are no volumes to ask for.
        List<String[]> volumes =
                groups.isEmpty() ? List.of() : rows(tools.run("lvs", "--noheadings", "-o", "vg_name,lv_name"), 2);
        Map<String, HostFacts.VolumeGroup> found = new TreeMap<>();
        for (String[] group : groups) {
            HostFacts.VolumeGroup before = found.get(group[0]);
            boolean discards =
                    discards(tools.run("lsblk", "-bdno", "DISC-MAX", group[3]).out());
            found.put(
                    group[0],
                    new HostFacts.VolumeGroup(
                            new ByteSize(Long.parseLong(group[1])),
                            Long.parseLong(group[2]),
                            volumes.stream()
                                    .filter(volume -> volume[0].equals(group[0]))
                                    .map(volume -> volume[1])
                                    .collect(Collectors.toSet()),
                            discards && (before == null || before.discards())));
        }
        return found;
    }

    private static List<String[]> rows(Tools.Ran ran, int fields) {
        return ran.out()
                .lines()
                .map(line -> line.strip().split("\\s+", -1))
                .filter(row -> row.length == fields)
                .toList();
    }

    private Set<Integer> listeningPorts() {
        Set<Integer> ports = new HashSet<>();
        tools.run("ss", "-Hltun").out().lines().forEach(line -> {
            String[] fields = line.strip().split("\\s+", -1);
            String port = fields.length > 4 ? fields[4].substring(fields[4].lastIndexOf(':') + 1) : "";
            if (port.matches("\\d+")) {
                ports.add(Integer.valueOf(port));
            }
        });
        return ports;
    }

    private static Map<String, Integer> ids(String path) {
        Map<String, Integer> ids = new HashMap<>();
        text(path).lines().map(line -> line.split(":", -1)).forEach(fields -> {
            if (fields.length > 2 && fields[2].matches("\\d{1,9}")) {
                ids.putIfAbsent(fields[0], Integer.valueOf(fields[2]));
            }
        });
        return ids;
    }

    private static Set<String> directories() throws IOException {
        Set<String> directories = new HashSet<>();
        for (String above : List.of("/home", "/opt", "/mnt")) {
            if (Files.isDirectory(Path.of(above))) {
                try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of(above))) {
                    for (Path entry : entries) {
                        String path = entry.toString();
                        if (!path.contains("\t") && !path.contains("\n")) {
                            directories.add(path);
                        }
                    }
                }
            }
        }
        return directories;
    }

    private String sshUnit() {
        String[] states = tools.run("systemctl", "is-active", "ssh.service", "ssh.socket", "sshd.service")
                .out()
                .split("\n", -1);
        for (int i = 0; i < Math.min(3, states.length); i++) {
            if (states[i].equals("active")) {
                return i == 2 ? "sshd.service" : "ssh.service";
            }
        }
        return "";
    }
}
