package io.kloigos.planner;

import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DataVolume;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LogicalVolume;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.UnitAccount;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Turns a server and its units into plans. Pure: the same arguments give the same plan.
 *
 * <p>Whatever does not depend on the tenant is staged once, at init and again after each release, so that an allocation is
 * a handful of cheap steps.
 */
public final class HostPlanner {
    private static final Duration UNIT_LIMIT = Duration.ofMinutes(5);
    static final Duration MANAGER_START = Duration.ofSeconds(30);

    /** systemd answers a reload before every cgroup has its new limits. */
    private static final Duration SETTLING = Duration.ofSeconds(20);

    private static final Duration HOST_LIMIT = Duration.ofMinutes(10);
    private static final Duration PER_UNIT = Duration.ofSeconds(30);

    /** XFS frees inodes, and stops counting them, some time after their files are gone. */
    private static final Duration COUNTING = Duration.ofSeconds(10);

    static final int OWNER_ONLY = 0700;

    /** Seconds: 68 years, the most that setquota(8) takes. */
    private static final String LONGEST_GRACE = "2147483647";

    /** Seconds: a week, as the kernel has it by itself. */
    private static final String DEFAULT_GRACE = "604800";

    /** What is looked for by searching file systems, when the unit's own directories are gone. */
    private static final Set<Trace> FOUND_AS_FILES = Set.of(Trace.FILES, Trace.DISK_USAGE);

    private static final Set<Trace> START_PROCESSES = Set.of(Trace.CRONTABS, Trace.AT_JOBS);

    /** Whose start brings the ports service. */
    private static final String PORTS_WANTED_BY = "sysinit.target";

    /** The slices of the system and, by default, of every user: a unit whose own drop-in is lost lands there too. */
    static final List<String> HOUSEKEEPING = List.of("init.scope", "system.slice", "user-.slice");

    private static final List<String> HOUSEKEEPING_DROP_INS =
            HOUSEKEEPING.stream().map(HostPlanner::dropIns).toList();

    /** Those of them that are units, not templates: the system itself. */
    static final List<String> SYSTEM = List.of("init.scope", "system.slice");

    private HostPlanner() {}

    /**
     * Returns the plan that prepares the whole host and stages every unit.
     *
     * @param id names this attempt
     * @param manager what is noted on the host about who manages it
     */
    public static HostPlan init(String id, Server server, List<ComputeUnit> units, String manager) {
        Steps steps = new Steps();
        HostFacts facts = server.facts();
        steps.directory(HostFiles.DIRECTORY, Access.rootDirectory());
        steps.rootFile(HostFiles.MANAGED_BY, manager + "\n");
        steps.directories(rootDirectories(server, units), Access.rootDirectory());
        server.volumes().forEach(volume -> makeVolume(steps, volume));
        steps.rootFile(HostFiles.SYSUSERS, HostFiles.sysusers(units));
        steps.run("systemd-sysusers", HostFiles.SYSUSERS);
        accountsMade(steps, units);
        writeUnitFiles(steps, server, units);
        writeHousekeeping(steps, server.housekeepingCpus());
        enable(steps, server, units);
        steps.run("systemctl", "daemon-reload");
        mountVolumes(steps, server, units);
        enforcePorts(steps, server, units);
        letTenantsIn(steps, facts, units.get(0));
        jobFiles(facts).forEach(path -> steps.add(new Step.AppendedLines(path, HostFiles.PAM_LINES)));
        setGrace(steps, mountsWithProjects(server, units), LONGEST_GRACE);
        limitDisks(steps, server, units);
        units.forEach(unit -> stage(steps, server, unit));
        steps.add(directoriesOwned(units));
        if (!server.housekeepingCpus().isEmpty()) {
            moveSystemTo(steps, server.housekeepingCpus());
        }
        workqueueCpus(server).ifPresent(cpus -> {
            steps.rootFile(HostFiles.TMPFILES, HostFiles.tmpfiles(cpus));
            moveKernelTo(steps, cpus);
        });
        return steps.plan(id, Scope.host(), hostLimit(units));
    }

    private static List<String> rootDirectories(Server server, List<ComputeUnit> units) {
        List<String> directories = new ArrayList<>(List.of(HostFiles.KEYS, HostFiles.LINGER, HostFiles.PORTS_DROP_INS));
        for (ComputeUnit unit : units) {
            directories.add(HostFiles.sliceDirectory(unit));
            directories.add(HostFiles.managerDirectory(unit));
        }
        if (!server.housekeepingCpus().isEmpty()) {
            directories.addAll(HOUSEKEEPING_DROP_INS);
        }
        return directories;
    }

    private static void accountsMade(Steps steps, List<ComputeUnit> units) {
        List<String> argv = new ArrayList<>(List.of("getent", "passwd"));
        units.forEach(unit -> argv.add(unit.user()));
        steps.add(new Step.Expectation(
                new Reading.Output(argv), units.stream().map(HostFiles::passwd).collect(Collectors.joining("\n"))));
    }

