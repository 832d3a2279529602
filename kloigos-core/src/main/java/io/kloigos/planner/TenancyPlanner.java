package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.IoLimit;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Trace;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.UnitAccount;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns a server and a unit into the plans of a tenancy: that a tenant gets the unit, and that the unit changes while
 * the tenant has it. Pure.
 */
public final class TenancyPlanner {
    static final Duration MANAGER_START = Duration.ofSeconds(30);

    private TenancyPlanner() {}

    /**
     * Returns the plan that hands a staged unit to a tenant. The key comes last: whoever can log in finds every limit held.
     *
     * @param id names this attempt
     */
    public static HostPlan allocate(String id, Server server, ComputeUnit unit, List<SshPublicKey> keys) {
        Steps steps = new Steps();
        letIn(steps, server, unit, keys);
        return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT);
    }

    private static void letIn(Steps steps, Server server, ComputeUnit unit, List<SshPublicKey> keys) {
        steps.dataMounted(unit);
        steps.rootFile(HostFiles.linger(unit), "");
        // A slice without members does not last, so the manager is started first, and the limits are read while it
        // starts.
        steps.run("systemctl", "start", "--no-block", HostFiles.manager(unit));
        steps.add(HostPorts.portsEnforced(List.of(unit)));
        steps.add(UnitDirectories.directoriesOwned(List.of(unit)));
        expectLimits(steps, server, unit);
        steps.add(HostFiles.keyFile(unit, keys));
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
            return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT);
        }
        Step.TextFile file = HostFiles.keyFile(unit, unit.sshPublicKeys());
        steps.add(file);
        steps.expectFile(file.content().strip(), file.path());
        return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT);
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
        return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT);
    }

    static void shutOut(Steps steps, ComputeUnit unit) {
        steps.remove(HostFiles.key(unit));
        steps.remove(HostFiles.linger(unit));
        steps.expireAccount(unit);
    }

    private static HostPlan start(String id, Server server, ComputeUnit unit) {
        Steps steps = new Steps();
        steps.unexpireAccount(unit);
        if (unit.tenancy().resizedTo() != null) {
            // A resize that failed may have left other limits.
            writeLimits(steps, unit);
        }
        letIn(steps, server, unit, unit.sshPublicKeys());
        return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT);
    }

    /** Of a slice that is not in use. */
    static void writeLimits(Steps steps, ComputeUnit unit) {
        steps.rootFile(HostFiles.sliceDropInFile(unit), HostFiles.sliceDropIn(unit));
        steps.remove(HostFiles.runtimeDirectory(unit));
        steps.run("systemctl", "daemon-reload");
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
                        new Reading.FileLine(wanted.cgroup() + "/io.max", number + " "), "absent", Steps.SETTLING));
            }
        }
        Quotas.limitDisks(steps, server, List.of(wanted));
        return steps.plan(id, Scope.unit(unit.user()), Steps.UNIT_LIMIT);
    }

    /** Returns the devices whose limits go. */
    private static List<String> lifted(ComputeUnit unit, ComputeUnit wanted) {
        List<String> devices =
                new ArrayList<>(unit.limits().io().stream().map(IoLimit::device).toList());
        devices.removeAll(wanted.limits().io().stream().map(IoLimit::device).toList());
        return devices;
    }

    static void expectLimits(Steps steps, Server server, ComputeUnit unit) {
        expectCpus(steps, unit);
        expectMemoryNodes(steps, unit);
        expectAmounts(steps, server, unit);
    }

    static void expectCpus(Steps steps, ComputeUnit unit) {
        steps.add(new Step.Expectation(
                new Reading.FileText(unit.cgroup() + "/cpuset.cpus.effective"),
                unit.cpus().toString(),
                MANAGER_START));
    }

    static void expectMemoryNodes(Steps steps, ComputeUnit unit) {
        expectSettled(steps, unit.limits().memoryNodes().toString(), unit.cgroup() + "/cpuset.mems.effective");
    }

    static void expectAmounts(Steps steps, Server server, ComputeUnit unit) {
        String cgroup = unit.cgroup() + "/";
        expectSettled(steps, Long.toString(unit.limits().memoryMax().bytes()), cgroup + "memory.max");
        expectSettled(steps, Long.toString(unit.limits().memoryHigh().bytes()), cgroup + "memory.high");
        expectSettled(steps, Long.toString(unit.limits().swapMax().bytes()), cgroup + "memory.swap.max");
        expectSettled(steps, Integer.toString(unit.limits().tasksMax()), cgroup + "pids.max");
        unit.limits().io().forEach(io -> steps.add(ioLine(server, unit, io)));
    }

    /** systemd writes one file after the other, and nobody says when it is through. */
    private static void expectSettled(Steps steps, String expected, String path) {
        steps.add(new Step.Expectation(new Reading.FileText(path), expected, Steps.SETTLING));
    }

    static Step.Expectation ioLine(Server server, ComputeUnit unit, IoLimit io) {
        String number = server.facts().disk(io.device()).orElseThrow().number();
        Reading line = new Reading.FileLine(unit.cgroup() + "/io.max", number + " ");
        return new Step.Expectation(line, ioMax(number, io), Steps.SETTLING);
    }

    private static String ioMax(String number, IoLimit io) {
        return number + " rbps="
                + (io.readBytes() == null ? "max" : io.readBytes().bytes())
                + " wbps=" + (io.writeBytes() == null ? "max" : io.writeBytes().bytes())
                + " riops=" + (io.readOperations() == null ? "max" : io.readOperations())
                + " wiops=" + (io.writeOperations() == null ? "max" : io.writeOperations());
    }
}
