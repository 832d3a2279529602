package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostFacts;
import io.kloigos.spi.Condition;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The state of one fake machine, and what each step does to it. Not thread-safe: guarded by the host that owns it.
 */
final class FakeMachine {
    private static final String WORKQUEUE_CPUS = "/sys/devices/virtual/workqueue/cpumask";
    private static final List<String> PROBED = List.of("/", "/home", "/opt", "/mnt", "/tmp", "/var/tmp", "/var/spool");

    /** A Unix user. */
    record Account(String name, int uid, int gid, String gecos, String home, String shell, boolean expired) {
        Account {
            // A fleet has the same users on every host.
            name = name.intern();
            gecos = gecos.intern();
            home = home.intern();
            shell = shell.intern();
        }

        Account expired(boolean now) {
            return new Account(name, uid, gid, gecos, home, shell, now);
        }

        Account described(String newGecos, String newShell) {
            return new Account(name, uid, gid, newGecos, home, newShell, expired);
        }

        /** Its line in shadow(5): without a password, and expired since the first day or never. */
        String shadow() {
            return name + ":!*:19000::::" + ":" + (expired ? "1" : "") + ":";
        }

        String passwd() {
            return String.join(":", name, "x", "" + uid, "" + gid, gecos, home, shell);
        }
    }

    /** A Unix group. */
    record Group(String name, int gid, Set<String> members) {
        String line() {
            return name + ":x:" + gid + ":" + String.join(",", members);
        }
    }

    /** A running process. */
    record Task(int pid, int uid, String command, String slice) {}

    private static final String ONLINE_CPUS = "/sys/devices/system/cpu/online";
    private static final Pattern SIBLINGS =
            Pattern.compile("/sys/devices/system/cpu/cpu(\\d+)/topology/thread_siblings_list");
    private static final Pattern NODE_CPUS = Pattern.compile("/sys/devices/system/node/node(\\d+)/cpulist");

    final Set<Capability> capabilities;
    final Set<String> cgroupControllers;
    final Topology topology;
    private CpuSet offline = CpuSet.empty();
    final String sshUnit = "ssh.service";
    final FakeFiles files = new FakeFiles();
    final FakeNftables nftables = new FakeNftables();
    final FakeSystemd systemd;
    final Map<String, Account> accounts = new TreeMap<>();
    final Map<String, Group> groups = new TreeMap<>();
    final FakeDisks disks;
    final FakeSshd sshd = new FakeSshd(this);
    final FakeTraces traces;
    private final Set<Integer> listening;
    private final int systemdVersion;
    private final Set<String> mailers;
    final FakeSockets sockets = new FakeSockets();
    private final FakeUsage usage = new FakeUsage(this);
    private final List<Task> processes = new ArrayList<>();
    private final ByteSize swap;
    private final List<FakeFiles.Mounted> systemMounts = new ArrayList<>();
    private int lastPid = 1000;

    FakeMachine(FakeHostBuilder spec) {
        capabilities = EnumSet.copyOf(spec.capabilities);
        cgroupControllers = Set.copyOf(spec.cgroupControllers);
        topology = spec.topology();
        swap = spec.swap;
        listening = new TreeSet<>(spec.listening);
        systemdVersion = spec.systemdVersion;
        mailers = new TreeSet<>(spec.mailers);
        disks = new FakeDisks(this, spec);
        systemd = new FakeSystemd(this, Set.of(sshUnit, "cron.service", "nftables.service"));
        traces = new FakeTraces(this);
        install(spec);
    }

