package io.kloigos.testkit;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Sha256;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Trace;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.UnitAccount;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A Linux host that is not there: files, accounts, slices with their cgroups, packet filter, quotas, mounts and processes,
 * kept in memory and changed by the steps and commands of Kloigos' plans as a real host would be. What a real host would
 * refuse, it refuses in the same words; a command that it does not know fails the step and says so.
 *
 * <p>Safe for use by many threads. As on a real host, a plan for one unit excludes other plans for that unit, a plan for the
 * host excludes all others, and a plan that was applied is not applied again but answered from its record.
 */
public final class FakeHost {
    private final HostAddress address;
    private final String hostKey;
    private final FakeMachine machine;
    private final FakePlans plans;

    FakeHost(FakeHostBuilder spec) {
        address = new HostAddress(spec.hostname, spec.ip, null, null, null);
        hostKey = fingerprint(spec.hostname);
        machine = new FakeMachine(spec);
        plans = new FakePlans(this, machine, spec);
    }

    /** Returns a builder of a host with 16 CPUs on one node, 64 GiB of memory and one file system with quotas. */
    public static FakeHostBuilder builder(String hostname, String ip) {
        return new FakeHostBuilder(hostname, ip);
    }

    private static String fingerprint(String hostname) {
        return Sha256.of(hostname).fingerprint();
    }

    // -- what tests look at -----------------------------------------------------------------------------------------

    /** Returns how the host is reached, without a pinned key. */
    public HostAddress address() {
        return address;
    }

    /** Returns the fingerprint of the host's key. */
    public String hostKey() {
        return hostKey;
    }

    /** Returns what the host truly is now, whatever {@link HostFailure.WrongFacts} makes it tell. */
    public HostFacts facts() {
        return held(() -> machine.facts(hostKey));
    }

    /** Returns what a login as the user would meet now. */
    public TenantLogin login(String user) {
        return held(() -> machine.sshd.login(user));
    }

    /** Tells whether there is a file, directory or symbolic link at the path. */
    public boolean exists(String path) {
        return held(() -> machine.files.findHere(path) != null);
    }

    /**
     * Returns the content of a file.
     *
     * @throws AssertionError if there is no such file, with what is there instead
     */
    public String file(String path) {
        return held(() -> {
            FakeFiles.Node node = machine.files.find(path);
            if (node == null || !node.isFile()) {
                throw new AssertionError(address.hostname() + " has no file " + path + "; " + nearest(path));
            }
            return node.text;
        });
    }

    /**
     * Returns owner, group and mode of a file or directory.
     *
     * @throws AssertionError if there is none, with what is there instead
     */
    public Access access(String path) {
        return held(() -> {
            FakeFiles.Node node = machine.files.find(path);
            if (node == null) {
                throw new AssertionError(address.hostname() + " has no " + path + "; " + nearest(path));
            }
            return new Access(node.uid, node.gid, node.mode);
        });
    }

    private String nearest(String path) {
        String above = path;
        FakeFiles.Node node = null;
        while (node == null || !node.isDirectory()) {
            above = FakeFiles.above(above);
            node = machine.files.find(above);
        }
        return above + " has " + node.list().keySet();
    }

    /** Returns the commands of the user's processes. */
    public List<String> processes(int uid) {
        return held(() -> machine.processes().stream()
                .filter(process -> process.uid() == uid)
                .map(FakeMachine.Task::command)
                .toList());
    }

    /**
     * Returns every plan that was asked for, in the order in which each was first, with what it changed; of very many the
     * last (see {@link FakeHostBuilder#plansKept}).
     */
    public List<AppliedPlan> applied() {
        return plans.applied();
    }

