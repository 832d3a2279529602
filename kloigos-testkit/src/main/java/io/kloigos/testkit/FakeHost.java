package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Trace;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import io.kloigos.spi.UnitAccount;
import io.kloigos.testkit.Topology.ThreadNumbering;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A Linux host that is not there: files, accounts, slices with their cgroups, packet filter, quotas, mounts and processes,
 * kept in memory and changed by the steps and commands of Kloigos' plans as a real host would be. What a real host would
 * refuse, it refuses in the same words; a command that it does not know fails the step and says so.
 *
 * <p>Safe for use by many threads. As on a real host, a plan for one unit excludes other plans for that unit, a plan for the
 * host excludes all others, and a plan that was applied is not applied again but answered from its record.
 */
public final class FakeHost {
    /** Reports of steps without a failure, which are equal on all hosts: each is kept once. */
    private static final Map<StepReport, StepReport> REPORTS = new ConcurrentHashMap<>();

    private final HostAddress address;
    private final String hostKey;
    private final FakeMachine machine;
    private final ReentrantReadWriteLock hostLock = new ReentrantReadWriteLock();
    private final Map<String, Lock> unitLocks = new ConcurrentHashMap<>();
    private final Map<String, Attempt> attempts;
    private final Map<HostPlan.Scope, Long> fences = new HashMap<>();
    private final Set<String> cancelled = ConcurrentHashMap.newKeySet();
    private final List<HostFailure> failures = new ArrayList<>();
    private volatile CountDownLatch healed = new CountDownLatch(1);
    private final CountDownLatch never = new CountDownLatch(1);
    private volatile Duration latency = Duration.ZERO;
    private int stalled;