    private static void makeVolume(Steps steps, DataVolume volume) {
        LogicalVolume logical = volume.logicalVolume();
        if (logical != null) {
            steps.add(Step.Ensure.that(
                    Condition.succeeds("lvs", logical.path()),
                    "lvcreate",
                    "-y",
                    "-W",
                    "y",
                    "-L",
                    logical.size().bytes() + "b",
                    "-n",
                    logical.name(),
                    logical.group()));
        }
        steps.add(new Step.DiskFormat(volume.disk().device(), volume.disk().fileSystem(), volume.label()));
    }

    private static void writeUnitFiles(Steps steps, Server server, List<ComputeUnit> units) {
        for (ComputeUnit unit : units) {
            steps.rootFile(HostFiles.sliceDropInFile(unit), HostFiles.sliceDropIn(unit));
            steps.rootFile(HostFiles.managerDirectory(unit) + "/50-kloigos.conf", HostFiles.managerDropIn(unit));
        }
        for (DataVolume volume : server.volumes()) {
            steps.rootFile(mountFile(volume.mountPoint()), HostFiles.volumeMount(volume));
        }
        for (ComputeUnit unit : units) {
            dataDirectory(unit)
                    .ifPresent(
                            directory -> steps.rootFile(mountFile(unit.mnt()), HostFiles.dataMount(unit, directory)));
        }
        steps.rootFile(HostFiles.PORTS_RULES, HostFiles.portsRules(units));
        steps.rootFile(HostFiles.PORTS_SERVICE_FILE, HostFiles.portsService());
        steps.rootFile(HostFiles.PORTS_DROP_IN_FILE, HostFiles.portsDropIn());
    }

    /** One call for all of them, which leaves the reload to the one that follows. */
    static void enable(Steps steps, Server server, List<ComputeUnit> units) {
        List<String> argv =
                new ArrayList<>(List.of("systemctl", "-q", "--no-reload", "enable", HostFiles.PORTS_SERVICE));
        server.volumes().forEach(volume -> argv.add(HostFiles.mountUnit(volume.mountPoint())));
        units.stream()
                .filter(unit -> unit.dataDirectory() != null)
                .forEach(unit -> argv.add(HostFiles.mountUnit(unit.mnt())));
        steps.add(new Step.Command(argv, ""));
    }

    /** Returns the links by which systemd finds at boot what is to be started. */
    static List<String> links(Server server, List<ComputeUnit> units) {
        List<String> links = new ArrayList<>();
        links.add(wants(PORTS_WANTED_BY) + "/" + HostFiles.PORTS_SERVICE);
        server.volumes()
                .forEach(
                        volume -> links.add(wants("local-fs.target") + "/" + HostFiles.mountUnit(volume.mountPoint())));
        units.stream()
                .filter(unit -> unit.dataDirectory() != null)
                .forEach(unit -> links.add(wants("local-fs.target") + "/" + HostFiles.mountUnit(unit.mnt())));
        return links;
    }

    static String mountFile(String mountPoint) {
        return HostFiles.SYSTEMD + "/" + HostFiles.mountUnit(mountPoint);
    }

    private static Optional<String> dataDirectory(ComputeUnit unit) {
        return Optional.ofNullable(unit.dataDirectory());
    }

    static void writeHousekeeping(Steps steps, CpuSet cpus) {
        if (cpus.isEmpty()) {
            return;
        }
        HOUSEKEEPING.forEach(
                name -> steps.rootFile(housekeepingFile(name), HostFiles.housekeepingDropIn(section(name), cpus)));
    }

    /** Returns where the kernel is to do work that belongs to no CPU, e.g. to write what others' processes left for the disk. */
    static Optional<CpuMask> workqueueCpus(Server server) {
        return server.housekeepingCpus().isEmpty()
                ? Optional.empty()
                : Optional.ofNullable(server.facts().workqueueCpus()).map(mask -> mask.of(server.housekeepingCpus()));
    }

    static void moveKernelTo(Steps steps, CpuMask cpus) {
        steps.add(new Step.Command(List.of("tee", HostFiles.WORKQUEUE_CPUS), cpus + "\n"));
        steps.expectFile(cpus.toString(), HostFiles.WORKQUEUE_CPUS);
    }

    static String section(String name) {
        return name.endsWith(".scope") ? "Scope" : "Slice";
    }

    private static String wants(String target) {
        return HostFiles.SYSTEMD + "/" + target + ".wants";
    }

    private static String dropIns(String name) {
        return HostFiles.SYSTEMD + "/" + name + ".d";
    }

    static String housekeepingFile(String name) {
        return dropIns(name) + "/20-kloigos-housekeeping.conf";
    }

    /** A reload alone may leave the old CPUs in force where a cgroup was made at boot; setting the property does not. */
    static void moveSystemTo(Steps steps, CpuSet cpus) {
        for (String name : SYSTEM) {
            steps.run("systemctl", "set-property", "--runtime", name, "AllowedCPUs=" + cpus);
            steps.add(new Step.Expectation(
                    new Reading.FileText("/sys/fs/cgroup/" + name + "/cpuset.cpus.effective"),
                    cpus.toString(),
                    SETTLING));
        }
    }

    private static void mountVolumes(Steps steps, Server server, List<ComputeUnit> units) {
        if (server.volumes().isEmpty()) {
            return;
        }
        steps.directory(HostFiles.STATE, Access.rootDirectory());
        steps.mounted(server.volumes().stream().map(DataVolume::mountPoint).toList());
        List<String> mountPoints = new ArrayList<>();
        for (ComputeUnit unit : units) {
            dataDirectory(unit).ifPresent(directory -> {
                steps.directory(directory, new Access(unit.uid(), OWNER_ONLY));
                mountPoints.add(unit.mnt());
            });
        }
        steps.mounted(mountPoints);
    }

