package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostFacts;
import io.kloigos.model.PortRange;
import io.kloigos.model.Trace;
import io.kloigos.spi.Condition;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.UnitAccount;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The state of one fake machine, and what each step does to it. Not thread-safe: guarded by the host that owns it.
 */
final class FakeMachine {
    private static final String JOURNAL = "/var/log/journal/4b6c6f69676f73/";
    private static final Set<String> PLACES_OF_OTHER_KINDS =
            Set.of("/dev/mqueue", "/dev/shm", "/proc", "/run/user", "/sys", "/var/mail", "/var/spool/cron");
    private static final String WORKQUEUE_CPUS = "/sys/devices/virtual/workqueue/cpumask";
    private static final String CORE_DUMPS = "/var/lib/systemd/coredump/";
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

    /** A block device and what is on it. */
    static final class Disk {
        final String path;
        final String kind;
        final String number;
        final ByteSize size;
        String signature;
        String label;
        FakeFiles.Node content = FakeFiles.Node.directory(Access.rootDirectory());

        Disk(String path, String kind, String number, ByteSize size, String signature) {
            this.path = path;
            this.kind = kind;
            this.number = number;
            this.size = size;
            this.signature = signature;
            this.label = "";
        }
    }

    /** Whose quota on which device. */
    record QuotaKey(QuotaKind kind, int id, String source) {}

    final Set<Capability> capabilities;
    final Set<String> cgroupControllers;
    final Topology topology;
    final String sshUnit = "ssh.service";
    final FakeFiles files = new FakeFiles();
    final FakeNftables nftables = new FakeNftables();
    final FakeSystemd systemd;
    final Map<String, Account> accounts = new TreeMap<>();
    final Map<String, Group> groups = new TreeMap<>();
    final List<Disk> disks;
    final FakeVolumes volumes;
    final Map<QuotaKey, String> quotas = new TreeMap<>(java.util.Comparator.comparing(QuotaKey::toString));
    private final Set<Integer> listening;
    private final int systemdVersion;
    final FakeSockets sockets = new FakeSockets();
    private final FakeUsage usage = new FakeUsage(this);
    private final List<Task> processes = new ArrayList<>();
    private final Set<Integer> lastLogins = new TreeSet<>();
    private final Map<Trace, Set<Integer>> leftInKernel = new TreeMap<>();
    private final ByteSize swap;
    private final List<FakeFiles.Mounted> systemMounts = new ArrayList<>();
    private String sshConfiguration = "";
    private int lastPid = 1000;

    FakeMachine(FakeHost.Builder spec) {
        capabilities = EnumSet.copyOf(spec.capabilities);
        cgroupControllers = Set.copyOf(spec.cgroupControllers);
        topology = spec.topology();
        swap = spec.swap;
        listening = new TreeSet<>(spec.listening);
        systemdVersion = spec.systemdVersion;
        disks = spec.disks.stream()
                .map(disk -> new Disk(disk.path(), disk.kind(), disk.number(), disk.size(), disk.signature()))
                .collect(Collectors.toCollection(ArrayList::new));
        volumes = new FakeVolumes(disks, spec.volumeGroups);
        systemd = new FakeSystemd(this, Set.of(sshUnit, "cron.service", "nftables.service"));
        install(spec);
    }