    /**
     * Returns everything on the host that a plan can change, one thing a line in a fixed order, so that two states can be
     * compared and their difference read.
     */
    public String state() {
        return held(() -> {
            List<String> lines = new ArrayList<>();
            machine.files.visit(
                    "/",
                    (path, node) -> lines.add(String.format(
                            "%s %04o %d:%d %d %s",
                            path,
                            node.mode,
                            node.uid,
                            node.gid,
                            node.project,
                            node.isDirectory() ? "/" : node.link ? "-> " + node.text : quoted(node.text))));
            machine.accounts
                    .values()
                    .forEach(account ->
                            lines.add("account " + account.passwd() + (account.expired() ? " expired" : "")));
            machine.groups
                    .values()
                    .forEach(group -> lines.add("group " + group.name() + " " + group.gid() + " " + group.members()));
            machine.files.mounts().forEach(mount -> lines.add("mount " + mount.point + " " + mount.facts.source()));
            machine.disks.all.forEach(disk -> lines.add("disk " + disk.path + " " + disk.signature + " " + disk.label));
            machine.disks.quotas.forEach((key, limits) -> lines.add("quota " + key + " " + limits));
            machine.processes()
                    .forEach(process ->
                            lines.add("process " + process.uid() + " " + process.slice() + " " + process.command()));
            machine.systemd.activeUnits().forEach(unit -> lines.add("active " + unit));
            lines.add(machine.nftables.listAll());
            return lines.stream().sorted().collect(Collectors.joining("\n"));
        });
    }

    /**
     * Asserts that the tenant of the unit can log in with the unit's keys, and finds the CPUs, memory and ports that the unit
     * promises.
     *
     * @throws AssertionError with each difference
     */
    public void assertAllocated(ComputeUnit unit) {
        TenantLogin promised = new TenantLogin(
                "",
                unit.sshPublicKeys().stream().map(SshPublicKey::line).toList(),
                unit.cpus(),
                unit.limits().memoryMax(),
                List.of(unit.ports()));
        List<String> differences = login(unit.user()).differences(promised);
        if (!differences.isEmpty()) {
            throw new AssertionError(unit.user() + " does not find on " + address.hostname() + " what " + unit.id()
                    + " promises:\n  " + String.join("\n  ", differences));
        }
    }

    /**
     * Asserts that nobody can log in to the unit and that nothing of a tenant is left: no trace of any kind.
     *
     * @throws AssertionError with everything that is left
     */
    public void assertClean(ComputeUnit unit) {
        List<String> left = new ArrayList<>();
        if (login(unit.user()).succeeds()) {
            left.add("login: " + unit.user() + " can log in");
        }
        for (Trace trace : Trace.values()) {
            List<String> found = held(() -> machine.traces.find(trace, UnitAccount.of(unit)));
            if (!found.isEmpty()) {
                left.add(trace + ": " + String.join(" ", found));
            }
        }
        if (!left.isEmpty()) {
            throw new AssertionError(
                    unit.id() + " is not clean on " + address.hostname() + ":\n  " + String.join("\n  ", left));
        }
    }

    /**
     * Asserts that everything on the host is as it was.
     *
     * @param earlier what {@link #state()} returned then
     * @throws AssertionError with what is there no more, marked by -, and what is new, marked by +
     */
    public void assertState(String earlier) {
        List<String> then = earlier.lines().toList();
        List<String> now = state().lines().toList();
        List<String> differences = new ArrayList<>();
        then.stream().filter(line -> !now.contains(line)).forEach(line -> differences.add("- " + line));
        now.stream().filter(line -> !then.contains(line)).forEach(line -> differences.add("+ " + line));
        if (!differences.isEmpty()) {
            throw new AssertionError(address.hostname() + " is not as it was:\n  " + String.join("\n  ", differences));
        }
    }

    private static String quoted(String text) {
        return '"' + text.replace("\n", "\\n") + '"';
    }

    // -- what tests do to it ----------------------------------------------------------------------------------------

    /**
     * Plants what a tenant may leave behind.
     *
     * @throws IllegalArgumentException if no account has this uid
     */
    public void tenantLeaves(int uid, Trace... traces) {
        held(() -> {
            FakeMachine.Account account = machine.account(uid);
            if (account == null) {
                throw new IllegalArgumentException(address.hostname() + " has no account with uid " + uid);
            }
            List.of(traces).forEach(trace -> machine.traces.leave(account, trace));
            return uid;
        });
    }

    /**
     * A program of the user listens on a port, inside the user's slice.
     *
     * @param protocol {@code tcp} or {@code udp}
     */
    public void tenantListens(int uid, String protocol, int port) {
        held(() -> {
            String service = "user@" + uid + ".service/app.slice/" + protocol + port + ".service";
            machine.sockets.listen(protocol, port, uid, "/user.slice/user-" + uid + ".slice/" + service);
            return port;
        });
    }