    private static void enforcePorts(Steps steps, Server server, List<ComputeUnit> units) {
        PortSet reserved = reservedPorts(server, units);
        steps.rootFile(HostFiles.SYSCTL, HostFiles.sysctl(reserved.toString()));
        steps.run("sysctl", "-q", "-p", HostFiles.SYSCTL);
        steps.add(kernelSettings(reserved));
        steps.run("systemctl", "restart", HostFiles.PORTS_SERVICE);
        steps.add(portsEnforced(units));
    }

    private static Step kernelSettings(PortSet reserved) {
        List<String> argv = new ArrayList<>(List.of("cat", HostFiles.RESERVED_PORTS));
        StringBuilder expected = new StringBuilder(reserved.toString());
        for (HostFiles.Setting setting : HostFiles.PROTECTED_FILES) {
            argv.add(setting.path());
            expected.append('\n').append(setting.value());
        }
        return new Step.Expectation(new Reading.Output(argv), expected.toString());
    }

    static void protectSharedDirectories(Steps steps) {
        for (HostFiles.Setting setting : HostFiles.PROTECTED_FILES) {
            steps.add(new Step.Command(List.of("tee", setting.path()), setting.value() + "\n"));
            steps.expectFile(setting.value(), setting.path());
        }
    }

    static void reserve(Steps steps, PortSet reserved) {
        steps.add(new Step.Command(List.of("tee", HostFiles.RESERVED_PORTS), reserved + "\n"));
        steps.expectFile(reserved.toString(), HostFiles.RESERVED_PORTS);
    }

    /** Returns what the host had reserved before, and the ports of the units. */
    static PortSet reservedPorts(Server server, List<ComputeUnit> units) {
        PortSet reserved = PortSet.parse(server.facts().reservedPorts());
        units.forEach(unit -> reserved.with(unit.ports()));
        return reserved;
    }

    /** The kernel finds all of these elements, or the command fails. */
    static Step portsEnforced(List<ComputeUnit> units) {
        String elements = units.stream().map(HostFiles::owned).collect(Collectors.joining(", ", "{ ", " }"));
        return Step.Ensure.that(
                Condition.succeeds("nft", "get", "element", "inet", HostFiles.TABLE, "own", elements),
                "systemctl",
                "restart",
                HostFiles.PORTS_SERVICE);
    }

    private static void letTenantsIn(Steps steps, HostFacts facts, ComputeUnit any) {
        steps.rootFile(HostFiles.SSHD, HostFiles.sshd());
        steps.add(keysFound(any));
        steps.run("systemctl", "reload", facts.sshUnit());
    }

    /**
     * Besides telling what it makes of its files, sshd refuses those that it cannot use. The first setting that it reads wins, so
     * another file may have overruled ours.
     */
    static Step.Expectation keysFound(ComputeUnit any) {
        String test = "user=" + any.user() + ",host=localhost,addr=127.0.0.1";
        return new Step.Expectation(
                new Reading.OutputLine(List.of("sshd", "-T", "-C", test), "authorizedkeysfile "),
                "authorizedkeysfile " + HostFiles.KEYS + "/%u .ssh/authorized_keys");
    }

    static List<String> jobFiles(HostFacts facts) {
        List<String> files = new ArrayList<>();
        if (facts.can(Capability.CRON)) {
            files.add("/etc/pam.d/cron");
        }
        if (facts.can(Capability.CROND)) {
            files.add("/etc/pam.d/crond");
        }
        if (facts.can(Capability.ATD)) {
            files.add("/etc/pam.d/atd");
        }
        return files;
    }

    /**
     * User quotas are the hard limit, since the owner of a file may change its project; project quotas are what df shows. These
     * are soft limits that never become hard: otherwise a unit that gives its files the project of another would fill it.
     */
    static void limitDisks(Steps steps, Server server, List<ComputeUnit> units) {
        Quotas.of(server, units).forEach(quotas -> {
            steps.add(quotas.set());
            steps.add(new Step.Expectation(quotas.reading(), quotas.expected()));
        });
    }

    /**
     * The limits of units on one file system, set and read by one command each however many there are.
     *
     * @param limits by user id, which is the project id too
     */
    record Quotas(QuotaKind kind, String mountPoint, Map<Integer, DiskLimit> limits) {
        static List<Quotas> of(Server server, List<ComputeUnit> units) {
            Map<String, Map<Integer, DiskLimit>> byMountPoint = new LinkedHashMap<>();
            for (ComputeUnit unit : units) {
                for (DiskLimit limit : unit.limits().disks()) {
                    byMountPoint
                            .computeIfAbsent(limit.mountPoint(), any -> new LinkedHashMap<>())
                            .put(unit.uid(), limit);
                }
            }
            List<Quotas> quotas = new ArrayList<>();
            byMountPoint.forEach((mountPoint, limits) ->
                    quotaKinds(server, mountPoint).forEach(kind -> quotas.add(new Quotas(kind, mountPoint, limits))));
            return quotas;
        }