    private void install(FakeHost.Builder spec) {
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
                "/proc/sys/fs",
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
        files.put("/sys/devices/system/cpu/online", topology.online() + "\n", Access.rootFile());
        files.makeAll(FakeFiles.above(WORKQUEUE_CPUS));
        bootKernel();
        files.put("/proc/sys/net/ipv4/ip_local_reserved_ports", spec.reservedPorts + "\n", Access.rootFile());
        Map.of("hardlinks", 1, "symlinks", 1, "fifos", 2, "regular", 2)
                .forEach((kind, value) -> files.put("/proc/sys/fs/protected_" + kind, value + "\n", Access.rootFile()));
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
        readSshConfiguration();
        systemd.boot();
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
        leftInKernel.clear();
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
        readSshConfiguration();
        systemd.startEnabled();
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
            return format(format);
        } else if (step instanceof Step.Erasure erasure) {
            return erase(erasure.trace(), erasure.tenant());
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

    private boolean format(Step.DiskFormat format) {
        Disk disk = disk(format.device());
        if (disk == null) {
            throw new Refused(format.device() + ": No such file or directory");
        }
        if (disk.label.equals(format.label())) {
            return false;
        }
        if (!Set.of("disk", "lvm").contains(disk.kind)) {
            throw new Refused(format.device() + " is a " + disk.kind + ", not a whole disk");
        }
        if (!disk.signature.isEmpty()) {
            throw new Refused(format.device() + " holds " + disk.signature + "; only a blank disk is formatted");
        }
        new FakeTools(this).require("mkfs." + format.type());
        blank(disk);
        disk.signature = format.type().toString();
        disk.label = format.label();
        return true;
    }

    // -- readings ---------------------------------------------------------------------------------------------------

    private @Nullable String text(String path) {
        String counter = usage.text(path);
        FakeFiles.Node file = files.find(path);
        return counter != null || file == null || !file.isFile() ? counter : file.text;
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
            if (mount == null || !enforces(mount.facts, quota.kind())) {
                return "failed";
            }
            return quota.ids().stream()
                    .map(id ->
                            id + " " + quotas.getOrDefault(new QuotaKey(quota.kind(), id, mount.facts.source()), "0 0"))
                    .collect(Collectors.joining("\n"));
        } else if (reading instanceof Reading.Traces traces) {
            List<String> found = traces(traces.trace(), traces.tenant());
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
        return text.replaceAll("\\A[ \t\n]+|[ \t\n]+\\z", "");
    }

    /** The files of accounts are not kept as texts. */
    private Map<String, String> accountFiles() {
        return Map.of(
                "/etc/passwd", accounts.values().stream().map(Account::passwd).collect(Collectors.joining("\n")),
                "/etc/shadow", accounts.values().stream().map(Account::shadow).collect(Collectors.joining("\n")),
                "/etc/group", groups.values().stream().map(Group::line).collect(Collectors.joining("\n")));
    }

    static boolean enforces(HostFacts.Mount mount, QuotaKind kind) {
        return kind == QuotaKind.USER ? mount.enforcesUserQuota() : mount.enforcesProjectQuota();
    }

    // -- tenants ----------------------------------------------------------------------------------------------------

    List<String> traces(Trace trace, UnitAccount tenant) {
        String user = tenant.user();
        int uid = tenant.uid();
        return switch (trace) {
            case CRONTABS -> existing("/var/spool/cron/crontabs/" + user, "/var/spool/cron/" + user);
            case AT_JOBS -> owned("/var/spool/cron/atjobs", uid);
            case PROCESSES ->
                processes.stream()
                        .filter(process -> process.uid() == uid)
                        .map(process -> "pid:" + process.pid())
                        .toList();
            case CGROUPS ->
                systemd.isActive("user-" + uid + ".slice") || systemd.isActive("user@" + uid + ".service")
                        ? List.of("/sys/fs/cgroup/user.slice/user-" + uid + ".slice")
                        : List.of();
            case SESSIONS -> existing("/run/systemd/users/" + uid);
            case LINGER -> existing("/var/lib/systemd/linger/" + user);
            case RUNTIME_DIRECTORY -> existing("/run/user/" + uid);
            case MOUNTS ->
                tenantMounts(tenant).stream().map(mount -> mount.point).toList();
            case USER_KEYRING, PERSISTENT_KEYRING, SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES, SOCKETS ->
                leftInKernel.getOrDefault(trace, Set.of()).contains(uid) ? List.of(trace + ":" + uid) : List.of();
            case POSIX_IPC ->
                Stream.concat(owned("/dev/shm", uid).stream(), owned("/dev/mqueue", uid).stream())
                        .toList();
            case MAIL -> existing("/var/mail/" + user);
            case JOURNAL -> existing(JOURNAL + "user-" + uid + ".journal");
            case CORE_DUMPS -> existing(CORE_DUMPS + "core.left." + uid + ".1");
            case LOGIN_RECORDS -> lastLogins.contains(uid) ? List.of("lastlog:" + user) : List.of();
            case SUDO_RECORDS -> existing("/run/sudo/ts/" + user, "/var/lib/sudo/lectured/" + user);
            case FILES -> tenantFiles(tenant);
            case DISK_USAGE -> {
                long inodes = tenantFiles(tenant).stream()
                        .filter(path -> !path.startsWith("/run/"))
                        .filter(path -> !files.mountOf(path).facts.type().equals("tmpfs"))
                        .count();
                yield inodes == 0 ? List.of() : List.of("/:" + inodes);
            }
        };
    }

    private List<String> existing(String... paths) {
        return Stream.of(paths).filter(path -> files.findHere(path) != null).toList();
    }

    private List<String> owned(String directory, int uid) {
        List<String> found = new ArrayList<>();
        files.visit(directory, (path, node) -> {
            if (node.isFile() && node.uid == uid) {
                found.add(path);
            }
        });
        return found;
    }

    private List<FakeFiles.Mounted> tenantMounts(UnitAccount tenant) {
        return files.mounts().stream()
                .filter(mount -> mount.owner == tenant.uid()
                        || tenant.directories().stream().anyMatch(directory -> mount.point.startsWith(directory + "/")))
                .toList();
    }

    private List<String> tenantFiles(UnitAccount tenant) {
        List<String> found = new ArrayList<>();
        collect("", files.directory("/"), tenant, found);
        return found;
    }

    private void collect(String path, FakeFiles.Node node, UnitAccount tenant, List<String> found) {
        node.list().forEach((name, entry) -> {
            String at = path + "/" + name;
            if (PLACES_OF_OTHER_KINDS.contains(at) || tenant.directories().contains(at)) {
                return;
            }
            boolean theirs = entry.uid == tenant.uid() || entry.gid == tenant.uid();
            if (theirs && !isDataOf(tenant, at)) {
                found.add(at);
            }
            if (entry.entries != null && !isDataOf(tenant, at)) {
                collect(at, entry, tenant, found);
            }
        });
    }

    /** Tells whether one of the tenant's directories is bound from this place. */
    private boolean isDataOf(UnitAccount tenant, String path) {
        FakeFiles.Node node = files.findHere(path);
        return tenant.directories().stream().anyMatch(directory -> {
            FakeFiles.Mounted bound = files.mountedOn(directory);
            return bound != null && bound.root == node;
        });
    }

    boolean erase(Trace trace, UnitAccount tenant) {
        List<String> found = traces(trace, tenant);
        int uid = tenant.uid();
        switch (trace) {
            case PROCESSES -> kill(process -> process.uid() == uid);
            case CGROUPS, SESSIONS ->
                systemd.systemctl(List.of("stop", "user@" + uid + ".service", "user-" + uid + ".slice"));
            case MOUNTS -> tenantMounts(tenant).forEach(files::unmount);
            case USER_KEYRING, PERSISTENT_KEYRING, SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES, SOCKETS ->
                leftInKernel.getOrDefault(trace, new TreeSet<>()).remove(uid);
            case LOGIN_RECORDS -> lastLogins.remove(uid);
            case DISK_USAGE -> removeAll(tenantFiles(tenant));
            default -> removeAll(found);
        }
        return !found.isEmpty();
    }

    private void removeAll(List<String> paths) {
        paths.stream().filter(path -> files.findHere(path) != null).forEach(files::remove);
    }

    /** Plants what a tenant leaves. */
    void leave(Account account, Trace trace) {
        String user = account.name();
        int uid = account.uid();
        Access own = new Access(uid, 0600);
        switch (trace) {
            case CRONTABS -> leaveFile("/var/spool/cron/crontabs/" + user, own);
            case AT_JOBS -> leaveFile("/var/spool/cron/atjobs/a" + uid, own);
            case PROCESSES -> {
                spawn(uid, "sleep infinity", "user-" + uid + ".slice");
                spawn(uid, "crond-child", "system.slice");
            }
            case CGROUPS, SESSIONS, RUNTIME_DIRECTORY ->
                systemd.systemctl(List.of("start", "user@" + uid + ".service"));
            case LINGER -> leaveFile("/var/lib/systemd/linger/" + user, Access.rootFile());
            case MOUNTS -> {
                String point = account.home() + "/mounted";
                files.makeDirectory(point, new Access(uid, 0700));
                files.mount(
                        point,
                        FakeFiles.Node.directory(new Access(uid, 0700)),
                        new HostFacts.Mount(
                                point,
                                "sshfs",
                                "fuse.sshfs",
                                Set.of("rw", "user_id=" + uid),
                                topology.memory(),
                                topology.memory()),
                        uid);
            }
            case USER_KEYRING, PERSISTENT_KEYRING, SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES, SOCKETS ->
                leftInKernel.computeIfAbsent(trace, t -> new TreeSet<>()).add(uid);
            case POSIX_IPC ->
                List.of("/dev/shm", "/dev/mqueue").forEach(place -> leaveFile(place + "/left-" + uid, own));
            case MAIL -> leaveFile("/var/mail/" + user, own);
            case JOURNAL -> leaveFile(JOURNAL + "user-" + uid + ".journal", Access.rootFile());
            case CORE_DUMPS -> leaveFile(CORE_DUMPS + "core.left." + uid + ".1", Access.rootFile());
            case LOGIN_RECORDS -> lastLogins.add(uid);
            case SUDO_RECORDS ->
                List.of("/run/sudo/ts/", "/var/lib/sudo/lectured/")
                        .forEach(place -> leaveFile(place + user, Access.rootFile()));
            case FILES, DISK_USAGE -> {
                for (String place : List.of("/tmp", "/var/tmp", "/run/lock")) {
                    leaveFile(place + "/left-" + uid, own);
                }
                files.makeDirectory("/tmp/dir-" + uid, own);
                leaveFile("/tmp/dir-" + uid + "/below", own);
            }
        }
    }

    private void leaveFile(String path, Access access) {
        files.write(path, "left\n", access);
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

    // -- sshd -------------------------------------------------------------------------------------------------------

    void readSshConfiguration() {
        sshConfiguration = sshConfigurationFiles();
    }

    String sshConfigurationFiles() {
        StringBuilder out = new StringBuilder();
        for (String line : files.file("/etc/ssh/sshd_config").text.split("\n", -1)) {
            if (line.equals("Include /etc/ssh/sshd_config.d/*.conf")) {
                files.texts("/etc/ssh/sshd_config.d", ".conf")
                        .values()
                        .forEach(text -> out.append(text).append('\n'));
                out.append("Match all\n");
            } else {
                out.append(line).append('\n');
            }
        }
        return out.toString();
    }

    /** Returns what sshd, as it last read its files, does for a user: the first value of each keyword, in lower case. */
    Map<String, String> sshSettings(String configuration, String user) {
        Map<String, String> settings = new TreeMap<>();
        boolean matches = true;
        for (String line : configuration.split("\n", -1)) {
            String[] words = line.strip().split("\\s+", 2);
            if (words[0].isEmpty() || words[0].startsWith("#")) {
                continue;
            }
            if (words.length < 2) {
                throw new Refused("sshd: " + words[0] + ": missing argument.");
            }
            String key = words[0].toLowerCase(Locale.ROOT);
            if (key.equals("match")) {
                matches = matches(words[1], user);
            } else if (matches) {
                settings.putIfAbsent(key, words[1]);
            }
        }
        return settings;
    }

    private boolean matches(String criteria, String user) {
        String[] words = criteria.split("\\s+", -1);
        return switch (words[0].toLowerCase(Locale.ROOT)) {
            case "all" -> true;
            case "user" -> List.of(words[1].split(",", -1)).contains(user);
            case "group" -> List.of(words[1].split(",", -1)).stream().anyMatch(group -> isMember(user, group));
            default -> throw Refused.unknown("sshd: the fake host does not know: Match " + criteria);
        };
    }

    boolean isMember(String user, String group) {
        Group found = groups.get(group);
        Account account = accounts.get(user);
        return found != null && (found.members().contains(user) || (account != null && account.gid() == found.gid()));
    }

    /** Returns what a login as the user meets. */
    TenantLogin login(String user) {
        Account account = accounts.get(user);
        if (account == null) {
            return TenantLogin.refused("there is no user " + user);
        }
        if (account.expired()) {
            return TenantLogin.refused("the account " + user + " has expired");
        }
        Map<String, String> settings = sshSettings(sshConfiguration, user);
        String groups = settings.get("allowgroups");
        if (groups != null && List.of(groups.split("\\s+", -1)).stream().noneMatch(group -> isMember(user, group))) {
            return TenantLogin.refused("sshd has AllowGroups " + groups + ", and " + user + " is in none of them");
        }
        String users = settings.get("allowusers");
        if (users != null && !List.of(users.split("\\s+", -1)).contains(user)) {
            return TenantLogin.refused("sshd has AllowUsers " + users);
        }
        List<String> keys = new ArrayList<>();
        for (String pattern : settings.getOrDefault("authorizedkeysfile", ".ssh/authorized_keys")
                .split("\\s+", -1)) {
            String named = pattern.replace("%u", user);
            FakeFiles.Node file = files.find(named.startsWith("/") ? named : account.home() + "/" + named);
            if (file != null
                    && file.isFile()
                    && (file.uid == 0 || file.uid == account.uid())
                    && (file.mode & 022) == 0) {
                file.text.lines().filter(line -> !line.isBlank()).forEach(keys::add);
            }
        }
        if (keys.isEmpty()) {
            return TenantLogin.refused("sshd knows no key of " + user);
        }
        FakeFiles.Node home = files.find(account.home());
        if (home == null || home.uid != account.uid()) {
            return TenantLogin.refused("the home directory " + account.home() + " is missing or not the user's");
        }
        Map<String, List<String>> limits = systemd.sliceSettings("user-" + account.uid() + ".slice");
        CpuSet cpus = FakeSystemd.union(limits, "AllowedCPUs").intersect(topology.online());
        List<String> most = limits.getOrDefault("MemoryMax", List.of("infinity"));
        String max = most.get(most.size() - 1);
        return new TenantLogin(
                "",
                keys,
                cpus.isEmpty() ? topology.online() : cpus,
                max.equals("infinity") ? topology.memory() : ByteSize.parse(max),
                nftables.elements("inet kloigos", "own").stream()
                        .filter(element -> element.key() == account.uid())
                        .map(element -> new PortRange(element.first(), element.last() + 1))
                        .toList());
    }

    // -- disks, mounts, facts ---------------------------------------------------------------------------------------

    @Nullable
    Disk disk(String path) {
        String label = path.startsWith("/dev/disk/by-label/") ? FakeFiles.lastOf(path) : "";
        return disks.stream()
                .filter(disk -> label.isEmpty() ? disk.path.equals(path) : disk.label.equals(label))
                .findFirst()
                .orElse(null);
    }

    void blank(Disk disk) {
        disk.signature = "";
        disk.label = "";
        disk.content = FakeFiles.Node.directory(Access.rootDirectory());
        quotas.keySet().removeIf(key -> key.source().equals(disk.path));
    }

    /** Returns the number of the device at a path, or of the one that holds the path; empty if there is none. */
    String deviceNumber(String path) {
        Disk disk =
                disk(path.startsWith("/dev/") ? path : files.mountOf(path).facts.source());
        return disk == null ? "" : disk.number;
    }

    void mount(String what, String where, String type, String options) {
        Set<String> asked = new TreeSet<>(List.of(options.split(",", -1)));
        if (asked.remove("bind")) {
            FakeFiles.Node source = files.find(what);
            if (source == null) {
                throw new Refused("mount: " + where + ": special device " + what + " does not exist.");
            }
            HostFacts.Mount of = files.mountOf(what).facts;
            asked.addAll(of.options());
            files.makeAll(where);
            files.mount(
                    where,
                    source,
                    new HostFacts.Mount(where, of.source(), of.type(), asked, of.size(), of.available()),
                    0);
            return;
        }
        Disk disk = disk(what);
        if (disk == null) {
            throw new Refused("mount: " + where + ": special device " + what + " does not exist.");
        }
        if (disk.signature.isEmpty() || (!type.equals("auto") && !type.equals(disk.signature))) {
            throw new Refused("mount: " + where + ": wrong fs type, bad option, bad superblock on " + disk.path + ".");
        }
        // XFS shows its quota options under the names of ext4 in /proc/self/mountinfo.
        if (asked.remove("uquota")) {
            asked.add("usrquota");
        }
        if (asked.remove("pquota")) {
            asked.add("prjquota");
        }
        asked.addAll(List.of("rw", "relatime"));
        files.makeAll(where);
        files.mount(
                where,
                disk.content,
                new HostFacts.Mount(where, disk.path, disk.signature, asked, disk.size, disk.size.times(95, 100)),
                0);
    }

    void umount(String point) {
        FakeFiles.Mounted mount = files.mountedOn(point);
        if (mount == null) {
            throw new Refused("umount: " + point + ": not mounted.");
        }
        files.unmount(mount);
        systemd.unmounted(point);
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
        sshConfiguration
                .lines()
                .map(String::strip)
                .filter(line -> line.matches("(?i)(allow|deny)(users|groups)\\s.*"))
                .map(line -> line.split("\\s+", 2))
                .forEach(words -> allows.add(words[0].toLowerCase(Locale.ROOT) + " " + words[1]));
        return new HostFacts(
                hostKey,
                systemdVersion >= 257 ? "debian 13" : "debian 12",
                (systemdVersion >= 257 ? "6.12.117" : "6.1.0-56") + HostFacts.SIMULATED,
                systemdVersion,
                capabilities,
                cgroupControllers,
                topology.online(),
                topology.numaNodes(),
                topology.cpuTopology(),
                topology.memory(),
                swap,
                mounts,
                disks.stream()
                        .map(disk -> new HostFacts.Disk(
                                disk.path, disk.kind, disk.number, disk.size, disk.signature, disk.label))
                        .toList(),
                volumes.groups(),
                listening,
                files.file("/proc/sys/net/ipv4/ip_local_reserved_ports").text.strip(),
                CpuMask.parse(files.file(WORKQUEUE_CPUS).text.strip()),
                uids,
                gids,
                directories,
                managed == null ? "" : managed.text.strip(),
                sshUnit,
                allows);
    }
}
