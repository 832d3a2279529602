package io.kloigos.planner;

import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.Deviation;
import io.kloigos.model.FactKind;
import io.kloigos.model.IoLimit;
import io.kloigos.model.Server;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.model.UnitStatus;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a server should hold, fact by fact, and how it is looked at: a question to the host, and a comparison of what it
 * answers. Pure.
 *
 * <p>Units on which something is under way, or which failed, are left out: what they hold is not known before that ends.
 */
public final class DriftCheck {
    /** The CPUs in use by the kernel. */
    static final Reading ONLINE = new Reading.FileText("/sys/devices/system/cpu/online");

    private static final String ABSENT = "absent";
    private static final String NONE = "none";
    private static final String AS_WRITTEN = "as " + HostFiles.PORTS_RULES + " says";
    private static final String LINK = "777 0:0";
    private static final String ROOT_FILE = "644 0:0";
    private static final String ROOT_DIRECTORY = "755 0:0";

    /** Stands for all paths, which are looked at together, until all are known. */
    private static final Reading ENTRIES = new Reading.Entries(List.of());

    /**
     * One thing that can be looked at.
     *
     * @param readings what is to be read for it
     * @param actual finds it in what was read
     */
    private record Fact(
            FactKind kind,
            @Nullable ComputeId computeId,
            String subject,
            String expected,
            List<Reading> readings,
            Function<DriftAnswers, String> actual) {}

    private final List<Fact> facts = new ArrayList<>();
    private final Set<String> paths = new LinkedHashSet<>();
    private final Server server;
    private final List<ComputeUnit> units;
    private final List<Quotas> quotas;
    private final Reading shown;

    private DriftCheck(Server server, List<ComputeUnit> units) {
        this.server = server;
        this.units = units;
        this.quotas = Quotas.of(server, units);
        this.shown = new Reading.Output(showCommand(units));
    }

    /**
     * Returns the check of a server that is ready.
     *
     * @param units all its units
     * @param manager what init noted on the host about who manages it
     */
    public static DriftCheck of(Server server, List<ComputeUnit> units, String manager) {
        DriftCheck check = new DriftCheck(server, units);
        check.addHost(manager);
        for (ComputeUnit unit : units) {
            if (isSettled(unit)) {
                check.addUnit(unit);
            }
        }
        return check;
    }

    /** Tells whether it is known what the unit should hold. */
    public static boolean isSettled(ComputeUnit unit) {
        return switch (unit.status()) {
            case FREE, ALLOCATED, UNAVAILABLE -> true;
            case ALLOCATING,
                    ALLOCATION_FAIL,
                    DEALLOCATING,
                    DEALLOCATION_FAIL,
                    INITIALIZING,
                    INIT_FAIL,
                    DECOMMISSIONING,
                    DECOMMISSIONED,
                    DECOMMISSION_FAIL -> false;
        };
    }

    /** Tells whether a tenant can log in to the unit. */
    static boolean isRunning(ComputeUnit unit) {
        return unit.status() == UnitStatus.ALLOCATED && !unit.isStopped();
    }

    /** Returns how many facts are compared. */
    public int facts() {
        return facts.size();
    }

    /** Returns how many of them are of each unit that is looked at. */
    public Map<ComputeId, Integer> unitFacts() {
        Map<ComputeId, Integer> counts = new HashMap<>();
        for (Fact fact : facts) {
            if (fact.computeId() != null) {
                counts.merge(fact.computeId(), 1, Integer::sum);
            }
        }
        return counts;
    }

    /** Returns what is to be read on the host. */
    public List<Reading> readings() {
        return questions()
                .map(reading -> reading.equals(ENTRIES) ? new Reading.Entries(List.copyOf(paths)) : reading)
                .toList();
    }

    private Stream<Reading> questions() {
        return facts.stream().flatMap(fact -> fact.readings().stream()).distinct();
    }

    /**
     * Returns the facts that are not as they should be.
     *
     * @param texts what was read, in the order of {@link #readings}
     */
    public List<Deviation> compare(List<String> texts) {
        Map<Reading, String> answered = new HashMap<>();
        questions().forEach(reading -> answered.put(reading, texts.get(answered.size())));
        DriftAnswers answers = new DriftAnswers(answered);
        List<Deviation> deviations = new ArrayList<>();
        for (Fact fact : facts) {
            String actual = fact.actual().apply(answers);
            if (!actual.equals(fact.expected())) {
                deviations.add(deviation(fact, actual));
            }
        }
        return deviations;
    }