        Reading reading() {
            return new Reading.QuotaLimits(kind, List.copyOf(limits.keySet()), mountPoint);
        }

        String expected() {
            List<String> lines = new ArrayList<>();
            limits.forEach((id, limit) -> lines.add(Reading.QuotaLimits.line(id, limit.bytes(), limit.inodes())));
            return String.join("\n", lines);
        }

        Step set() {
            return command(limit -> limit.bytes().kibibytes(), DiskLimit::inodes);
        }

        Step lift() {
            return command(limit -> 0, limit -> 0);
        }

        /** As setquota(8) reads them in a batch: an id, then soft and hard limits of blocks and of inodes. */
        private Step command(ToLongFunction<DiskLimit> kibibytes, ToLongFunction<DiskLimit> inodes) {
            boolean isHard = kind == QuotaKind.USER;
            StringBuilder lines = new StringBuilder();
            limits.forEach((id, limit) -> {
                long blocks = kibibytes.applyAsLong(limit);
                long files = inodes.applyAsLong(limit);
                lines.append(id).append(isHard ? " 0 " + blocks + " 0 " + files : " " + blocks + " 0 " + files + " 0");
                lines.append('\n');
            });
            return new Step.Command(List.of("setquota", isHard ? "-u" : "-P", "-b", mountPoint), lines.toString());
        }
    }

    /** How long soft limits of projects may be exceeded. */
    private static void setGrace(Steps steps, Stream<String> mountPoints, String seconds) {
        mountPoints.forEach(mountPoint -> steps.run("setquota", "-t", "-P", seconds, seconds, mountPoint));
    }

    private static Stream<String> mountsWithProjects(Server server, List<ComputeUnit> units) {
        return units.stream()
                .flatMap(unit -> unit.limits().disks().stream())
                .map(DiskLimit::mountPoint)
                .filter(mountPoint -> hasProjects(server, mountPoint))
                .distinct();
    }

    private static boolean isOnVolume(Server server, String mountPoint) {
        return server.volumes().stream().anyMatch(volume -> volume.mountPoint().equals(mountPoint));
    }

    private static List<QuotaKind> quotaKinds(Server server, String mountPoint) {
        return hasProjects(server, mountPoint) ? List.of(QuotaKind.USER, QuotaKind.PROJECT) : List.of(QuotaKind.USER);
    }

    private static boolean hasProjects(Server server, String mountPoint) {
        return isOnVolume(server, mountPoint)
                || server.facts().mounts().values().stream()
                        .anyMatch(mount -> mount.mountPoint().equals(mountPoint) && mount.enforcesProjectQuota());
    }

    /** Makes the unit's directories as a new tenant finds them. */
    private static void stage(Steps steps, Server server, ComputeUnit unit) {
        Access own = new Access(unit.uid(), OWNER_ONLY);
        steps.directories(unit.directories(), own);
        List<String> projects = new ArrayList<>();
        for (String directory : unit.directories()) {
            if (hasLimitedProject(server, unit, directory)) {
                projects.add(directory);
            }
        }
        if (!projects.isEmpty()) {
            List<String> chattr = new ArrayList<>(List.of("chattr", "+P", "-p", Integer.toString(unit.uid())));
            chattr.addAll(projects);
            steps.add(new Step.Command(chattr, ""));
        }
        steps.run("cp", "-rT", "/etc/skel", unit.home());
        steps.add(new Step.TextFile(
                HostFiles.welcome(unit), HostFiles.welcomeText(server, unit), new Access(unit.uid(), 0644)));
        steps.run("chown", "-hR", unit.uid() + ":" + unit.uid(), unit.home());
    }

    private static boolean hasLimitedProject(Server server, ComputeUnit unit, String directory) {
        String dataDirectory = unit.dataDirectory();
        String mountPoint = directory.equals(unit.mnt()) && dataDirectory != null
                ? dataDirectory.substring(0, dataDirectory.lastIndexOf('/'))
                : server.facts()
                        .mountOf(directory.substring(0, directory.lastIndexOf('/')))
                        .mountPoint();
        return unit.limits().disks().stream()
                        .anyMatch(limit -> limit.mountPoint().equals(mountPoint))
                && hasProjects(server, mountPoint);
    }

    private static Step directoriesOwned(List<ComputeUnit> units) {
        List<String> argv = new ArrayList<>(List.of("stat", "-c", "%u:%g %a %n"));
        List<String> expected = new ArrayList<>();
        for (ComputeUnit unit : units) {
            argv.addAll(unit.directories());
            unit.directories().forEach(directory -> expected.add(unit.uid() + ":" + unit.uid() + " 700 " + directory));
        }
        return new Step.Expectation(new Reading.Output(argv), String.join("\n", expected));
    }

    /**
     * Returns the plan that hands a staged unit to a tenant. The key comes last: whoever can log in finds every limit held.
     *
     * @param id names this attempt
     */
    public static HostPlan allocate(String id, Server server, ComputeUnit unit, List<SshPublicKey> keys) {
        Steps steps = new Steps();
        letIn(steps, server, unit, keys);
        return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
    }

