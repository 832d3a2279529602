package io.kloigos.planner;

import static java.util.stream.Collectors.toMap;

import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Deviation;
import io.kloigos.model.FactKind;
import io.kloigos.model.IoLimit;
import io.kloigos.model.Server;
import io.kloigos.model.UnitLimits;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Turns what differs on a host into the plan that mends it. Pure. Nothing else is touched: what a tenant runs goes on.
 */
public final class RepairPlanner {
    private static final Set<FactKind> PORTS =
            EnumSet.of(FactKind.PORT_USER, FactKind.PORT_RANGE, FactKind.PORT_OWNER, FactKind.PORT_RULES);
    private static final Set<FactKind> QUOTAS = EnumSet.of(FactKind.USER_QUOTA, FactKind.PROJECT_QUOTA);
    private static final Set<FactKind> LIMITS = EnumSet.of(
            FactKind.CPUS,
            FactKind.MEMORY_NODES,
            FactKind.MEMORY_MAX,
            FactKind.MEMORY_HIGH,
            FactKind.SWAP_MAX,
            FactKind.TASKS_MAX,
            FactKind.IO_MAX);

    /** Killed processes end soon, not at once. */
    private static final Duration ENDING = Duration.ofSeconds(10);

    /** Only from here are drop-ins removed, whatever a host says. */
    private static final Pattern DROP_IN = Pattern.compile(
            "/(etc|run)/systemd/(system|system\\.control)/user-\\d+\\.slice\\.d/[A-Za-z0-9@:._-]+\\.conf");

    private final Steps steps = new Steps();
    private final Server server;
    private final List<ComputeUnit> units;
    private final String manager;
    private final List<Deviation> deviations;

    private RepairPlanner(Server server, List<ComputeUnit> units, String manager, List<Deviation> deviations) {
        this.server = server;
        this.units = units;
        this.manager = manager;
        this.deviations = deviations;
    }

    /**
     * Returns the plan that mends these deviations; those that only an operator can mend are left out.
     *
     * @param id names this attempt
     * @param units all units of the server
     * @param manager what init noted on the host about who manages it
     * @param deviations as {@link DriftCheck#compare} found them
     */
    public static HostPlan repair(
            String id, Server server, List<ComputeUnit> units, String manager, List<Deviation> deviations) {
        RepairPlanner planner = new RepairPlanner(server, units, manager, deviations);
        planner.mend();
        return planner.steps.plan(id, Scope.host(), Steps.hostLimit(units));
    }

    /** What others rest on comes first. */
    private void mend() {
        mendAccounts();
        mendFiles();
        mendSystemd();
        mendMounts();
        mendDirectories();
        mendQuotas();
        mendPorts();
        mendWaysIn();
        mendTenancies();
    }

    private boolean any(Set<FactKind> kinds) {
        return deviations.stream().anyMatch(deviation -> kinds.contains(deviation.kind()));
    }

    private boolean any(FactKind first, FactKind... others) {
        return any(EnumSet.of(first, others));
    }

    private boolean isFileWrong(String pathPrefix) {
        return deviations.stream()
                .anyMatch(deviation ->
                        deviation.kind() == FactKind.FILE && deviation.subject().startsWith(pathPrefix));
    }

    private void each(FactKind kind, Consumer<Deviation> mend) {
        deviations.stream().filter(deviation -> deviation.kind() == kind).forEach(mend);
    }

    private void eachUnit(Set<FactKind> kinds, Consumer<ComputeUnit> mend) {
        Set<ComputeId> ids = new HashSet<>();
        deviations.stream()
                .filter(deviation -> kinds.contains(deviation.kind()))
                .forEach(deviation -> ids.add(deviation.computeId()));
        units.stream()
                .filter(DriftCheck::isSettled)
                .filter(unit -> ids.contains(unit.id()))
                .forEach(mend);
    }