    private static Deviation deviation(Fact fact, String actual) {
        boolean isText = (fact.kind() == FactKind.FILE || fact.kind() == FactKind.SSH_KEY) && !actual.equals(ABSENT);
        String expected = isText ? differingLine(fact.expected(), actual) : fact.expected();
        String found = isText ? differingLine(actual, fact.expected()) : actual;
        return new Deviation(fact.kind(), fact.computeId(), fact.subject(), firstLine(expected), firstLine(found));
    }

    private static String differingLine(String text, String other) {
        List<String> lines = text.lines().toList();
        List<String> others = other.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            if (i >= others.size() || !lines.get(i).equals(others.get(i))) {
                return "line " + (i + 1) + ": " + lines.get(i);
            }
        }
        return "nothing after line " + lines.size();
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }

    // The whole server

    private void addHost(String manager) {
        add(
                FactKind.ONLINE_CPUS,
                null,
                ONLINE.describe(),
                server.facts().onlineCpus().toString(),
                ONLINE,
                text -> text);
        addLayout();
        for (HostFiles.Managed file : HostFiles.managed(server, units, manager)) {
            ComputeUnit unit = file.unit();
            if (unit == null || isSettled(unit)) {
                addFile(file.file(), unit == null ? null : unit.id());
            }
        }
        InitPlanner.links(server, units).forEach(link -> addEntry(FactKind.ENABLED, null, link, LINK));
        addEntry(FactKind.DIRECTORY, null, HostFiles.KEYS, entry(HostFiles.KEYS_ACCESS));
        addHousekeeping();
        server.volumes().forEach(volume -> addMount(null, volume.mountPoint()));
        quotas.forEach(each -> add(
                FactKind.QUOTA_MOUNT,
                null,
                each.mountPoint(),
                each.mountOption(),
                Quotas.MOUNTS,
                mounts -> each.isEnforcedBy(mounts) ? each.mountOption() : "mounted without"));
        PortSet reserved = HostPorts.reservedPorts(server, units);
        String expectedPorts = reserved.toString();
        add(
                FactKind.RESERVED_PORTS,
                null,
                HostFiles.RESERVED_PORTS,
                expectedPorts,
                new Reading.FileText(HostFiles.RESERVED_PORTS),
                text -> PortSet.isOne(text) && PortSet.parse(text).covers(reserved) ? expectedPorts : text);
        facts.add(new Fact(
                FactKind.PORT_RULES,
                null,
                "nftables",
                AS_WRITTEN,
                List.of(NftListing.READING, NftListing.INTENDED),
                answers ->
                        answers.ports().differenceFrom(answers.intendedPorts()).orElse(AS_WRITTEN)));
        for (HostFiles.Setting setting : HostFiles.settings(server.facts())) {
            add(FactKind.KERNEL_SETTING, null, setting.path(), setting.value());
        }
        addSshd();
        InitPlanner.jobFiles(server.facts())
                .forEach(path -> add(
                        FactKind.JOBS,
                        null,
                        path,
                        HostFiles.PAM_LINES.size() + " lines",
                        new Reading.FileText(path),
                        text -> text.lines()
                                        .filter(HostFiles.PAM_LINES::contains)
                                        .distinct()
                                        .count() + " lines"));
    }

    /** The kernel tells of online CPUs only, so those that are offline are left out here. */
    private void addLayout() {
        for (CpuSet core : server.facts().topology().siblings()) {
            CpuSet first = CpuSet.of(core.stream().limit(1).toArray());
            String path = "/sys/devices/system/cpu/cpu" + first + "/topology/thread_siblings_list";
            addCpus(FactKind.CORES, path, core, first);
        }
        server.facts()
                .nodes()
                .forEach((number, node) -> addCpus(FactKind.NUMA_NODES, nodeCpus(number), node.cpus(), CpuSet.empty()));
    }

    private static String nodeCpus(int number) {
        return "/sys/devices/system/node/node" + number + "/cpulist";
    }

    /** @param telling without which of these CPUs the kernel does not tell */
    private void addCpus(FactKind kind, String path, CpuSet cpus, CpuSet telling) {
        Reading reading = new Reading.FileText(path);
        addFound(kind, null, path, cpus.toString(), reading, answers -> {
            CpuSet online = answers.online(cpus);
            String text = answers.text(reading);
            return text.equals(online.toString()) || !online.containsAll(telling) ? cpus.toString() : text;
        });
    }

    private void addFile(Step.TextFile file, @Nullable ComputeId unit) {
        String text = file.content().strip();
        add(FactKind.FILE, unit, file.path(), text, new Reading.FileText(file.path()), found -> found);
        addEntry(FactKind.FILE_ACCESS, unit, file.path(), entry(file.access()));
    }

    private static String entry(Step.Access access) {
        return Integer.toOctalString(access.mode()) + " " + access.uid() + ":" + access.gid();
    }

    private void addHousekeeping() {
        if (server.housekeepingCpus().isEmpty()) {
            return;
        }
        for (String name : HousekeepingCpus.SYSTEM) {
            addAllowed(
                    FactKind.HOUSEKEEPING_CPUS,
                    null,
                    "/sys/fs/cgroup/" + name + "/cpuset.cpus.effective",
                    server.housekeepingCpus());
        }
        HousekeepingCpus.workqueueCpus(server)
                .ifPresent(cpus -> add(FactKind.HOUSEKEEPING_CPUS, null, HostFiles.WORKQUEUE_CPUS, cpus.toString()));
    }

    /** Without one of its CPUs a cgroup has the others, and nothing that is written to it changes that. */
    private void addAllowed(FactKind kind, @Nullable ComputeId unit, String path, CpuSet cpus) {
        Reading reading = new Reading.FileText(path);
        addFound(
                kind,
                unit,
                path,
                cpus.toString(),
                reading,
                answers -> answers.online(cpus).equals(cpus) ? answers.text(reading) : cpus.toString());
    }

    private void addSshd() {
        if (units.isEmpty()) {
            return;
        }
        Step.Expectation keysFound = InitPlanner.keysFound(units.get(0));
        add(FactKind.SSHD, null, "sshd", keysFound.expected(), keysFound.reading(), text -> text);
    }

    private void addMount(@Nullable ComputeId unit, String mountPoint) {
        Reading reading = new Reading.Output(List.of("stat", "-c", "%m", mountPoint));
        add(FactKind.MOUNT, unit, mountPoint, mountPoint, reading, text -> text);
    }

    // One unit

    private void addUnit(ComputeUnit unit) {
        ComputeId id = unit.id();
        addFound(FactKind.UNIT_CPUS, id, ONLINE.describe(), unit.cpus().toString(), ONLINE, answers -> {
            CpuSet online = answers.online(unit.cpus());
            return online.isEmpty() ? NONE : online.toString();
        });
        addEntry(FactKind.DIRECTORY, id, HostFiles.sliceDirectory(unit), ROOT_DIRECTORY);
        addEntry(FactKind.DIRECTORY, id, HostFiles.managerDirectory(unit), ROOT_DIRECTORY);
        unit.directories()
                .forEach(directory ->
                        addEntry(FactKind.DIRECTORY, id, directory, "700 " + unit.uid() + ":" + unit.uid()));
        addAccount(unit);
        addSystemd(unit);
        addPorts(unit);
        if (unit.dataDirectory() != null) {
            addMount(id, unit.mnt());
        }
        addQuotas(unit);
        if (isRunning(unit)) {
            addTenancy(unit);
        } else {
            addEntry(FactKind.NO_FILE, id, HostFiles.linger(unit), ABSENT);
            addEntry(FactKind.NO_FILE, id, HostFiles.key(unit), ABSENT);
        }
    }

    private void addQuotas(ComputeUnit unit) {
        for (Quotas quotas : quotas) {
            DiskLimit limit = quotas.limits().get(unit.uid());
            if (limit != null) {
                addFound(
                        quotas.kind() == Reading.QuotaKind.USER ? FactKind.USER_QUOTA : FactKind.PROJECT_QUOTA,
                        unit.id(),
                        quotas.mountPoint(),
                        limit.bytes().kibibytes() + " " + limit.inodes(),
                        quotas.reading(),
                        answers -> answers.quota(quotas.reading(), unit.uid())
                                .orElseGet(() -> answers.text(quotas.reading())));
            }
        }
    }

    private void addAccount(ComputeUnit unit) {
        String prefix = unit.user() + ":";
        add(
                FactKind.ACCOUNT,
                unit.id(),
                unit.user(),
                HostFiles.passwd(unit),
                new Reading.FileLine("/etc/passwd", prefix),
                text -> text);
        add(
                FactKind.ACCOUNT_EXPIRY,
                unit.id(),
                unit.user(),
                unit.isStopped() ? "day 1" : NONE,
                new Reading.FileLine("/etc/shadow", prefix),
                DriftCheck::expiry);
        add(
                FactKind.GROUP,
                unit.id(),
                unit.user(),
                HostFiles.GROUP,
                new Reading.FileLine("/etc/group", HostFiles.GROUP + ":"),
                text -> List.of(text.substring(text.lastIndexOf(':') + 1).split(",", -1))
                                .contains(unit.user())
                        ? HostFiles.GROUP
                        : ABSENT);
    }

    /** The rest of the line may hold a password's hash, which is nobody's business. */
    private static String expiry(String shadow) {
        String[] fields = shadow.split(":", -1);
        if (fields.length < 8) {
            return ABSENT;
        }
        return fields[7].isEmpty() ? NONE : "day " + fields[7];
    }

    private void addSystemd(ComputeUnit unit) {
        addShown(FactKind.DAEMON_RELOAD, unit, unit.slice(), "no", "NeedDaemonReload", value -> value);
        Set<String> own = HostFiles.dropIns(unit);
        String specific = "/" + unit.slice() + ".d/";
        addShown(FactKind.DROP_INS, unit, unit.slice(), NONE, "DropInPaths", value -> {
            Set<String> foreign = new TreeSet<>(List.of(value.split(" ", -1)));
            foreign.removeIf(path -> !path.contains(specific) || own.contains(path));
            return foreign.isEmpty() ? NONE : String.join(" ", foreign);
        });
        HostFiles.bindRules(unit, units).ifPresent(rules -> {
            addBindRules(unit, "SocketBindDeny", rules.denied());
            addBindRules(unit, "SocketBindAllow", rules.allowed());
        });
    }

    private void addBindRules(ComputeUnit unit, String property, List<String> rules) {
        addShown(
                FactKind.PORT_BINDING,
                unit,
                unit.slice() + " " + property,
                unit.slice(),
                String.join(" ", new TreeSet<>(rules)),
                property,
                // systemd 257 leaves out the colon.
                value -> String.join(
                        " ",
                        new TreeSet<>(List.of(
                                value.replaceAll("\\b(tcp|udp)(?=\\d)", "$1:").split(" ", -1)))));
    }

    private void addShown(
            FactKind kind,
            ComputeUnit unit,
            String name,
            String expected,
            String property,
            UnaryOperator<String> actual) {
        addShown(kind, unit, name, name, expected, property, actual);
    }

    private void addShown(
            FactKind kind,
            ComputeUnit unit,
            String subject,
            String name,
            String expected,
            String property,
            UnaryOperator<String> actual) {
        addFound(
                kind,
                unit.id(),
                subject,
                expected,
                shown,
                answers -> actual.apply(answers.property(shown, name, property).orElse(ABSENT)));
    }

    private static List<String> showCommand(List<ComputeUnit> units) {
        List<String> argv = new ArrayList<>(List.of("systemctl", "show"));
        List.of("Id", "NeedDaemonReload", "DropInPaths", "ActiveState", "SocketBindDeny", "SocketBindAllow")
                .forEach(name -> argv.addAll(List.of("-p", name)));
        for (ComputeUnit unit : units) {
            argv.add(unit.slice());
            argv.add(HostFiles.manager(unit));
        }
        return argv;
    }

    private void addPorts(ComputeUnit unit) {
        addElement(FactKind.PORT_USER, unit, "uids", Integer.toString(unit.uid()));
        addElement(FactKind.PORT_RANGE, unit, "ranges", unit.ports().closed());
        addElement(FactKind.PORT_OWNER, unit, "own", HostFiles.owned(unit));
        facts.add(new Fact(
                FactKind.FOREIGN_PORTS,
                unit.id(),
                unit.user(),
                NONE,
                HeldPorts.READINGS,
                answers -> HeldPorts.in(answers).foreignTo(unit, server, units)));
    }

    private void addElement(FactKind kind, ComputeUnit unit, String set, String element) {
        addFound(
                kind,
                unit.id(),
                "nftables set " + set,
                element,
                NftListing.READING,
                answers -> answers.ports().elements(set).contains(element) ? element : ABSENT);
    }

    private void addTenancy(ComputeUnit unit) {
        ComputeId id = unit.id();
        addEntry(FactKind.LINGER, id, HostFiles.linger(unit), ROOT_FILE);
        Step.TextFile keys = HostFiles.keyFile(unit, unit.sshPublicKeys());
        add(FactKind.SSH_KEY, id, keys.path(), keys.content().strip(), new Reading.FileText(keys.path()), text -> text);
        addEntry(FactKind.FILE_ACCESS, id, keys.path(), entry(keys.access()));
        addShown(
                FactKind.USER_MANAGER,
                unit,
                HostFiles.manager(unit),
                "active",
                "ActiveState",
                // It may have been started a moment ago.
                state -> state.replace("activating", "active"));
        UnitLimits limits = unit.limits();
        addAllowed(FactKind.CPUS, id, unit.cgroup() + "/cpuset.cpus.effective", unit.cpus());
        addMemoryNodes(unit, limits.memoryNodes());
        addLimit(FactKind.MEMORY_MAX, unit, "memory.max", limits.memoryMax().bytes());
        addLimit(FactKind.MEMORY_HIGH, unit, "memory.high", limits.memoryHigh().bytes());
        addLimit(FactKind.SWAP_MAX, unit, "memory.swap.max", limits.swapMax().bytes());
        addLimit(FactKind.TASKS_MAX, unit, "pids.max", limits.tasksMax());
        for (IoLimit io : limits.io()) {
            Step.Expectation line = TenancyPlanner.ioLine(server, unit, io);
            add(FactKind.IO_MAX, id, io.device(), line.expected(), line.reading(), text -> text);
        }
    }

    private void addMemoryNodes(ComputeUnit unit, CpuSet nodes) {
        String path = unit.cgroup() + "/cpuset.mems.effective";
        Reading reading = new Reading.FileText(path);
        addFound(FactKind.MEMORY_NODES, unit.id(), path, nodes.toString(), reading, answers -> {
            boolean isOneGone = nodes.stream()
                    .filter(server.facts().nodes()::containsKey)
                    .anyMatch(node ->
                            answers.text(new Reading.FileText(nodeCpus(node))).equals(ABSENT));
            return isOneGone ? nodes.toString() : answers.text(reading);
        });
    }

    private void addLimit(FactKind kind, ComputeUnit unit, String file, Object value) {
        add(kind, unit.id(), unit.cgroup() + "/" + file, value.toString());
    }

    private void add(FactKind kind, @Nullable ComputeId unit, String path, String expected) {
        add(kind, unit, path, expected, new Reading.FileText(path), text -> text);
    }

    private void add(
            FactKind kind,
            @Nullable ComputeId unit,
            String subject,
            String expected,
            Reading reading,
            UnaryOperator<String> actual) {
        addFound(kind, unit, subject, expected, reading, answers -> actual.apply(answers.text(reading)));
    }

    private void addFound(
            FactKind kind,
            @Nullable ComputeId unit,
            String subject,
            String expected,
            Reading reading,
            Function<DriftAnswers, String> actual) {
        facts.add(new Fact(kind, unit, subject, expected, List.of(reading), actual));
    }

    private void addEntry(FactKind kind, @Nullable ComputeId unit, String path, String expected) {
        paths.add(path);
        addFound(
                kind,
                unit,
                path,
                expected,
                ENTRIES,
                answers -> answers.entry(ENTRIES, path).orElse(ABSENT));
    }
}