    private static void letIn(Steps steps, Server server, ComputeUnit unit, List<SshPublicKey> keys) {
        if (unit.dataDirectory() != null) {
            steps.mounted(List.of(unit.mnt()));
        }
        steps.rootFile(HostFiles.linger(unit), "");
        // A slice without members does not last, so the manager is started first, and the limits are read while it
        // starts.
        steps.run("systemctl", "start", "--no-block", HostFiles.manager(unit));
        steps.add(portsEnforced(List.of(unit)));
        steps.add(directoriesOwned(List.of(unit)));
        expectLimits(steps, server, unit);
        steps.rootFile(HostFiles.key(unit), HostFiles.authorizedKeys(keys));
    }

    /**
     * Returns the plan that makes a change to a unit in a tenant's hands.
     *
     * @param id names this attempt
     * @param kind what is changed
     * @param unit the unit as it is
     * @param wanted the unit as it will be
     */
    public static HostPlan change(String id, Operation.Kind kind, Server server, ComputeUnit unit, ComputeUnit wanted) {
        return switch (kind) {
            case ROTATE_KEYS -> rotateKeys(id, wanted);
            case STOP -> stop(id, unit);
            case START -> start(id, server, wanted);
            case RESIZE -> resize(id, server, unit, wanted);
            default -> throw new IllegalArgumentException(kind + " changes no unit in a tenant's hands");
        };
    }

    /** sshd reads the keys at each login. A stopped unit gets them when it is started. */
    private static HostPlan rotateKeys(String id, ComputeUnit unit) {
        Steps steps = new Steps();
        if (unit.isStopped()) {
            steps.remove(HostFiles.key(unit));
            return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
        }
        String content = HostFiles.authorizedKeys(unit.sshPublicKeys());
        steps.rootFile(HostFiles.key(unit), content);
        steps.expectFile(content.strip(), HostFiles.key(unit));
        return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
    }

    /** As at the end of a tenant, but for what the tenant stored. Jobs stay too: an expired account's are not run. */
    private static HostPlan stop(String id, ComputeUnit unit) {
        Steps steps = new Steps();
        UnitAccount tenant = UnitAccount.of(unit);
        shutOut(steps, unit);
        List<Trace> running =
                List.of(Trace.PROCESSES, Trace.CGROUPS, Trace.SESSIONS, Trace.RUNTIME_DIRECTORY, Trace.MOUNTS);
        running.forEach(trace -> steps.add(new Step.Erasure(trace, tenant)));
        running.forEach(
                trace -> steps.add(new Step.Expectation(new Reading.Traces(trace, tenant), Reading.Traces.NONE)));
        return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
    }

    private static void shutOut(Steps steps, ComputeUnit unit) {
        steps.remove(HostFiles.key(unit));
        steps.remove(HostFiles.linger(unit));
        steps.expireAccount(unit);
    }

    private static HostPlan start(String id, Server server, ComputeUnit unit) {
        Steps steps = new Steps();
        steps.unexpireAccount(unit);
        letIn(steps, server, unit, unit.sshPublicKeys());
        return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
    }

    /**
     * A limit that is only taken out of a drop-in stays in force, so every one is set; the runtime setting itself is not kept,
     * since the drop-in says the same.
     *
     * @param unit the unit as it is
     * @param wanted the unit as it will be
     */
    private static HostPlan resize(String id, Server server, ComputeUnit unit, ComputeUnit wanted) {
        Steps steps = new Steps();
        List<String> lifted = lifted(unit, wanted);
        steps.rootFile(HostFiles.sliceDropInFile(wanted), HostFiles.sliceDropIn(wanted));
        if (!unit.isStopped()) {
            List<String> argv = new ArrayList<>(List.of("systemctl", "set-property", "--runtime", wanted.slice()));
            argv.addAll(HostFiles.liveProperties(wanted, lifted));
            steps.add(new Step.Command(argv, ""));
            steps.remove(HostFiles.runtimeDirectory(wanted));
        }
        steps.run("systemctl", "daemon-reload");
        if (!unit.isStopped()) {
            expectLimits(steps, server, wanted);
            for (String device : lifted) {
                String number = server.facts().disk(device).orElseThrow().number();
                steps.add(new Step.Expectation(
                        new Reading.FileLine(wanted.cgroup() + "/io.max", number + " "), "absent", SETTLING));
            }
        }
        limitDisks(steps, server, List.of(wanted));
        return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
    }

    /** Returns the devices whose limits go. */
    private static List<String> lifted(ComputeUnit unit, ComputeUnit wanted) {
        List<String> devices =
                new ArrayList<>(unit.limits().io().stream().map(IoLimit::device).toList());
        devices.removeAll(wanted.limits().io().stream().map(IoLimit::device).toList());
        return devices;
    }

    private static void forgetResize(Steps steps, Server server, ComputeUnit unit) {
        if (unit.tenancy().resizedTo() == null) {
            return;
        }
        ComputeUnit handedOut = unit.with(Tenancy.none());
        steps.rootFile(HostFiles.sliceDropInFile(handedOut), HostFiles.sliceDropIn(handedOut));
        steps.remove(HostFiles.runtimeDirectory(unit));
        steps.run("systemctl", "daemon-reload");
        limitDisks(steps, server, List.of(handedOut));
    }