    private FakeHost(Builder spec) {
        address = new HostAddress(spec.hostname, spec.ip, null, null, null);
        hostKey = fingerprint(spec.hostname);
        machine = new FakeMachine(spec);
        latency = spec.latency;
        int plansKept = spec.plansKept;
        attempts = Collections.synchronizedMap(new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Attempt> eldest) {
                return size() > plansKept;
            }
        });
    }

    /** Returns a builder of a host with 16 CPUs on one node, 64 GiB of memory and one file system with quotas. */
    public static Builder builder(String hostname, String ip) {
        return new Builder(hostname, ip);
    }

    private static String fingerprint(String hostname) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(hostname.getBytes(StandardCharsets.UTF_8));
            return "SHA256:" + Base64.getEncoder().withoutPadding().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
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
     * Returns owner and mode of a file or directory.
     *
     * @throws AssertionError if there is none, with what is there instead
     */
    public Access access(String path) {
        return held(() -> {
            FakeFiles.Node node = machine.files.find(path);
            if (node == null) {
                throw new AssertionError(address.hostname() + " has no " + path + "; " + nearest(path));
            }
            return new Access(node.uid, node.mode);
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
     * last (see {@link Builder#plansKept}).
     */
    public List<AppliedPlan> applied() {
        synchronized (attempts) {
            return attempts.values().stream().map(Attempt::told).toList();
        }
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

    /** Writes a file as root, with the directories above it: somebody else's change of the host. */
    public void write(String path, String content) {
        held(() -> {
            machine.files.makeAll(FakeFiles.above(path));
            return machine.files.write(path, content, Access.rootFile());
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

    /** Restarts the host: processes end, what is in memory only is gone, and what is enabled is started. */
    public void reboot() {
        held(() -> {
            machine.reboot();
            return address;
        });
    }

    /** Makes every plan take this long; zero at first. */
    public void latency(Duration perPlan) {
        latency = perPlan;
    }

    /** Makes the next plan, or the next contact if the failure is one of connections or facts, fail in this way. */
    public void inject(HostFailure failure) {
        inject(failure, 1);
    }

    /** Makes the next {@code times} plans or contacts fail in this way. */
    public void inject(HostFailure failure, int times) {
        synchronized (failures) {
            failures.addAll(Collections.nCopies(times, failure));
        }
    }

    /** Forgets all failures that were injected and lets stalled plans go on. */
    public void heal() {
        synchronized (failures) {
            failures.clear();
            healed.countDown();
            healed = new CountDownLatch(1);
        }
    }

    /** Waits until so many plans in all have stalled. */
    public void awaitStalled(int plans) throws InterruptedException {
        synchronized (failures) {
            while (stalled < plans) {
                failures.wait();
            }
        }
    }

    // -- the host's side of the driver ------------------------------------------------------------------------------

    /** Returns the next failure of one of these kinds, which is then used up. */
    private @Nullable HostFailure next(Set<Class<? extends HostFailure>> kinds) {
        synchronized (failures) {
            HostFailure found = failures.stream()
                    .filter(failure -> kinds.contains(failure.getClass()))
                    .findFirst()
                    .orElse(null);
            if (found != null) {
                failures.remove(found);
            }
            return found;
        }
    }

    void connect(HostAddress asked) {
        HostFailure failure = next(Set.of(
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
        return next(Set.of(HostFailure.WrongFacts.class)) instanceof HostFailure.WrongFacts wrong
                ? wrong.lie().apply(facts)
                : facts;
    }

    PlanReport apply(HostPlan plan, PlanListener listener) {
        // As on a real host, other steps under the same id are another plan.
        String name = plan.id() + " " + plan.scope() + plan.steps().hashCode();
        Attempt attempt = attempts.computeIfAbsent(name, n -> new Attempt(plan.id()));
        attempt.request(plan.steps().size());
        return exclusively(plan, List.of(attempt.lock), () -> {
            PlanReport known = attempt.report;
            if (known != null) {
                known.steps().forEach(step -> {
                    listener.begun(step.index());
                    listener.ended(step);
                });
                return known;
            }
            HostFailure failure = next(Set.of(
                    HostFailure.Busy.class,
                    HostFailure.DropAfterStep.class,
                    HostFailure.FailStep.class,
                    HostFailure.DiskFull.class,
                    HostFailure.LoseReply.class,
                    HostFailure.Stall.class));
            if (failure instanceof HostFailure.Busy) {
                throw busy(plan);
            }
            return exclusively(plan, locks(plan.scope()), () -> {
                requireFence(plan);
                return new Run(plan, listener, attempt, failure).report();
            });
        });
    }

    private void requireFence(HostPlan plan) {
        synchronized (fences) {
            long highest = plan.scope().isHost()
                    ? fences.values().stream().reduce(0L, Math::max)
                    : Math.max(fences.getOrDefault(HostPlan.Scope.host(), 0L), fences.getOrDefault(plan.scope(), 0L));
            if (highest > plan.fence()) {
                throw new KloigosException(
                        ErrorCode.HOST_FENCED,
                        "Cannot apply plan " + plan.id() + " to " + address + ": its fence is " + plan.fence()
                                + ", and the host has seen " + highest + ": a newer operation has been there");
            }
            fences.put(plan.scope(), plan.fence());
        }
    }

    List<String> read(List<Reading> readings) {
        try {
            return held(() -> readings.stream().map(machine::read).toList());
        } catch (Refused e) {
            throw new KloigosException(ErrorCode.HOST_PROTOCOL, "Cannot read from " + address + ": " + e.text(), e);
        }
    }

    void cancel(String planId) {
        if (!HostPlan.isId(planId)) {
            throw new IllegalArgumentException("no id of a plan: " + planId);
        }
        cancelled.add(planId);
    }

    private List<Lock> locks(HostPlan.Scope scope) {
        if (scope.isHost()) {
            return List.of(hostLock.writeLock());
        }
        return List.of(hostLock.readLock(), unitLocks.computeIfAbsent(scope.unit(), unit -> new ReentrantLock()));
    }

    private <T> T exclusively(HostPlan plan, List<Lock> locks, Supplier<T> action) {
        List<Lock> taken = new ArrayList<>();
        try {
            for (Lock lock : locks) {
                if (!lock.tryLock(plan.timeLimit().toNanos(), TimeUnit.NANOSECONDS)) {
                    throw busy(plan);
                }
                taken.add(lock);
            }
            return action.get();
        } catch (InterruptedException e) {
            throw interrupted(plan, e);
        } finally {
            Collections.reverse(taken);
            taken.forEach(Lock::unlock);
        }
    }

    private KloigosException busy(HostPlan plan) {
        return new KloigosException(
                ErrorCode.HOST_BUSY,
                "Cannot apply plan " + plan.id() + " to " + address + ": another plan holds the lock of "
                        + (plan.scope().isHost()
                                ? "the host"
                                : "unit " + plan.scope().unit()));
    }

    private KloigosException interrupted(HostPlan plan, InterruptedException e) {
        Thread.currentThread().interrupt();
        return new KloigosException(
                ErrorCode.HOST_UNREACHABLE, "Interrupted while plan " + plan.id() + " ran on " + address, e);
    }

    private <T> T held(Supplier<T> action) {
        synchronized (machine) {
            try {
                return action.get();
            } finally {
                machine.notifyAll();
            }
        }
    }

    /** What the host keeps about a plan. */
    private static final class Attempt {
        private final String id;
        private final Lock lock = new ReentrantLock();
        private int requests;
        private int[] effects = new int[0];
        private volatile @Nullable PlanReport report;

        Attempt(String id) {
            this.id = id;
        }

        synchronized void request(int steps) {
            requests++;
            effects = effects.length == steps ? effects : new int[steps];
        }

        synchronized void changed(int step) {
            effects[step]++;
        }

        synchronized AppliedPlan told() {
            return new AppliedPlan(id, requests, IntStream.of(effects).boxed().toList());
        }
    }

    /** One run of a plan. */
    private final class Run {
        private final HostPlan plan;
        private final PlanListener listener;
        private final Attempt attempt;
        private final @Nullable HostFailure failure;
        private boolean connected = true;

        Run(HostPlan plan, PlanListener listener, Attempt attempt, @Nullable HostFailure failure) {
            this.plan = plan;
            this.listener = listener;
            this.attempt = attempt;
            this.failure = failure;
        }

        PlanReport report() {
            await(never, latency);
            List<StepReport> reports = new ArrayList<>();
            for (int i = 0; i < plan.steps().size(); i++) {
                if (failure instanceof HostFailure.Stall stall && stall.step() == i) {
                    stall();
                }
                if (cancelled.contains(plan.id())) {
                    return keep(PlanReport.cancelled(reports));
                }
                if (connected) {
                    listener.begun(i);
                }
                StepReport report = step(i);
                reports.add(report);
                if (failure instanceof HostFailure.DropAfterStep drop && drop.step() == i) {
                    if (drop.rest() == HostFailure.Rest.IS_LOST) {
                        throw lost("after step " + i + ", and the plan ended there");
                    }
                    connected = false;
                }
                if (connected
                        && !(failure instanceof HostFailure.LoseReply
                                && i == plan.steps().size() - 1)) {
                    listener.ended(report);
                }
                if (report.outcome() == Outcome.FAILED) {
                    break;
                }
            }
            return keep(PlanReport.of(reports));
        }

        /** Keeps the report on the host, and returns it unless it cannot reach the caller. */
        private PlanReport keep(PlanReport report) {
            attempt.report = report;
            if (!connected) {
                throw lost("in the middle of the plan, which went on");
            }
            if (failure instanceof HostFailure.LoseReply) {
                throw lost("before the reply");
            }
            return report;
        }

        private StepReport step(int index) {
            HostFailure.FailStep fail =
                    failure instanceof HostFailure.FailStep injected && injected.step() == index ? injected : null;
            if (fail != null && fail.effect() == HostFailure.Effect.MISSING) {
                return new StepReport(index, Outcome.FAILED, 0, "injected: failed before its effect");
            }
            boolean changed;
            try {
                Step step = plan.steps().get(index);
                changed = step instanceof Step.Expectation expectation
                        ? comesTrue(expectation)
                        : held(() -> isFull(index)
                                ? machine.files.whileFull(() -> machine.apply(step))
                                : machine.apply(step));
            } catch (Refused e) {
                return new StepReport(index, Outcome.FAILED, 0, e.text());
            } catch (TimeRanOut e) {
                throw timeout();
            }
            if (changed) {
                attempt.changed(index);
            }
            if (fail != null) {
                return new StepReport(index, Outcome.FAILED, 0, "injected: failed after its effect");
            }
            StepReport report = new StepReport(index, changed ? Outcome.CHANGED : Outcome.UNCHANGED, 0, "");
            return REPORTS.computeIfAbsent(report, Function.identity());
        }

        private boolean isFull(int index) {
            return failure instanceof HostFailure.DiskFull full && index >= full.step();
        }

        /** Looks again whenever anything on the host has changed, until the expectation's time is over. */
        private boolean comesTrue(Step.Expectation expectation) {
            long until = System.nanoTime() + expectation.within().toNanos();
            synchronized (machine) {
                while (true) {
                    try {
                        return machine.apply(expectation);
                    } catch (Refused e) {
                        long left = until - System.nanoTime();
                        if (left <= 0 || e.isUnknown()) {
                            throw e;
                        }
                        waitForChange(left);
                    }
                }
            }
        }

        private void waitForChange(long nanos) {
            try {
                TimeUnit.NANOSECONDS.timedWait(machine, nanos);
            } catch (InterruptedException e) {
                throw interrupted(plan, e);
            }
        }

        private void stall() {
            CountDownLatch release = healed;
            synchronized (failures) {
                stalled++;
                failures.notifyAll();
            }
            if (!await(release, plan.timeLimit())) {
                throw timeout();
            }
        }

        private boolean await(CountDownLatch latch, Duration atMost) {
            try {
                return atMost.isZero() || latch.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                throw interrupted(plan, e);
            }
        }

        private KloigosException lost(String when) {
            return new KloigosException(
                    ErrorCode.HOST_UNREACHABLE,
                    "Lost the connection to " + address + " " + when + "; apply plan " + plan.id()
                            + " again to learn its outcome");
        }

        private KloigosException timeout() {
            return new KloigosException(
                    ErrorCode.HOST_TIMEOUT,
                    "Plan " + plan.id() + " ran longer than " + plan.timeLimit() + " on " + address + " and was ended");
        }
    }

    /** A command that would outlast any plan. */
    static final class TimeRanOut extends RuntimeException {
        TimeRanOut() {
            super("the command does not end", null, false, false);
        }
    }

    @Override
    public String toString() {
        return "fake host " + address;
    }

    /** Says what a fake host has. */
    public static final class Builder {
        final String hostname;
        final String ip;
        final Set<Capability> capabilities = EnumSet.allOf(Capability.class);
        Set<String> cgroupControllers = Set.of("cpuset", "cpu", "io", "memory", "pids");
        final Map<String, HostFacts.Mount> mounts = new TreeMap<>();
        final List<HostFacts.Disk> disks = new ArrayList<>();
        final Map<String, ByteSize> volumeGroups = new TreeMap<>();
        final Set<Integer> listening = new TreeSet<>(Set.of(22));
        final Map<String, Integer> accounts = new TreeMap<>();
        final List<String> sshAllows = new ArrayList<>();
        final Map<String, String> texts = new TreeMap<>();
        ByteSize memory = ByteSize.parse("64G");
        ByteSize swap = new ByteSize(0);
        String reservedPorts = "";
        int systemdVersion = 257;
        Duration latency = Duration.ZERO;
        int plansKept = 5000;
        private CpuSet online = CpuSet.range(0, 15);
        private int nodes = 1;
        private int packages;
        private int caches;
        private int threadsPerCore = 1;
        private ThreadNumbering numbering = ThreadNumbering.CORES_FIRST;

        private Builder(String hostname, String ip) {
            this.hostname = hostname;
            this.ip = ip;
            disk("/dev/sda", ByteSize.parse("200G"), "parts");
            fileSystem("/", "/dev/sda1", "ext4", ByteSize.parse("200G"), "rw", "relatime", "usrquota", "prjquota");
            fileSystem("/dev/shm", "tmpfs", "tmpfs", ByteSize.parse("32G"), "rw", "nosuid", "nodev");
        }

        /** The host has CPUs 0 to {@code count - 1}. */
        public Builder cpus(int count) {
            return cpus(CpuSet.range(0, count - 1));
        }

        /** The host has these CPUs, which may have gaps in their numbers. */
        public Builder cpus(CpuSet online) {
            this.online = online;
            return this;
        }

        /** The CPUs and the memory are spread evenly over so many NUMA nodes. */
        public Builder nodes(int nodes) {
            this.nodes = nodes;
            return this;
        }

        /** The cores are spread evenly over so many packages, which is what sits in sockets; one a NUMA node unless said. */
        public Builder packages(int packages) {
            this.packages = packages;
            return this;
        }

        /** The cores are spread evenly over so many last-level caches; one a NUMA node unless said. */
        public Builder caches(int caches) {
            this.caches = caches;
            return this;
        }

        /** The hardware threads of a core have adjacent numbers, as with CPUs 0 and 1. */
        public Builder adjacentThreads() {
            this.numbering = ThreadNumbering.THREADS_FIRST;
            return this;
        }

        /** Each core has so many hardware threads; with 2 on 16 CPUs, CPUs 0 and 8 are one core, as Linux mostly numbers them. */
        public Builder threadsPerCore(int threads) {
            this.threadsPerCore = threads;
            return this;
        }

        /** The host has so much memory. */
        public Builder memory(ByteSize memory) {
            this.memory = memory;
            return this;
        }

        /** The host has so much swap; none unless said. */
        public Builder swap(ByteSize swap) {
            this.swap = swap;
            return this;
        }

        /** The host has a blank disk. */
        public Builder disk(String path, ByteSize size) {
            return disk(path, size, "");
        }

        /** The host has a disk that holds something, e.g. {@code ext4}, or {@code parts} for partitions. */
        public Builder disk(String path, ByteSize size, String signature) {
            disks.removeIf(disk -> disk.path().equals(path));
            disks.add(new HostFacts.Disk(path, "disk", "8:" + 16 * disks.size(), size, signature, ""));
            return this;
        }

        /** The host has an LVM volume group with so much room, in extents of 4 MiB, and no volume yet. */
        public Builder volumeGroup(String name, ByteSize size) {
            volumeGroups.put(name, size);
            return this;
        }

        /** A file system is mounted there, instead of any that was; quotas are among its mount options. */
        public Builder fileSystem(String mountPoint, String source, String type, ByteSize size, String... options) {
            mounts.put(
                    mountPoint,
                    new HostFacts.Mount(mountPoint, source, type, Set.of(options), size, size.times(9, 10)));
            return this;
        }

        /** The system's file system has no quotas. */
        public Builder withoutQuotas() {
            return fileSystem("/", "/dev/sda1", "ext4", ByteSize.parse("200G"), "rw", "relatime");
        }

        /** The host lacks these. */
        public Builder without(Capability... lacking) {
            List.of(lacking).forEach(capabilities::remove);
            return this;
        }

        /** The root cgroup has these controllers only. */
        public Builder cgroupControllers(String... controllers) {
            cgroupControllers = Set.of(controllers);
            return this;
        }

        /** The host runs this version of systemd; one before 257 passes for Debian 12. */
        public Builder systemd(int version) {
            systemdVersion = version;
            return this;
        }

        /** Something on the host listens on these ports, beside 22. */
        public Builder listening(Integer... ports) {
            listening.addAll(List.of(ports));
            return this;
        }

        /** The host keeps these ports from ephemeral use already, e.g. {@code 8080,9000-9100}. */
        public Builder reservedPorts(String ports) {
            reservedPorts = ports;
            return this;
        }

        /** The host has this user, with a home directory. */
        public Builder account(String name, int uid) {
            accounts.put(name, uid);
            return this;
        }

        /** The host has this file, with the directories above it. */
        public Builder file(String path, String content) {
            texts.put(path, content);
            return this;
        }

        /** sshd lets in or keeps out some users only, e.g. {@code AllowGroups wheel}. */
        public Builder sshAllows(String line) {
            sshAllows.add(line);
            return this;
        }

        /** Every plan takes this long. */
        public Builder latency(Duration perPlan) {
            latency = perPlan;
            return this;
        }

        /** The host remembers the outcome of so many plans, the last ones; 5000 unless said. */
        public Builder plansKept(int plans) {
            plansKept = plans;
            return this;
        }

        /**
         * Returns the host.
         *
         * @throws IllegalStateException if the CPUs cannot be spread evenly over packages, nodes, caches and cores
         */
        public FakeHost build() {
            return new FakeHost(this);
        }

        Topology topology() {
            return new Topology(
                    online,
                    packages == 0 ? nodes : packages,
                    nodes,
                    caches == 0 ? nodes : caches,
                    threadsPerCore,
                    numbering,
                    memory);
        }
    }
}
