package io.kloigos.planner;

import static java.util.stream.Collectors.toMap;

import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Deviation;
import io.kloigos.model.FactKind;
import io.kloigos.model.Server;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Turns what differs on a host into the plans that mend it. Pure. Nothing else is touched: what a tenant runs goes on.
 *
 * <p>Each plan is for itself: what cannot be mended of one unit, or is changed again by its tenant meanwhile, keeps nothing
 * else from being mended. Each is a round trip, so there are no more than that needs.
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

    /** Only from here are drop-ins removed, whatever a host says. */
    private static final Pattern DROP_IN = Pattern.compile(
            "/(etc|run)/systemd/(system|system\\.control)/user-\\d+\\.slice\\.d/[A-Za-z0-9@:._-]+\\.conf");

    private final List<Steps> parts = new ArrayList<>();
    private Steps steps = new Steps();
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
     * Returns the plans that mend these deviations, in the order in which they are to be applied, whatever becomes of those
     * before; what only an operator can mend is left out.
     *
     * @param id names this attempt, with all its plans
     * @param units all units of the server
     * @param manager what init noted on the host about who manages it
     * @param deviations as {@link DriftCheck#compare} found them
     */
    public static List<HostPlan> repair(
            String id, Server server, List<ComputeUnit> units, String manager, List<Deviation> deviations) {
        RepairPlanner planner = new RepairPlanner(server, units, manager, deviations);
        planner.mend();
        return planner.parts.stream()
                .map(part -> part.plan(id, Scope.host(), Steps.hostLimit(units)))
                .toList();
    }

    /** What others rest on comes first; what tenants can get in the way of, last. */
    private void mend() {
        part(this::mendAccounts);
        units.stream().filter(DriftCheck::isSettled).forEach(unit -> part(() -> mendAccount(unit)));
        Map<String, Step.TextFile> files = files();
        part(() -> mendFiles(files, null));
        units.forEach(unit -> part(() -> mendFiles(files, unit.id())));
        part(this::mendSystemd);
        part(this::mendHousekeeping);
        part(() -> mendDirectories(null));
        units.forEach(unit -> part(() -> mendDirectories(unit.id())));
        part(this::mendQuotas);
        part(this::mendPorts);
        part(this::mendKernelSettings);
        part(this::mendSshd);
        part(this::mendJobs);
        units.stream().filter(DriftCheck::isSettled).forEach(unit -> part(() -> mendTenancy(unit)));
        each(FactKind.FOREIGN_PORTS, this::closeForeignPorts);
    }

    private void part(Runnable mend) {
        steps = new Steps();
        mend.run();
        if (!steps.isEmpty()) {
            parts.add(steps);
        }
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

    private void eachOf(@Nullable ComputeId unitId, FactKind kind, Consumer<Deviation> mend) {
        each(kind, deviation -> {
            if (Objects.equals(deviation.computeId(), unitId)) {
                mend.accept(deviation);
            }
        });
    }

    private boolean any(ComputeUnit unit, Set<FactKind> kinds) {
        return deviations.stream()
                .anyMatch(deviation ->
                        kinds.contains(deviation.kind()) && unit.id().equals(deviation.computeId()));
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
    }

    private void mendAccount(ComputeUnit unit) {
        if (any(unit, EnumSet.of(FactKind.ACCOUNT))) {
            steps.run("usermod", "-c", HostFiles.gecos(unit), "-s", HostFiles.SHELL, unit.user());
            steps.add(new Step.Expectation(
                    new Reading.FileLine("/etc/passwd", unit.user() + ":"), HostFiles.passwd(unit)));
        }
        if (any(unit, EnumSet.of(FactKind.ACCOUNT_EXPIRY))) {
            if (unit.isStopped()) {
                steps.expireAccount(unit);
            } else {
                steps.unexpireAccount(unit);
            }
        }
    }

    private Map<String, Step.TextFile> files() {
        Map<String, Step.TextFile> files = HostFiles.managed(server, units, manager).stream()
                .map(HostFiles.Managed::file)
                .collect(toMap(Step.TextFile::path, Function.identity(), (first, same) -> first, TreeMap::new));
        for (ComputeUnit unit : units) {
            if (DriftCheck.isRunning(unit)) {
                files.put(HostFiles.key(unit), HostFiles.keyFile(unit, unit.sshPublicKeys()));
            }
        }
        return files;
    }

    private void mendFiles(Map<String, Step.TextFile> files, @Nullable ComputeId unitId) {
        deviations.stream()
                .filter(deviation -> deviation.kind() == FactKind.FILE
                        || deviation.kind() == FactKind.FILE_ACCESS
                        || deviation.kind() == FactKind.SSH_KEY)
                .filter(deviation -> Objects.equals(deviation.computeId(), unitId))
                .map(Deviation::subject)
                .distinct()
                .flatMap(path -> Optional.ofNullable(files.get(path)).stream())
                .forEach(file -> {
                    rootDirectoryAbove(file.path());
                    steps.add(file);
                });
        unitsWithoutLogin().filter(unit -> unit.id().equals(unitId)).forEach(unit -> {
            List<String> own = List.of(HostFiles.linger(unit), HostFiles.key(unit));
            each(FactKind.NO_FILE, deviation -> {
                if (own.contains(deviation.subject())) {
                    steps.remove(deviation.subject());
                }
            });
        });
    }

    private void rootDirectoryAbove(String path) {
        rootDirectory(path.substring(0, path.lastIndexOf('/')));
    }

    private void rootDirectory(String path) {
        steps.directory(path, path.equals(HostFiles.KEYS) ? HostFiles.KEYS_ACCESS : Step.Access.rootDirectory());
    }

    private Stream<ComputeUnit> unitsWithoutLogin() {
        return units.stream().filter(unit -> DriftCheck.isSettled(unit) && !DriftCheck.isRunning(unit));
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
        if (any(FactKind.ENABLED, FactKind.DROP_INS, FactKind.DAEMON_RELOAD, FactKind.PORT_BINDING)
                || isFileWrong(HostFiles.SYSTEMD)) {
            steps.run("systemctl", "daemon-reload");
        }
    }

    private void mendHousekeeping() {
        if (any(FactKind.HOUSEKEEPING_CPUS)) {
            HousekeepingCpus.moveSystemTo(steps, server.housekeepingCpus());
            HousekeepingCpus.workqueueCpus(server).ifPresent(cpus -> HousekeepingCpus.moveKernelTo(steps, cpus));
        }
    }

    /** Where nothing could be mounted, no directory of what should be there is made. */
    private void mendDirectories(@Nullable ComputeId unitId) {
        List<String> mountPoints = new ArrayList<>();
        eachOf(unitId, FactKind.MOUNT, deviation -> mountPoints.add(deviation.subject()));
        if (!mountPoints.isEmpty()) {
            steps.mounted(mountPoints);
        }
        eachOf(unitId, FactKind.DIRECTORY, deviation -> {
            for (ComputeUnit unit : units) {
                if (unit.directories().contains(deviation.subject())) {
                    steps.directory(deviation.subject(), new Step.Access(unit.uid(), UnitDirectories.OWNER_ONLY));
                }
            }
            if (deviation.subject().startsWith("/etc/")) {
                rootDirectory(deviation.subject());
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
    }

    private void mendKernelSettings() {
        if (any(FactKind.KERNEL_SETTING)) {
            HostPorts.set(steps, HostFiles.settings(server.facts()));
        }
    }

    private void closeForeignPorts(Deviation deviation) {
        for (ComputeUnit unit : units) {
            if (unit.id().equals(deviation.computeId())) {
                part(() -> HeldPorts.freed(unit, deviation.actual()).forEach(steps::add));
            }
        }
    }

    private void mendSshd() {
        if (any(FactKind.SSHD) || isFileWrong(HostFiles.SSHD)) {
            steps.add(InitPlanner.keysFound(units.get(0)));
            steps.run("systemctl", "reload", server.facts().sshUnit());
        }
    }

    private void mendJobs() {
        each(FactKind.JOBS, deviation -> {
            steps.add(new Step.RemovedLines(deviation.subject(), HostFiles.PAM_LINES));
            steps.add(new Step.AppendedLines(deviation.subject(), HostFiles.PAM_LINES));
        });
    }

    private void mendTenancy(ComputeUnit unit) {
        if (any(unit, EnumSet.of(FactKind.LINGER))) {
            steps.rootFile(HostFiles.linger(unit), "");
        }
        boolean isLimitWrong = any(unit, LIMITS);
        if (DriftCheck.isRunning(unit) && (isLimitWrong || any(unit, EnumSet.of(FactKind.USER_MANAGER)))) {
            steps.run("systemctl", "start", "--no-block", HostFiles.manager(unit));
        }
        if (DriftCheck.isRunning(unit) && isLimitWrong) {
            mendLimits(unit);
        }
    }

    /** What was written past systemd stays in force until the property is set; the runtime setting itself is not kept. */
    private void mendLimits(ComputeUnit unit) {
        List<String> argv = new ArrayList<>(List.of("systemctl", "set-property", "--runtime", unit.slice()));
        argv.add("AllowedCPUs=" + unit.cpus());
        argv.add("AllowedMemoryNodes=" + unit.limits().memoryNodes());
        argv.addAll(HostFiles.liveProperties(unit, List.of()));
        steps.add(new Step.Command(argv, ""));
        steps.remove(HostFiles.runtimeDirectory(unit));
        steps.run("systemctl", "daemon-reload");
        // CPUs and nodes that are gone are the operator's; what else is wrong is mended all the same.
        if (any(unit, EnumSet.of(FactKind.CPUS))) {
            TenancyPlanner.expectCpus(steps, unit);
        }
        if (any(unit, EnumSet.of(FactKind.MEMORY_NODES))) {
            TenancyPlanner.expectMemoryNodes(steps, unit);
        }
        TenancyPlanner.expectAmounts(steps, server, unit);
    }
}
