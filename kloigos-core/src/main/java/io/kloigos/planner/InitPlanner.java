package io.kloigos.planner;

import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataVolume;
import io.kloigos.model.HostFacts;
import io.kloigos.model.LogicalVolume;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Server;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Turns a server and its units into the plan that prepares the host. Pure: the same arguments give the same plan.
 *
 * <p>Whatever does not depend on the tenant is staged once, at init and again after each release, so that an allocation is
 * a handful of cheap steps.
 */
public final class InitPlanner {
    /** Seconds: 68 years, the most that setquota(8) takes. */
    private static final String LONGEST_GRACE = "2147483647";

    private InitPlanner() {}

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
        steps.rootFile(HostFiles.MANAGED_BY, ManagedBy.of(server, manager) + "\n");
        steps.directory(HostFiles.KEYS, HostFiles.KEYS_ACCESS);
        steps.directories(rootDirectories(server, units), Access.rootDirectory());
        server.volumes().forEach(volume -> makeVolume(steps, volume));
        steps.rootFile(HostFiles.SYSUSERS, HostFiles.sysusers(units));
        steps.run("systemd-sysusers", HostFiles.SYSUSERS);
        accountsMade(steps, units);
        writeUnitFiles(steps, server, units);
        HousekeepingCpus.writeHousekeeping(steps, server.housekeepingCpus());
        enable(steps, server, units);
        steps.run("systemctl", "daemon-reload");
        mountVolumes(steps, server, units);
        HostPorts.enforcePorts(steps, server, units);
        letTenantsIn(steps, facts, units.get(0));
        jobFiles(facts).forEach(path -> steps.add(new Step.AppendedLines(path, HostFiles.PAM_LINES)));
        Quotas.setGrace(steps, Quotas.mountsWithProjects(server, units), LONGEST_GRACE);
        Quotas.limitDisks(steps, server, units);
        units.forEach(unit -> UnitDirectories.stage(steps, server, unit));
        steps.add(UnitDirectories.directoriesOwned(units));
        if (!server.housekeepingCpus().isEmpty()) {
            HousekeepingCpus.moveSystemTo(steps, server.housekeepingCpus());
        }
        HousekeepingCpus.workqueueCpus(server).ifPresent(cpus -> {
            steps.rootFile(HostFiles.TMPFILES, HostFiles.tmpfiles(cpus));
            HousekeepingCpus.moveKernelTo(steps, cpus);
        });
        return steps.plan(id, Scope.host(), Steps.hostLimit(units));
    }

    private static List<String> rootDirectories(Server server, List<ComputeUnit> units) {
        List<String> directories = new ArrayList<>(List.of(HostFiles.LINGER, HostFiles.PORTS_DROP_INS));
        for (ComputeUnit unit : units) {
            directories.add(HostFiles.sliceDirectory(unit));
            directories.add(HostFiles.managerDirectory(unit));
        }
        if (!server.housekeepingCpus().isEmpty()) {
            directories.addAll(HousekeepingCpus.HOUSEKEEPING_DROP_INS);
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
            if (unit.limits().portEnforcement() == PortEnforcement.SOCKET_BIND_RANGES) {
                HostFiles.bindRules(unit, units)
                        .ifPresent(rules ->
                                steps.rootFile(HostFiles.bindDropInFile(unit), HostFiles.bindDropIn(unit, rules)));
            }
        }
        for (DataVolume volume : server.volumes()) {
            steps.rootFile(HostFiles.mountFile(volume.mountPoint()), HostFiles.volumeMount(volume));
        }
        for (ComputeUnit unit : units) {
            UnitDirectories.dataDirectory(unit)
                    .ifPresent(directory ->
                            steps.rootFile(HostFiles.mountFile(unit.mnt()), HostFiles.dataMount(unit, directory)));
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
        links.add(HostFiles.wants(HostPorts.PORTS_WANTED_BY) + "/" + HostFiles.PORTS_SERVICE);
        server.volumes()
                .forEach(volume ->
                        links.add(HostFiles.wants("local-fs.target") + "/" + HostFiles.mountUnit(volume.mountPoint())));
        units.stream()
                .filter(unit -> unit.dataDirectory() != null)
                .forEach(unit -> links.add(HostFiles.wants("local-fs.target") + "/" + HostFiles.mountUnit(unit.mnt())));
        return links;
    }

    private static void mountVolumes(Steps steps, Server server, List<ComputeUnit> units) {
        if (server.volumes().isEmpty()) {
            return;
        }
        steps.directory(HostFiles.STATE, Access.rootDirectory());
        steps.mounted(server.volumes().stream().map(DataVolume::mountPoint).toList());
        List<String> mountPoints = new ArrayList<>();
        for (ComputeUnit unit : units) {
            UnitDirectories.dataDirectory(unit).ifPresent(directory -> {
                steps.directory(directory, new Access(unit.uid(), UnitDirectories.OWNER_ONLY));
                mountPoints.add(unit.mnt());
            });
        }
        steps.mounted(mountPoints);
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
}
