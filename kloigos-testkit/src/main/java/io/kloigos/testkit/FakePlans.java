package io.kloigos.testkit;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The plans of a fake host: which it was asked for, which it applies now, and how those to come are to fail. */
final class FakePlans {
    /** Reports of steps without a failure, which are equal on all hosts: each is kept once. */
    private static final Map<StepReport, StepReport> REPORTS = new ConcurrentHashMap<>();

    /** What a host remembers of fences goes with this directory, as it does with those of real hosts. */
    private static final String FENCES = "/var/lib/kloigos/fences";

    private final FakeHost host;
    private final FakeMachine machine;
    private final HostAddress address;
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

    FakePlans(FakeHost host, FakeMachine machine, FakeHostBuilder spec) {
        this.host = host;
        this.machine = machine;
        address = host.address();
        latency = spec.latency;
        int plansKept = spec.plansKept;
        attempts = Collections.synchronizedMap(new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Attempt> eldest) {
                return size() > plansKept;
            }
        });
    }

    /**
     * Returns every plan that was asked for, in the order in which each was first, with what it changed; of very many the
     * last (see {@link FakeHostBuilder#plansKept}).
     */
    List<AppliedPlan> applied() {
        synchronized (attempts) {
            return attempts.values().stream().map(Attempt::told).toList();
        }
    }

    /** Makes every plan take this long; zero at first. */
    void latency(Duration perPlan) {
        latency = perPlan;
    }

    /** Makes the next {@code times} plans or contacts fail in this way. */
    void inject(HostFailure failure, int times) {
        synchronized (failures) {
            failures.addAll(Collections.nCopies(times, failure));
        }
    }

    /** Forgets all failures that were injected and lets stalled plans go on. */
    void heal() {
        synchronized (failures) {
            failures.clear();
            healed.countDown();
            healed = new CountDownLatch(1);
        }
    }

    /** Waits until so many plans in all have stalled. */
    void awaitStalled(int plans) throws InterruptedException {
        synchronized (failures) {
            while (stalled < plans) {
                failures.wait();
            }
        }
    }

    /** Returns the next failure of one of these kinds, which is then used up. */
    @Nullable
    HostFailure next(Set<Class<? extends HostFailure>> kinds) {
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
            if (host.held(() -> machine.files.find(FENCES) == null)) {
                fences.clear();
            }
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
            host.held(() -> {
                for (String path : List.of(FakeFiles.above(FENCES), FENCES)) {
                    if (machine.files.find(path) == null) {
                        machine.files.makeAll(path).set(new Access(0, 0700));
                    }
                }
                return plan;
            });
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
                        : host.held(() -> isFull(index)
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
}