    private void install(FakeHostBuilder spec) {
        spec.mounts.forEach((point, mount) -> {
            if (!point.equals("/")) {
                files.makeAll(point);
            }
            files.mount(point, FakeFiles.Node.directory(Access.rootDirectory()), mount, 0);
        });
        systemMounts.addAll(files.mounts());
        for (String directory : List.of(
                "/etc/ssh/sshd_config.d",
                "/etc/systemd/system",
                "/etc/sysctl.d",
                "/etc/sysusers.d",
                "/etc/tmpfiles.d",
                "/etc/pam.d",
                "/etc/skel",
                "/home",
                "/opt",
                "/mnt",
                "/dev/shm",
                "/dev/mqueue",
                "/proc/1",
                "/proc/sys/fs/mqueue",
                "/proc/sys/kernel",
                "/proc/sys/net/ipv4",
                "/root",
                "/run/lock",
                "/run/systemd/system.control",
                "/run/systemd/users",
                "/run/user",
                "/sys/fs/cgroup",
                "/tmp",
                "/var/tmp",
                "/var/mail",
                "/var/lib/systemd/coredump",
                "/var/lib/systemd/linger",
                "/var/lib/sudo/lectured",
                "/var/log/journal/4b6c6f69676f73",
                "/run/sudo/ts",
                "/var/spool/cron/crontabs",
                "/var/spool/cron/atjobs")) {
            files.makeAll(directory);
        }
        for (String shared : List.of("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")) {
            files.directory(shared).set(new Access(0, 01777));
        }
        List.of(".bash_logout", ".bashrc", ".profile")
                .forEach(name -> files.put("/etc/skel/" + name, "# " + name + "\n", Access.rootFile()));
        pam(Capability.CRON, "cron");
        pam(Capability.CROND, "crond");
        pam(Capability.ATD, "atd");
        files.makeAll("/sys/devices/system/cpu");
        files.put(ONLINE_CPUS, topology.online() + "\n", Access.rootFile());
        files.makeAll(FakeFiles.above(WORKQUEUE_CPUS));
        bootKernel();
        files.put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n", Access.rootFile());
        files.put("/proc/sys/net/ipv4/ip_local_reserved_ports", spec.reservedPorts + "\n", Access.rootFile());
        Map.of("hardlinks", 1, "symlinks", 1, "fifos", 2, "regular", 2)
                .forEach((kind, value) -> files.put("/proc/sys/fs/protected_" + kind, value + "\n", Access.rootFile()));
        files.put("/proc/sys/fs/mqueue/queues_max", "256\n", Access.rootFile());
        if (isDebian13()) {
            files.put("/proc/sys/kernel/io_uring_disabled", "0\n", Access.rootFile());
            files.put("/proc/sys/kernel/io_uring_group", "-1\n", Access.rootFile());
        }
        files.put(
                "/etc/ssh/sshd_config",
                (capabilities.contains(Capability.SSHD_INCLUDE) ? "Include /etc/ssh/sshd_config.d/*.conf\n" : "")
                        + (capabilities.contains(Capability.SSHD_PAM) ? "UsePAM yes\n" : "")
                        + String.join(
                                "",
                                spec.sshAllows.stream().map(line -> line + "\n").toList()),
                Access.rootFile());
        account("root", 0, "/root");
        account("daemon", 1, "/usr/sbin");
        account("nobody", 65534, "/nonexistent");
        spec.accounts.forEach((name, uid) -> {
            account(name, uid, "/home/" + name);
            files.makeDirectory("/home/" + name, new Access(uid, 0755));
        });
        spec.texts.forEach((path, text) -> {
            files.makeAll(FakeFiles.above(path));
            files.put(path, text, Access.rootFile());
        });
        sshd.reload();
        systemd.boot();
        startMailers();
    }

    private void bootKernel() {
        int digits = (topology.online().stream().max().orElse(0) + 4) / 4;
        files.put(WORKQUEUE_CPUS, new CpuMask(topology.online(), digits) + "\n", Access.rootFile());
    }

    private void pam(Capability daemon, String name) {
        if (capabilities.contains(daemon)) {
            files.put(
                    "/etc/pam.d/" + name,
                    "# The PAM configuration file for " + name
                            + "\n@include common-auth\nsession    required   pam_env.so\n"
                            + "@include common-session-noninteractive\n",
                    Access.rootFile());
        }
    }

    private void account(String name, int uid, String home) {
        accounts.put(name, new Account(name, uid, uid, "", home, "/bin/bash", false));
        groups.put(name, new Group(name, uid, new TreeSet<>()));
    }

    /** Ends every process, forgets what lives in memory only, and starts again what is enabled. */
    void reboot() {
        processes.clear();
        sockets.closeAll();
        traces.reboot();
        nftables.flush();
        for (String memoryOnly : List.of(
                "/run/user",
                "/run/systemd/users",
                "/run/systemd/system.control",
                "/run/lock",
                "/dev/shm",
                "/sys/fs/cgroup")) {
            files.directory(memoryOnly).list().clear();
        }
        List.copyOf(files.mounts()).stream()
                .filter(mount -> !systemMounts.contains(mount))
                .forEach(files::unmount);
        systemd.shutDown();
        systemd.boot();
        bootKernel();
        files.texts("/etc/tmpfiles.d", ".conf").values().forEach(this::writeTemporary);
        files.texts("/etc/sysctl.d", ".conf").keySet().forEach(path -> run(List.of("sysctl", "-p", path), ""));
        sshd.reload();
        systemd.startEnabled();
        startMailers();
    }