    /**
     * Writes a file as root, with the directories above it: somebody else's change of the host. Of a file below /proc or /sys it
     * is what the kernel says from now on.
     */
    public void write(String path, String content) {
        held(() -> {
            machine.files.makeAll(FakeFiles.above(path));
            if (FakeFiles.isOfKernel(path)) {
                machine.files.put(path, content, Access.rootFile());
            } else {
                machine.files.write(path, content, Access.rootFile());
            }
            return path;
        });
    }

    /** Installs and starts a mail transfer agent, e.g. {@code exim4.service}, as somebody might after init. */
    public void startMailer(String service) {
        held(() -> {
            machine.startMailer(service);
            return service;
        });
    }

    /** Runs a command as root, as an operator at the host's console would, and returns what it prints. */
    public String run(String... argv) {
        return held(() -> {
            try {
                return machine.run(List.of(argv), "");
            } catch (Refused e) {
                throw new IllegalStateException(String.join(" ", argv) + ": " + e.text(), e);
            }
        });
    }

    /** The kernel uses these CPUs no more, and every other one, as when root writes to their {@code online} files. */
    public void takeOffline(CpuSet cpus) {
        held(() -> {
            machine.takeOffline(cpus);
            return address;
        });
    }

    /** Restarts the host: processes end, what is in memory only is gone, and what is enabled is started. */
    public void reboot() {
        held(() -> {
            machine.reboot();
            return address;
        });
    }

    /** Makes every plan take this long; zero at first. */
    public void latency(Duration perPlan) {
        plans.latency(perPlan);
    }

    /** Makes the next plan, or the next contact if the failure is one of connections or facts, fail in this way. */
    public void inject(HostFailure failure) {
        inject(failure, 1);
    }

    /** Makes the next {@code times} plans or contacts fail in this way. */
    public void inject(HostFailure failure, int times) {
        plans.inject(failure, times);
    }

    /** Forgets all failures that were injected and lets stalled plans go on. */
    public void heal() {
        plans.heal();
    }

    /** Waits until so many plans in all have stalled. */
    public void awaitStalled(int plans) throws InterruptedException {
        this.plans.awaitStalled(plans);
    }

    void connect(HostAddress asked) {
        HostFailure failure = plans.next(Set.of(
                HostFailure.RefuseConnection.class, HostFailure.RefuseLogin.class, HostFailure.WrongHostKey.class));
        if (failure instanceof HostFailure.RefuseConnection) {
            throw new KloigosException(
                    ErrorCode.HOST_UNREACHABLE,
                    "Cannot connect to " + asked + ": Connection refused. Is sshd running?");
        }
        if (failure instanceof HostFailure.RefuseLogin) {
            throw new KloigosException(
                    ErrorCode.HOST_LOGIN_REFUSED,
                    "Cannot log in to " + asked + ": the host accepts none of the keys offered");
        }
        String shown = failure instanceof HostFailure.WrongHostKey ? fingerprint("another host") : hostKey;
        String pinned = asked.hostKey();
        if (pinned != null && !pinned.equals(shown)) {
            throw new KloigosException(
                    ErrorCode.HOST_KEY_MISMATCH,
                    "Cannot trust " + asked + ": it shows host key " + shown + ", pinned is " + pinned);
        }
    }

    HostFacts tellFacts() {
        HostFacts facts = facts();
        return plans.next(Set.of(HostFailure.WrongFacts.class)) instanceof HostFailure.WrongFacts wrong
                ? wrong.lie().apply(facts)
                : facts;
    }

    FakePlans plans() {
        return plans;
    }

    List<String> read(List<Reading> readings) {
        try {
            return held(() -> readings.stream().map(machine::read).toList());
        } catch (Refused e) {
            throw new KloigosException(ErrorCode.HOST_PROTOCOL, "Cannot read from " + address + ": " + e.text(), e);
        }
    }

    <T> T held(Supplier<T> action) {
        synchronized (machine) {
            try {
                return action.get();
            } finally {
                machine.notifyAll();
            }
        }
    }

    @Override
    public String toString() {
        return "fake host " + address;
    }
}