    static void expectLimits(Steps steps, Server server, ComputeUnit unit) {
        String cgroup = unit.cgroup() + "/";
        steps.add(new Step.Expectation(
                new Reading.FileText(cgroup + "cpuset.cpus.effective"),
                unit.cpus().toString(),
                MANAGER_START));
        steps.expectFile(unit.limits().memoryNodes().toString(), cgroup + "cpuset.mems.effective");
        steps.expectFile(Long.toString(unit.limits().memoryMax().bytes()), cgroup + "memory.max");
        steps.expectFile(Long.toString(unit.limits().memoryHigh().bytes()), cgroup + "memory.high");
        steps.expectFile(Long.toString(unit.limits().swapMax().bytes()), cgroup + "memory.swap.max");
        steps.expectFile(Integer.toString(unit.limits().tasksMax()), cgroup + "pids.max");
        unit.limits().io().forEach(io -> steps.add(ioLine(server, unit, io)));
    }

    static Step.Expectation ioLine(Server server, ComputeUnit unit, IoLimit io) {
        String number = server.facts().disk(io.device()).orElseThrow().number();
        Reading line = new Reading.FileLine(unit.cgroup() + "/io.max", number + " ");
        return new Step.Expectation(line, ioMax(number, io));
    }

    private static String ioMax(String number, IoLimit io) {
        return number + " rbps="
                + (io.readBytes() == null ? "max" : io.readBytes().bytes())
                + " wbps=" + (io.writeBytes() == null ? "max" : io.writeBytes().bytes())
                + " riops=" + (io.readOperations() == null ? "max" : io.readOperations())
                + " wiops=" + (io.writeOperations() == null ? "max" : io.writeOperations());
    }

    /**
     * Returns the plan that takes a unit back, erases its tenant, proves it, and stages the unit for the next one.
     *
     * @param id names this attempt
     */
    public static HostPlan deallocate(String id, Server server, ComputeUnit unit) {
        return deallocate(id, server, unit, Set.of());
    }

    /**
     * As {@link #deallocate(String, Server, ComputeUnit)}, but without some kinds of traces.
     *
     * @param accepted the kinds that are neither erased nor looked for; if there are any, the quota may count them, and what it
     *     counts is not looked at either
     */
    public static HostPlan deallocate(String id, Server server, ComputeUnit unit, Set<Trace> accepted) {
        Steps steps = new Steps();
        Set<Trace> traces = EnumSet.allOf(Trace.class);
        if (!accepted.isEmpty()) {
            traces.removeAll(accepted);
            traces.remove(Trace.DISK_USAGE);
        }
        erase(steps, unit, DataDisks.WIPE, traces);
        ownVolume(server, unit).ifPresent(volume -> discard(steps, volume));
        forgetResize(steps, server, unit);
        stage(steps, server, unit.with(Tenancy.none()));
        steps.add(directoriesOwned(List.of(unit)));
        steps.unexpireAccount(unit);
        return steps.plan(id, Scope.unit(unit.user()), UNIT_LIMIT);
    }

    /**
     * Returns, as one plan to read, the plans that take these units back. They are applied each by itself.
     *
     * @param id names this attempt
     */
    public static HostPlan drain(String id, Server server, List<ComputeUnit> units) {
        Steps steps = new Steps();
        units.forEach(unit -> deallocate(id, server, unit).steps().forEach(steps::add));
        return steps.plan(id, Scope.host(), hostLimit(units));
    }

    /** Nothing may come in again before the processes end, and nothing may run when files go. */
    private static void erase(Steps steps, ComputeUnit unit, DataDisks dataDisks, Set<Trace> traces) {
        UnitAccount tenant = UnitAccount.of(unit);
        shutOut(steps, unit);
        for (Trace trace : traces) {
            if (!FOUND_AS_FILES.contains(trace)) {
                steps.add(new Step.Erasure(trace, tenant));
            }
            if (trace == Trace.PROCESSES) {
                // Whoever was alive could still have left a job.
                traces.stream()
                        .filter(START_PROCESSES::contains)
                        .forEach(job -> steps.add(new Step.Erasure(job, tenant)));
            }
        }
        steps.remove(unit.home());
        steps.remove(unit.opt());
        if (unit.dataDirectory() == null) {
            steps.remove(unit.mnt());
        } else if (dataDisks == DataDisks.WIPE) {
            steps.add(new Step.Emptying(unit.mnt()));
        }
        if (traces.contains(Trace.FILES)) {
            steps.add(new Step.Erasure(Trace.FILES, tenant));
        }
        for (Trace trace : traces) {
            steps.add(new Step.Expectation(
                    new Reading.Traces(trace, tenant),
                    Reading.Traces.NONE,
                    trace == Trace.DISK_USAGE ? COUNTING : Duration.ZERO));
        }
    }

    /**
     * Tells the disk to forget what is stored nowhere any more, if it can. A file system of the unit's own could be made anew, but
     * first it would have to be unmounted, which any neighbour's mount namespace could prevent.
     *
     * @see <a href="https://man7.org/linux/man-pages/man8/fstrim.8.html">fstrim(8)</a>
     */
    private static void discard(Steps steps, DataVolume volume) {
        // Blocks count as free only when the journal says so.
        steps.run("sync", "-f", volume.mountPoint());
        steps.run("fstrim", "--quiet-unsupported", volume.mountPoint());
    }