    private void mendAccounts() {
        if (any(FactKind.ACCOUNT, FactKind.GROUP)) {
            steps.rootFile(HostFiles.SYSUSERS, HostFiles.sysusers(units));
            steps.run("systemd-sysusers", HostFiles.SYSUSERS);
        }
        eachUnit(EnumSet.of(FactKind.ACCOUNT), unit -> {
            steps.run("usermod", "-c", HostFiles.gecos(unit), "-s", HostFiles.SHELL, unit.user());
            steps.add(new Step.Expectation(
                    new Reading.FileLine("/etc/passwd", unit.user() + ":"), HostFiles.passwd(unit)));
        });
        eachUnit(EnumSet.of(FactKind.ACCOUNT_EXPIRY), unit -> {
            if (unit.isStopped()) {
                steps.expireAccount(unit);
            } else {
                steps.unexpireAccount(unit);
            }
        });
    }

    private void mendFiles() {
        Map<String, Step.TextFile> files = HostFiles.managed(server, units, manager).stream()
                .map(HostFiles.Managed::file)
                .collect(toMap(Step.TextFile::path, Function.identity(), (first, same) -> first, TreeMap::new));
        for (ComputeUnit unit : units) {
            if (DriftCheck.isRunning(unit)) {
                files.put(
                        HostFiles.key(unit),
                        rootFile(HostFiles.key(unit), HostFiles.authorizedKeys(unit.sshPublicKeys())));
            }
        }
        deviations.stream()
                .filter(deviation -> deviation.kind() == FactKind.FILE
                        || deviation.kind() == FactKind.FILE_ACCESS
                        || deviation.kind() == FactKind.SSH_KEY)
                .map(Deviation::subject)
                .distinct()
                .flatMap(path -> Optional.ofNullable(files.get(path)).stream())
                .forEach(file -> {
                    rootDirectoryAbove(file.path());
                    steps.add(file);
                });
        each(
                FactKind.NO_FILE,
                deviation -> unitsWithoutLogin().forEach(unit -> {
                    List<String> own = List.of(HostFiles.linger(unit), HostFiles.key(unit));
                    if (own.contains(deviation.subject())) {
                        steps.remove(deviation.subject());
                    }
                }));
    }

    private static Step.TextFile rootFile(String path, String content) {
        return new Step.TextFile(path, content, Step.Access.rootFile());
    }

    private void rootDirectoryAbove(String path) {
        steps.directory(path.substring(0, path.lastIndexOf('/')), Step.Access.rootDirectory());
    }

    private List<ComputeUnit> unitsWithoutLogin() {
        return units.stream()
                .filter(unit -> DriftCheck.isSettled(unit) && !DriftCheck.isRunning(unit))
                .toList();
    }

    private void mendSystemd() {
        each(FactKind.DROP_INS, deviation -> {
            for (String path : deviation.actual().split(" ", -1)) {
                if (DROP_IN.matcher(path).matches()) {
                    steps.remove(path);
                }
            }
        });
        if (any(FactKind.ENABLED)) {
            InitPlanner.enable(steps, server, units);
        }
        if (any(FactKind.ENABLED, FactKind.DROP_INS, FactKind.DAEMON_RELOAD) || isFileWrong(HostFiles.SYSTEMD)) {
            steps.run("systemctl", "daemon-reload");
        }
        if (any(FactKind.HOUSEKEEPING_CPUS)) {
            HousekeepingCpus.moveSystemTo(steps, server.housekeepingCpus());
            HousekeepingCpus.workqueueCpus(server).ifPresent(cpus -> HousekeepingCpus.moveKernelTo(steps, cpus));
        }
    }

    private void mendMounts() {
        List<String> mountPoints = new ArrayList<>();
        each(FactKind.MOUNT, deviation -> mountPoints.add(deviation.subject()));
        if (!mountPoints.isEmpty()) {
            steps.mounted(mountPoints);
        }
    }

    private void mendDirectories() {
        each(FactKind.DIRECTORY, deviation -> {
            for (ComputeUnit unit : units) {
                if (unit.directories().contains(deviation.subject())) {
                    steps.directory(deviation.subject(), new Step.Access(unit.uid(), UnitDirectories.OWNER_ONLY));
                }
            }
            if (deviation.subject().startsWith("/etc/")) {
                steps.directory(deviation.subject(), Step.Access.rootDirectory());
            }
        });
    }

    private void mendQuotas() {
        List<ComputeUnit> wrong = new ArrayList<>();
        eachUnit(QUOTAS, wrong::add);
        Quotas.limitDisks(steps, server, wrong);
    }

