package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DataVolume;
import io.kloigos.model.HostFacts;
import io.kloigos.model.LogicalVolume;
import io.kloigos.model.Server;
import io.kloigos.model.Trace;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Turns a server and its units into the plan that gives the host back. Pure. */
public final class DecommissionPlanner {
    /** Seconds: a week, as the kernel has it by itself. */
    private static final String DEFAULT_GRACE = "604800";

    private DecommissionPlanner() {}

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
            Set<Trace> traces =
                    keepsFiles ? EnumSet.complementOf(EnumSet.of(Trace.DISK_USAGE)) : EnumSet.allOf(Trace.class);
            ReleasePlanner.endTenant(steps, unit, traces);
            ReleasePlanner.eraseFiles(steps, unit, dataDisks, traces);
            ReleasePlanner.expectErased(steps, unit, traces);
        }
        liftDiskLimits(steps, server, units);
        Quotas.setGrace(
                steps,
                Quotas.mountsWithProjects(server, units).filter(mountPoint -> !Quotas.isOnVolume(server, mountPoint)),
                DEFAULT_GRACE);
        unmountVolumes(steps, server, units);
        server.volumes().forEach(volume -> giveBack(steps, volume, dataDisks));
        InitPlanner.jobFiles(facts).forEach(path -> steps.add(new Step.RemovedLines(path, HostFiles.PAM_LINES)));
        steps.remove(HostFiles.SSHD);
        steps.run("systemctl", "reload", facts.sshUnit());
        HostPorts.releasePorts(steps, facts);
        for (ComputeUnit unit : units) {
            steps.remove(HostFiles.sliceDirectory(unit));
            steps.remove(HostFiles.managerDirectory(unit));
            if (unit.tenancy().resizedTo() != null) {
                steps.remove(HostFiles.runtimeDirectory(unit));
            }
        }
        HousekeepingCpus.releaseHousekeeping(steps, server);
        removeEmptyDirectories(steps);
        steps.run("systemctl", "daemon-reload");
        // Without limits there are no cpuset files to read, so the first process is asked where it may run.
        steps.add(new Step.Expectation(
                new Reading.FileLine("/proc/1/status", "Cpus_allowed_list:"),
                "Cpus_allowed_list:\t" + facts.onlineCpus(),
                Steps.SETTLING));
        removeAccounts(steps, units);
        steps.remove(HostFiles.STATE);
        steps.remove(HostFiles.DIRECTORY);
        steps.remove(HostFiles.RUNTIME);
        return steps.plan(id, Scope.host(), Steps.hostLimit(units).plus(EraseTime.of(server, units)));
    }

    private static void liftDiskLimits(Steps steps, Server server, List<ComputeUnit> units) {
        Quotas.of(server, units).stream()
                .filter(quotas -> !Quotas.isOnVolume(server, quotas.mountPoint()))
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

    /** Directories of systemd's configuration may hold files of others; only those that are empty now go. */
    private static void removeEmptyDirectories(Steps steps) {
        List<String> names = new ArrayList<>();
        HousekeepingCpus.HOUSEKEEPING.forEach(name -> names.add(name + ".d"));
        names.add(HostPorts.PORTS_WANTED_BY + ".wants");
        names.add("nftables.service.d");
        names.add("local-fs.target.wants");
        steps.removeEmptyDirectories(HostFiles.SYSTEMD, names);
    }

    private static void removeAccounts(Steps steps, List<ComputeUnit> units) {
        for (ComputeUnit unit : units) {
            steps.add(Step.Ensure.that(Condition.fails("getent", "passwd", unit.user()), "userdel", unit.user()));
            steps.add(Step.Ensure.that(Condition.fails("getent", "group", unit.user()), "groupdel", unit.user()));
        }
        steps.add(Step.Ensure.that(Condition.fails("getent", "group", HostFiles.GROUP), "groupdel", HostFiles.GROUP));
    }
}
