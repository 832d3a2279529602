package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DataVolume;
import io.kloigos.model.Server;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Trace;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.UnitAccount;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Turns a server and its units into the plans that end tenancies, erase what tenants left, and prove it. Pure. */
public final class ReleasePlanner {
    /** XFS frees inodes, and stops counting them, some time after their files are gone. */
    private static final Duration COUNTING = Duration.ofSeconds(10);

    /** What is looked for by searching file systems, when the unit's own directories are gone. */
    private static final Set<Trace> FOUND_AS_FILES = Set.of(Trace.FILES, Trace.DISK_USAGE);

    private static final Set<Trace> START_PROCESSES = Set.of(Trace.CRONTABS, Trace.AT_JOBS);

    private ReleasePlanner() {}

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
        endTenant(steps, unit, traces);
        steps.dataMounted(unit);
        eraseFiles(steps, unit, DataDisks.WIPE, traces);
        expectErased(steps, unit, traces);
        // Not before: whoever has the emptied one open is found by whose it is.
        UnitDirectories.replaceData(steps, unit);
        ownVolume(server, unit).ifPresent(volume -> discard(steps, volume));
        forgetResize(steps, server, unit);
        UnitDirectories.stageAnew(steps, server, unit.with(Tenancy.none()));
        steps.add(UnitDirectories.directoriesOwned(List.of(unit)));
        steps.unexpireAccount(unit);
        return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT.plus(EraseTime.of(server, List.of(unit))));
    }

    /**
     * Returns, as one plan to read, the plans that take these units back. They are applied each by itself.
     *
     * @param id names this attempt
     */
    public static HostPlan drain(String id, Server server, List<ComputeUnit> units) {
        Steps steps = new Steps();
        units.forEach(unit -> deallocate(id, server, unit).steps().forEach(steps::add));
        return steps.plan(id, Scope.host(), Steps.hostLimit(units));
    }

    /** Nothing may come in again before the processes end, and nothing may run when files go. */
    static void endTenant(Steps steps, ComputeUnit unit, Set<Trace> traces) {
        UnitAccount tenant = UnitAccount.of(unit);
        TenancyPlanner.shutOut(steps, unit);
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
    }

    /** A part of a data disk is emptied where it is stored as well: on /mnt it may be unmounted, or another mount above it. */
    static void eraseFiles(Steps steps, ComputeUnit unit, DataDisks dataDisks, Set<Trace> traces) {
        UnitAccount tenant = UnitAccount.of(unit);
        steps.remove(unit.home());
        steps.remove(unit.opt());
        if (unit.dataDirectory() == null) {
            steps.remove(unit.mnt());
        } else if (dataDisks == DataDisks.WIPE) {
            steps.add(new Step.Emptying(unit.mnt()));
            steps.add(new Step.Emptying(unit.dataDirectory()));
        }
        if (traces.contains(Trace.FILES)) {
            steps.add(new Step.Erasure(Trace.FILES, tenant));
        }
    }

    /** Looks for each kind, when all of them were erased. */
    static void expectErased(Steps steps, ComputeUnit unit, Set<Trace> traces) {
        UnitAccount tenant = UnitAccount.of(unit);
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

    private static void forgetResize(Steps steps, Server server, ComputeUnit unit) {
        if (unit.tenancy().resizedTo() == null) {
            return;
        }
        ComputeUnit handedOut = unit.with(Tenancy.none());
        TenancyPlanner.writeLimits(steps, handedOut);
        Quotas.limitDisks(steps, server, List.of(handedOut));
    }

    /** Returns the data disk or logical volume that only this unit uses; empty if it shares one or has none. */
    public static Optional<DataVolume> ownVolume(Server server, ComputeUnit unit) {
        boolean isShared =
                server.volumes().size() == 1 && server.volumes().get(0).logicalVolume() == null;
        return isShared
                ? Optional.empty()
                : UnitDirectories.dataDirectory(unit)
                        .flatMap(directory -> server.volumes().stream()
                                .filter(volume -> directory.startsWith(volume.mountPoint() + "/"))
                                .findFirst());
    }
}