    private static Optional<DataVolume> ownVolume(Server server, ComputeUnit unit) {
        boolean isShared =
                server.volumes().size() == 1 && server.volumes().get(0).logicalVolume() == null;
        return isShared
                ? Optional.empty()
                : dataDirectory(unit)
                        .flatMap(directory -> server.volumes().stream()
                                .filter(volume -> directory.startsWith(volume.mountPoint() + "/"))
                                .findFirst());
    }

    /**
     * Returns the plan that gives the host back without a trace of Kloigos.
     *
     * @param id names this attempt
     * @param units its units; those that may hold something of a tenant are erased first
     */
    public static HostPlan decommission(String id, Server server, List<ComputeUnit> units, DataDisks dataDisks) {
        Steps steps = new Steps();
        HostFacts facts = server.facts();
        for (ComputeUnit unit : units) {
            boolean keepsFiles = dataDisks == DataDisks.KEEP && unit.dataDirectory() != null;
            erase(
                    steps,
                    unit,
                    dataDisks,
                    keepsFiles ? EnumSet.complementOf(EnumSet.of(Trace.DISK_USAGE)) : EnumSet.allOf(Trace.class));
        }
        liftDiskLimits(steps, server, units);
        setGrace(
                steps,
                mountsWithProjects(server, units).filter(mountPoint -> !isOnVolume(server, mountPoint)),
                DEFAULT_GRACE);
        unmountVolumes(steps, server, units);
        server.volumes().forEach(volume -> giveBack(steps, volume, dataDisks));
        jobFiles(facts).forEach(path -> steps.add(new Step.RemovedLines(path, HostFiles.PAM_LINES)));
        steps.remove(HostFiles.SSHD);
        steps.run("systemctl", "reload", facts.sshUnit());
        releasePorts(steps, facts);
        for (ComputeUnit unit : units) {
            steps.remove(HostFiles.sliceDirectory(unit));
            steps.remove(HostFiles.managerDirectory(unit));
            if (unit.tenancy().resizedTo() != null) {
                steps.remove(HostFiles.runtimeDirectory(unit));
            }
        }
        releaseHousekeeping(steps, server);
        removeEmptyDirectories(steps);
        steps.run("systemctl", "daemon-reload");
        // Without limits there are no cpuset files to read, so the first process is asked where it may run.
        steps.add(new Step.Expectation(
                new Reading.FileLine("/proc/1/status", "Cpus_allowed_list:"),
                "Cpus_allowed_list:\t" + facts.onlineCpus(),
                SETTLING));
        removeAccounts(steps, units);
        steps.remove(HostFiles.STATE);
        steps.remove(HostFiles.DIRECTORY);
        steps.remove(HostFiles.RUNTIME);
        return steps.plan(id, Scope.host(), hostLimit(units));
    }

    /** A limit that is only taken away may stay in force until the next boot, so every CPU is allowed before. */
    private static void releaseHousekeeping(Steps steps, Server server) {
        if (!server.housekeepingCpus().isEmpty()) {
            steps.directories(HOUSEKEEPING_DROP_INS, Access.rootDirectory());
            writeHousekeeping(steps, server.facts().onlineCpus());
            steps.run("systemctl", "daemon-reload");
            moveSystemTo(steps, server.facts().onlineCpus());
        }
        steps.remove(HostFiles.TMPFILES);
        if (workqueueCpus(server).isPresent()) {
            moveKernelTo(steps, Objects.requireNonNull(server.facts().workqueueCpus()));
        }
        HOUSEKEEPING.forEach(name -> steps.remove(housekeepingFile(name)));
        SYSTEM.forEach(name -> steps.remove(HostFiles.CONTROL + "/" + name + ".d/50-AllowedCPUs.conf"));
        if (!server.housekeepingCpus().isEmpty()) {
            removeEmptyDirectories(
                    steps,
                    HostFiles.CONTROL,
                    SYSTEM.stream().map(name -> name + ".d").toList());
        }
    }

    private static void liftDiskLimits(Steps steps, Server server, List<ComputeUnit> units) {
        Quotas.of(server, units).stream()
                .filter(quotas -> !isOnVolume(server, quotas.mountPoint()))
                .forEach(quotas -> steps.add(quotas.lift()));
    }

    private static void unmountVolumes(Steps steps, Server server, List<ComputeUnit> units) {
        for (ComputeUnit unit : units) {
            if (unit.dataDirectory() != null) {
                steps.unmounted(unit.mnt());
                steps.remove(unit.mnt());
            }
        }
        server.volumes().forEach(volume -> steps.unmounted(volume.mountPoint()));
    }

    /** A logical volume was made by init; a disk was there before. */
    private static void giveBack(Steps steps, DataVolume volume, DataDisks dataDisks) {
        LogicalVolume logical = volume.logicalVolume();
        if (logical != null) {
            steps.add(Step.Ensure.that(
                    Condition.fails("lvs", logical.path()),
                    "lvremove",
                    "-y",
                    "--config",
                    "devices/issue_discards=1",
                    logical.path()));
        } else if (dataDisks == DataDisks.WIPE) {
            steps.run("wipefs", "-a", volume.disk().device());
        }
    }