    private void startMailers() {
        List.copyOf(mailers).forEach(this::startMailer);
    }

    void startMailer(String service) {
        mailers.add(service);
        files.makeAll("/sys/fs/cgroup/system.slice/" + service);
    }

    /** Of tmpfiles.d(5), the lines that write to a file. */
    private void writeTemporary(String text) {
        text.lines()
                .filter(line -> line.startsWith("w "))
                .map(line -> line.split(" +", 7))
                .forEach(fields -> run(List.of("tee", fields[1]), fields[6] + "\n"));
    }

    // -- steps ------------------------------------------------------------------------------------------------------

    /**
     * Makes one step take effect.
     *
     * @return whether the host was changed
     * @throws Refused if the step fails
     */
    boolean apply(Step step) {
        if (step instanceof Step.Directories directories) {
            directories.paths().forEach(files::requirePlaceForDirectory);
            // All of them, and not only those before the first that changes.
            return directories.paths().stream()
                            .filter(path -> files.makeDirectory(path, directories.access()))
                            .count()
                    > 0;
        } else if (step instanceof Step.TextFile file) {
            return files.write(file.path(), file.content(), file.access());
        } else if (step instanceof Step.AppendedLines appended) {
            return append(appended);
        } else if (step instanceof Step.RemovedLines removed) {
            return takeOut(removed);
        } else if (step instanceof Step.Removal removal) {
            return files.remove(removal.path());
        } else if (step instanceof Step.Emptying emptying) {
            return files.empty(emptying.path());
        } else if (step instanceof Step.Command command) {
            attempt(command.argv(), command.stdin());
            return true;
        } else if (step instanceof Step.Ensure ensure) {
            return ensure(ensure);
        } else if (step instanceof Step.DiskFormat format) {
            return disks.format(format);
        } else if (step instanceof Step.Erasure erasure) {
            return traces.erase(erasure.trace(), erasure.tenant());
        } else if (step instanceof Step.Expectation expectation) {
            String found = read(expectation.reading());
            if (!found.equals(expectation.expected())) {
                throw new Refused(
                        expectation.reading().describe() + ": expected " + expectation.expected() + ", found " + found);
            }
            return false;
        }
        throw new IllegalArgumentException("unknown step " + step);
    }

    /** Runs a command as a shell would. */
    String run(List<String> argv, String stdin) {
        return new FakeTools(this).run(argv, stdin);
    }

    private void attempt(List<String> argv, String stdin) {
        try {
            run(argv, stdin);
        } catch (Refused e) {
            if (e.isUnknown()) {
                throw e;
            }
            throw new Refused(
                    String.join(" ", argv) + " exited with 1" + (e.text().isBlank() ? "" : ":\n" + e.text()));
        }
    }

    private boolean append(Step.AppendedLines appended) {
        FakeFiles.Node file = files.find(appended.path());
        if (file == null) {
            return false;
        }
        List<String> there = file.text.lines().toList();
        List<String> missing =
                appended.lines().stream().filter(line -> !there.contains(line)).toList();
        if (!missing.isEmpty()) {
            files.requireRoom(appended.path());
            String end = file.text.isEmpty() || file.text.endsWith("\n") ? "" : "\n";
            file.text += end + String.join("\n", missing) + "\n";
        }
        return !missing.isEmpty();
    }

    private boolean takeOut(Step.RemovedLines removed) {
        FakeFiles.Node file = files.find(removed.path());
        if (file == null) {
            return false;
        }
        StringBuilder kept = new StringBuilder();
        for (int from = 0; from < file.text.length(); ) {
            int end = file.text.indexOf('\n', from);
            String line = file.text.substring(from, end < 0 ? file.text.length() : end);
            int next = end < 0 ? file.text.length() : end + 1;
            if (!removed.lines().contains(line)) {
                kept.append(file.text, from, next);
            }
            from = next;
        }
        boolean changed = kept.length() != file.text.length();
        if (changed) {
            files.requireRoom(removed.path());
        }
        file.text = kept.toString();
        return changed;
    }