    private void mendPorts() {
        if (any(FactKind.RESERVED_PORTS) || isFileWrong(HostFiles.SYSCTL)) {
            HostPorts.reserve(steps, HostPorts.reservedPorts(server, units));
        }
        if (any(PORTS) || isFileWrong(HostFiles.PORTS_RULES) || isFileWrong(HostFiles.PORTS_SERVICE_FILE)) {
            steps.run("systemctl", "restart", HostFiles.PORTS_SERVICE);
            steps.add(HostPorts.portsEnforced(units));
        }
        each(FactKind.FOREIGN_PORTS, this::closeForeignPorts);
        if (any(FactKind.KERNEL_SETTING)) {
            HostPorts.protectSharedDirectories(steps);
        }
    }

    private void closeForeignPorts(Deviation deviation) {
        for (ComputeUnit unit : units) {
            if (unit.id().equals(deviation.computeId())) {
                closeForeignPorts(unit, deviation.actual());
            }
        }
    }

    /** The kernel closes TCP sockets on demand. It does not close unconnected UDP sockets, so whoever has one is ended. */
    private void closeForeignPorts(ComputeUnit unit, String sockets) {
        for (String text : sockets.split(", ", -1)) {
            ListeningSockets.Socket socket = ListeningSockets.Socket.parse(text);
            if (socket.isSelectableIn(unit)) {
                close(socket);
            }
        }
    }

    private void close(ListeningSockets.Socket socket) {
        if (socket.isTcp()) {
            // Its program may end for that, and its cgroup with it; so what became of it is for the look that follows.
            steps.add(new Step.Command(socket.closing(), ""));
        } else {
            steps.add(new Step.Command(List.of("tee", socket.cgroupFile("cgroup.kill")), "1\n"));
            Reading processes = new Reading.FileLine(socket.cgroupFile("cgroup.events"), "populated 1");
            steps.add(new Step.Expectation(processes, "absent", ENDING));
        }
    }

    private void mendWaysIn() {
        if (any(FactKind.SSHD) || isFileWrong(HostFiles.SSHD)) {
            steps.add(InitPlanner.keysFound(units.get(0)));
            steps.run("systemctl", "reload", server.facts().sshUnit());
        }
        each(FactKind.JOBS, deviation -> {
            steps.add(new Step.RemovedLines(deviation.subject(), HostFiles.PAM_LINES));
            steps.add(new Step.AppendedLines(deviation.subject(), HostFiles.PAM_LINES));
        });
    }

    private void mendTenancies() {
        eachUnit(EnumSet.of(FactKind.LINGER), unit -> steps.rootFile(HostFiles.linger(unit), ""));
        Set<FactKind> running = EnumSet.copyOf(LIMITS);
        running.add(FactKind.USER_MANAGER);
        eachUnit(running, unit -> {
            if (DriftCheck.isRunning(unit)) {
                steps.run("systemctl", "start", "--no-block", HostFiles.manager(unit));
            }
        });
        eachUnit(LIMITS, unit -> {
            if (DriftCheck.isRunning(unit)) {
                mendLimits(unit);
            }
        });
    }

    /** What was written past systemd stays in force until the property is set; the runtime setting itself is not kept. */
    private void mendLimits(ComputeUnit unit) {
        UnitLimits limits = unit.limits();
        List<String> argv = new ArrayList<>(List.of("systemctl", "set-property", "--runtime", unit.slice()));
        argv.add("AllowedCPUs=" + unit.cpus());
        argv.add("AllowedMemoryNodes=" + limits.memoryNodes());
        argv.add("MemoryMax=" + limits.memoryMax().bytes());
        argv.add("MemoryHigh=" + limits.memoryHigh().bytes());
        argv.add("MemorySwapMax=" + limits.swapMax().bytes());
        argv.add("TasksMax=" + limits.tasksMax());
        for (IoLimit io : limits.io()) {
            HostFiles.ioSettings(io).forEach((property, value) -> argv.add(property + "=" + io.device() + " " + value));
        }
        steps.add(new Step.Command(argv, ""));
        steps.remove("/run/systemd/system.control/" + unit.slice() + ".d");
        steps.run("systemctl", "daemon-reload");
        TenancyPlanner.expectLimits(steps, server, unit);
    }
}