    /** What the host had reserved before init stays reserved. */
    private static void releasePorts(Steps steps, HostFacts facts) {
        steps.stopped(HostFiles.PORTS_SERVICE);
        steps.remove(wants(PORTS_WANTED_BY) + "/" + HostFiles.PORTS_SERVICE);
        steps.remove(HostFiles.PORTS_SERVICE_FILE);
        steps.remove(HostFiles.PORTS_DROP_IN_FILE);
        // systemd forgets the drop-in with its next reload; without the rules it loads nothing until then.
        steps.remove(HostFiles.PORTS_RULES);
        steps.add(Step.Ensure.that(
                Condition.fails("nft", "list", "table", "inet", HostFiles.TABLE),
                "nft",
                "delete",
                "table",
                "inet",
                HostFiles.TABLE));
        PortSet reserved = PortSet.parse(facts.reservedPorts());
        steps.remove(HostFiles.SYSCTL);
        steps.add(new Step.Command(List.of("tee", HostFiles.RESERVED_PORTS), reserved + "\n"));
        steps.expectFile(reserved.toString(), HostFiles.RESERVED_PORTS);
    }

    /** Directories of systemd's configuration may hold files of others; only those that are empty now go. */
    private static void removeEmptyDirectories(Steps steps) {
        List<String> names = new ArrayList<>();
        HOUSEKEEPING.forEach(name -> names.add(name + ".d"));
        names.add(PORTS_WANTED_BY + ".wants");
        names.add("nftables.service.d");
        names.add("local-fs.target.wants");
        removeEmptyDirectories(steps, HostFiles.SYSTEMD, names);
    }

    private static void removeEmptyDirectories(Steps steps, String above, List<String> names) {
        List<String> argv = new ArrayList<>(List.of("find", above, "-maxdepth", "1", "-type", "d", "-empty", "("));
        names.forEach(name -> argv.addAll(List.of("-name", name, "-o")));
        argv.addAll(List.of("-false", ")", "-delete"));
        steps.add(new Step.Command(argv, ""));
    }

    private static void removeAccounts(Steps steps, List<ComputeUnit> units) {
        for (ComputeUnit unit : units) {
            steps.add(Step.Ensure.that(Condition.fails("getent", "passwd", unit.user()), "userdel", unit.user()));
            steps.add(Step.Ensure.that(Condition.fails("getent", "group", unit.user()), "groupdel", unit.user()));
        }
        steps.add(Step.Ensure.that(Condition.fails("getent", "group", HostFiles.GROUP), "groupdel", HostFiles.GROUP));
    }

    static Duration hostLimit(List<ComputeUnit> units) {
        return HOST_LIMIT.plus(PER_UNIT.multipliedBy(units.size()));
    }

    /** A plan in the making. */
    static final class Steps {
        private final List<Step> steps = new ArrayList<>();

        void add(Step step) {
            steps.add(step);
        }

        void run(String... argv) {
            steps.add(Step.Command.of(argv));
        }

        void directory(String path, Access access) {
            steps.add(new Step.Directories(path, access));
        }

        void directories(List<String> paths, Access access) {
            steps.add(new Step.Directories(paths, access));
        }

        void rootFile(String path, String content) {
            steps.add(new Step.TextFile(path, content, Access.rootFile()));
        }

        void expectFile(String expected, String path) {
            steps.add(new Step.Expectation(new Reading.FileText(path), expected));
        }

        void remove(String path) {
            steps.add(new Step.Removal(path));
        }

        /** An expired account is let in by neither sshd nor a job daemon. One that is gone counts as expired. */
        void expireAccount(ComputeUnit unit) {
            steps.add(Step.Ensure.that(
                    new Condition(unexpired(unit), Condition.Exit.FAILURE), "usermod", "-e", "1", unit.user()));
        }

        void unexpireAccount(ComputeUnit unit) {
            steps.add(Step.Ensure.that(
                    new Condition(unexpired(unit), Condition.Exit.SUCCESS), "usermod", "-e", "", unit.user()));
        }

        /** Looks for the account with an empty eighth field, the day of expiry: shadow(5). */
        private static List<String> unexpired(ComputeUnit unit) {
            return List.of("grep", "-qE", "^" + unit.user() + ":([^:]*:){6}:", "/etc/shadow");
        }

        void stopped(String unit) {
            steps.add(
                    Step.Ensure.that(Condition.fails("systemctl", "is-active", "-q", unit), "systemctl", "stop", unit));
        }

        void unmounted(String mountPoint) {
            String unit = HostFiles.mountUnit(mountPoint);
            steps.add(Step.Ensure.that(Condition.fails("mountpoint", "-q", mountPoint), "umount", mountPoint));
            remove(wants("local-fs.target") + "/" + unit);
            remove(HostFiles.SYSTEMD + "/" + unit);
        }

        void mounted(List<String> mountPoints) {
            List<String> start = new ArrayList<>(List.of("systemctl", "start"));
            mountPoints.forEach(mountPoint -> start.add(HostFiles.mountUnit(mountPoint)));
            List<String> stat = new ArrayList<>(List.of("stat", "-c", "%m"));
            stat.addAll(mountPoints);
            steps.add(new Step.Command(start, ""));
            steps.add(new Step.Expectation(new Reading.Output(stat), String.join("\n", mountPoints)));
        }

        HostPlan plan(String id, Scope scope, Duration timeLimit) {
            return new HostPlan(id, scope, timeLimit, steps);
        }
    }
}