    private boolean ensure(Step.Ensure ensure) {
        if (holds(ensure.condition())) {
            return false;
        }
        attempt(ensure.argv(), "");
        if (!holds(ensure.condition())) {
            throw new Refused(
                    "after " + String.join(" ", ensure.argv()) + " it still does not hold that " + ensure.condition());
        }
        return true;
    }

    private boolean holds(Condition condition) {
        try {
            run(condition.argv(), "");
            return condition.holdsOn() == Condition.Exit.SUCCESS;
        } catch (Refused e) {
            if (e.isUnknown()) {
                throw e;
            }
            return condition.holdsOn() == Condition.Exit.FAILURE;
        }
    }

    // -- readings ---------------------------------------------------------------------------------------------------

    /** Returns the CPUs in use by the kernel. */
    CpuSet online() {
        return topology.online().minus(offline);
    }

    void takeOffline(CpuSet cpus) {
        offline = cpus;
        files.put(ONLINE_CPUS, online() + "\n", Access.rootFile());
        systemd.cpusChanged();
    }

    /** Returns what the kernel tells of online CPUs in a file, if it has one of this name. */
    private @Nullable String layout(String path) {
        Matcher siblings = SIBLINGS.matcher(path);
        if (siblings.matches()) {
            int cpu = Integer.parseInt(siblings.group(1));
            return online().intersects(CpuSet.of(cpu)) ? topology.coreOf(cpu).minus(offline) + "\n" : null;
        }
        Matcher node = NODE_CPUS.matcher(path);
        HostFacts.Node found = node.matches() ? topology.numaNodes().get(Integer.valueOf(node.group(1))) : null;
        return found == null ? null : found.cpus().minus(offline) + "\n";
    }

    private @Nullable String text(String path) {
        FakeFiles.Node file = files.find(path);
        if (file == null && path.startsWith("/sys/devices/system/")) {
            return layout(path);
        }
        if (path.equals("/proc/self/mountinfo")) {
            return files.mounts().stream().map(FakeMachine::mountInfo).collect(Collectors.joining());
        }
        String counter = usage.text(path);
        return counter != null || file == null || !file.isFile() ? counter : file.text;
    }

    private static String mountInfo(FakeFiles.Mounted mount) {
        return "0 0 0:0 / " + mount.point + " rw - " + mount.facts.type() + " " + mount.facts.source() + " "
                + String.join(",", mount.facts.options()) + "\n";
    }

    String read(Reading reading) {
        if (reading instanceof Reading.FileText text) {
            String found = text(text.path());
            return found == null ? "absent" : stripped(found);
        } else if (reading instanceof Reading.FileLine line && accountFiles().containsKey(line.path())) {
            return firstLine(accountFiles().get(line.path()), line.prefix());
        } else if (reading instanceof Reading.FileLine line) {
            String found = text(line.path());
            return found == null ? "absent" : firstLine(found, line.prefix());
        } else if (reading instanceof Reading.Output output) {
            return printed(output.argv()).map(FakeMachine::stripped).orElse("failed");
        } else if (reading instanceof Reading.OutputLine line) {
            return printed(line.argv())
                    .map(text -> firstLine(text, line.prefix()))
                    .orElse("failed");
        } else if (reading instanceof Reading.Entries entries) {
            return entries.paths().stream()
                    .flatMap(path -> Optional.ofNullable(files.findHere(path)).stream()
                            .map(node ->
                                    Integer.toOctalString(node.mode) + " " + node.uid + ":" + node.gid + " " + path))
                    .collect(Collectors.joining("\n"));
        } else if (reading instanceof Reading.QuotaLimits quota) {
            FakeFiles.Mounted mount = files.mountedOn(quota.mountPoint());
            if (mount == null || !FakeDisks.enforces(mount.facts, quota.kind())) {
                return "failed";
            }
            return quota.ids().stream()
                    .map(id -> id + " "
                            + disks.quotas.getOrDefault(
                                    new FakeDisks.QuotaKey(quota.kind(), id, mount.facts.source()), "0 0"))
                    .collect(Collectors.joining("\n"));
        } else if (reading instanceof Reading.Traces traces) {
            List<String> found = this.traces.find(traces.trace(), traces.tenant());
            return found.isEmpty()
                    ? Reading.Traces.NONE
                    : String.join(" ", found.subList(0, Math.min(5, found.size())));
        }
        throw new IllegalArgumentException("unknown reading " + reading);
    }

    private Optional<String> printed(List<String> argv) {
        try {
            return Optional.of(run(argv, ""));
        } catch (Refused e) {
            if (e.isUnknown()) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private static String firstLine(String text, String prefix) {
        return Stream.of(text.split("\n", -1))
                .filter(line -> line.startsWith(prefix))
                .findFirst()
                .map(FakeMachine::stripped)
                .orElse("absent");
    }

    private static String stripped(String text) {
        int begin = 0;
        int end = text.length();
        while (begin < end && isBlank(text.charAt(begin))) {
            begin++;
        }
        while (end > begin && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(begin, end);
    }

    private static boolean isBlank(char character) {
        return character == ' ' || character == '\t' || character == '\n';
    }

    /** The files of accounts are not kept as texts. */
    private Map<String, String> accountFiles() {
        return Map.of(
                "/etc/passwd", accounts.values().stream().map(Account::passwd).collect(Collectors.joining("\n")),
                "/etc/shadow", accounts.values().stream().map(Account::shadow).collect(Collectors.joining("\n")),
                "/etc/group", groups.values().stream().map(Group::line).collect(Collectors.joining("\n")));
    }

    void spawn(int uid, String command, String slice) {
        processes.add(new Task(++lastPid, uid, command, slice));
    }

    void kill(Predicate<Task> which) {
        processes.removeIf(which);
    }

    List<Task> processes() {
        return processes;
    }

    @Nullable
    Account account(int uid) {
        return accounts.values().stream()
                .filter(account -> account.uid() == uid)
                .findFirst()
                .orElse(null);
    }

    private boolean isDebian13() {
        return systemdVersion >= 257;
    }

    private Map<String, String> settings() {
        Map<String, String> settings = new TreeMap<>(Map.of(HostFacts.HIDEPID, "off"));
        for (String name : HostFacts.SETTINGS) {
            FakeFiles.Node file = files.find("/proc/sys/" + name.replace('.', '/'));
            if (file != null) {
                settings.put(name, file.text.strip());
            }
        }
        return settings;
    }

    HostFacts facts(String hostKey) {
        Map<String, HostFacts.Mount> mounts = new TreeMap<>();
        PROBED.forEach(path -> mounts.put(path, files.mountOf(path).facts));
        Map<String, Integer> uids = new TreeMap<>();
        accounts.forEach((name, account) -> uids.put(name, account.uid()));
        Map<String, Integer> gids = new TreeMap<>();
        groups.forEach((name, group) -> gids.put(name, group.gid()));
        Set<String> directories = new TreeSet<>();
        for (String above : List.of("/home", "/opt", "/mnt")) {
            files.directory(above).list().keySet().forEach(name -> directories.add(above + "/" + name));
        }
        FakeFiles.Node managed = files.find("/etc/kloigos/managed-by");
        List<String> allows = new ArrayList<>();
        sshd.configuration()
                .lines()
                .map(String::strip)
                .filter(line -> line.matches("(?i)(allow|deny)(users|groups)\\s.*"))
                .map(line -> line.split("\\s+", 2))
                .forEach(words -> allows.add(words[0].toLowerCase(Locale.ROOT) + " " + words[1]));
        return new HostFacts(
                hostKey,
                isDebian13() ? "debian 13" : "debian 12",
                (isDebian13() ? "6.12.117" : "6.1.0-56") + HostFacts.SIMULATED,
                systemdVersion,
                capabilities,
                cgroupControllers,
                online(),
                topology.numaNodes(),
                topology.cpuTopology(),
                topology.memory(),
                swap,
                mounts,
                disks.all.stream()
                        .map(disk -> new HostFacts.Disk(
                                disk.path,
                                disk.kind,
                                disk.number,
                                disk.size,
                                disk.signature,
                                disk.label,
                                disk.discards))
                        .toList(),
                disks.volumes.groups(),
                listening,
                files.file("/proc/sys/net/ipv4/ip_local_reserved_ports").text.strip(),
                CpuMask.parse(files.file(WORKQUEUE_CPUS).text.strip()),
                settings(),
                mailers,
                uids,
                gids,
                directories,
                managed == null ? "" : managed.text.strip(),
                sshUnit,
                allows);
    }
}
