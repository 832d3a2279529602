package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.inventory.Inventory.Claim;
import io.kloigos.inventory.Operations;
import io.kloigos.inventory.Operations.Change;
import io.kloigos.inventory.Tenancies;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Deviation;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.planner.DecommissionPlanner;
import io.kloigos.planner.InitPlanner;
import io.kloigos.planner.ManagedBy;
import io.kloigos.planner.ReleasePlanner;
import io.kloigos.planner.RepairPlanner;
import io.kloigos.planner.TenancyPlanner;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.UnitAccount;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs operations: plans them, has the driver apply the plan, and writes down how they ended. Thread-safe. */
final class Engine {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
    private static final long GRACE_SECONDS = 5;
    private static final Duration LOOKING_FOR_CHANGES = Duration.ofMillis(500);
    private static final Duration LOOKING_FOR_AN_END = Duration.ofMillis(100);
    private static final Duration FORGETTING = Duration.ofHours(1);

    /** Failures that the closing of the driver cannot have caused. */
    private static final Set<ErrorCode> OF_THE_HOST_ITSELF = Set.of(ErrorCode.HOST_STEP_FAILED, ErrorCode.CANCELLED);

    private final Inventory inventory;
    private final HostDriver driver;
    private final InstantSource clock;
    private final String manager;
    private final Duration kept;
    private final Duration auditKept;
    private final Duration lease;
    private final Duration tendingEvery;
    private final Expiry expiry;
    private final List<KloigosListener> listeners = new CopyOnWriteArrayList<>();
    private final List<Consumer<Operation>> observers = new CopyOnWriteArrayList<>();
    private final Map<String, Run> runs = new ConcurrentHashMap<>();
    private final HostThreads threads;
    private final ScheduledThreadPoolExecutor tending;
    private final ScheduledThreadPoolExecutor telling;
    private final ChangeFeed feed;
    private final CountDownLatch closing = new CountDownLatch(1);
    private Instant forgotten = Instant.MIN;
    private volatile long tended;

    /** An operation that this process has taken on. */
    private static final class Run {
        private final CountDownLatch ended = new CountDownLatch(1);
        private final Operation begun;
        private volatile @Nullable Progress progress;
        private @Nullable Release release;
        /** Of an allocation: what it is about, and once it has succeeded, what became of it. */
        private @Nullable ComputeUnit unit;

        Run(Operation begun) {
            this.begun = begun;
        }

        /** Returns the operation as it now is. */
        Operation operation() {
            Progress now = progress;
            return now == null ? begun : now.operation();
        }
    }

    /**
     * An engine that runs nothing yet.
     *
     * @param manager what is noted on hosts about who manages them
     * @param kept how long operations are kept after their end
     * @param auditKept how long the audit log is kept
     * @param lease how long the inventory's leases last
     * @param expiry finds units whose time is over
     */
    Engine(
            Inventory inventory,
            HostDriver driver,
            InstantSource clock,
            String manager,
            Duration kept,
            Duration auditKept,
            Duration lease,
            Expiry expiry,
            ThreadFactory factory) {
        this.inventory = inventory;
        this.driver = driver;
        this.clock = clock;
        this.manager = manager;
        this.kept = kept;
        this.auditKept = auditKept;
        this.expiry = expiry;
        this.lease = lease;
        this.tendingEvery = lease.dividedBy(4);
        this.threads = new HostThreads(factory, HostThreads.PATIENCE);
        // Listeners may be slow, and leases do not wait.
        this.tending = new ScheduledThreadPoolExecutor(1, factory);
        this.telling = new ScheduledThreadPoolExecutor(1, factory);
        this.feed = new ChangeFeed(inventory, System::nanoTime);
    }

    /** Takes up what was left by others, and from now on looks after leases. */
    void start() {
        tend();
        repeat(tending, this::tend, tendingEvery);
        repeat(telling, this::announceExpiring, tendingEvery);
        if (inventory.isShared()) {
            repeat(telling, this::announceChangesOfOthers, LOOKING_FOR_CHANGES);
        }
    }

    private static void repeat(ScheduledThreadPoolExecutor thread, Runnable task, Duration every) {
        var unused = thread.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        LOG.warn("Cannot look after operations, and will try again: {}", e.getMessage());
                    } catch (Error e) {
                        // The executor would not run the task again, and tell nobody.
                        LOG.error("Cannot look after operations, and will try again", e);
                    }
                },
                every.toMillis(),
                every.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Keeps the leases of what runs here, takes up what lost its replica, and forgets what is old. */
    private void tend() {
        List<Operation> running = new ArrayList<>();
        runs.values().forEach(run -> running.add(run.operation()));
        inventory.operations().renew(running);
        if (!isClosing()) {
            inventory.operations().takeOver(clock.instant()).forEach(operation -> {
                LOG.info("{} of {} is taken up", operation.kind(), subject(operation));
                enqueue(operation, () -> tellSubject(operation));
            });
            tendExpiry();
        }
        Instant now = clock.instant();
        if (forgotten.isBefore(now.minus(FORGETTING))) {
            forgotten = now;
            inventory.operations().forgetEndedBefore(now.minus(kept));
            inventory.access().forget(now, now.minus(auditKept));
        }
        tended = System.nanoTime();
    }

    /** As many units may expire at once as there are: the next look after operations must not wait for all of them. */
    private void tendExpiry() {
        long end = System.nanoTime() + tendingEvery.toNanos();
        for (ComputeId id : expiry.over()) {
            if (System.nanoTime() - end >= 0) {
                return;
            }
            expiry.end(id).ifPresent(operation -> {
                LOG.info("{} has expired", subject(operation));
                enqueue(operation, () -> tellSubject(operation));
            });
        }
    }

    private void announceExpiring() {
        if (!listeners.isEmpty()) {
            expiry.soon().forEach(unit -> announce(new Event.UnitExpiring(unit)));
        }
    }

    private void announceChangesOfOthers() {
        if (listeners.isEmpty()) {
            feed.skip();
            return;
        }
        feed.tell(change -> inventory
                .operations()
                .find(change.operationId())
                .ifPresentOrElse(
                        operation -> {
                            announce(new Event.OperationChanged(operation));
                            announceSubject(operation);
                        },
                        () -> announceOutsideOperation(change)));
    }

    private void announceOutsideOperation(Change change) {
        inventory
                .units(UnitFilter.named(change.subject()))
                .forEach(unit -> announce(
                        Tenancies.isExpiry(change, unit) ? new Event.UnitExpiring(unit) : new Event.UnitChanged(unit)));
        inventory.server(change.subject()).ifPresent(server -> announce(new Event.ServerChanged(server)));
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    void add(KloigosListener listener) {
        listeners.add(listener);
    }

    void remove(KloigosListener listener) {
        listeners.remove(listener);
    }

    Optional<Operation> progress(String operationId) {
        return Optional.ofNullable(runs.get(operationId))
                .map(run -> run.progress)
                .map(Progress::operation);
    }

    void observe(Consumer<Operation> observer) {
        observers.add(observer);
    }

    void stopObserving(Consumer<Operation> observer) {
        observers.remove(observer);
    }

    /** Makes sure that leases are looked after: without that, nothing that is begun is sure to end here. */
    void requireAlive() {
        requireOpen();
        if (System.nanoTime() - tended > lease.toNanos()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Kloigos could not look after its operations for longer than a lease lasts (" + lease.toSeconds()
                            + " s). Look at its log and at its database.");
        }
    }

    void requireOpen() {
        if (isClosing()) {
            throw new KloigosException(ErrorCode.SHUTTING_DOWN, "Kloigos is shutting down and takes no new work.");
        }
    }

    /** Tells of the operation, which may wait long for a thread, and runs it in the background. */
    void submit(Operation operation) {
        announce(new Event.OperationChanged(operation));
        tellSubject(operation);
        enqueue(operation, () -> {});
    }

    /** What is written down is done, whether listeners can be told of it or not. */
    private void tellSubject(Operation operation) {
        try {
            announceSubject(operation);
        } catch (KloigosException e) {
            LOG.warn("Listeners are not told of {}: {}", subject(operation), e.getMessage());
        }
    }

    /**
     * Runs the operation in the background.
     *
     * @param first what its thread does before: to tell listeners, who may be slow, is nothing for the thread that looks after leases
     */
    private void enqueue(Operation operation, Runnable first) {
        Run run = new Run(operation.begun(clock.instant()));
        if (runs.merge(operation.id(), run, Engine::later) != run) {
            return;
        }
        boolean taken = false;
        try {
            threads.execute(
                    operation.owner(),
                    operation.hostname(),
                    () -> {
                        first.run();
                        runSubmitted(operation, run);
                    },
                    () -> leave(operation, run));
            taken = true;
        } catch (RejectedExecutionException e) {
            leave(operation, run);
        } finally {
            // Without a thread, the lease must run out, so that the operation is taken up again.
            if (!taken) {
                release(operation, run);
            }
        }
    }

    private void runSubmitted(Operation operation, Run run) {
        if (isClosing()) {
            leave(operation, run);
            return;
        }
        try {
            runRegistered(operation, run);
        } catch (KloigosException e) {
            // The failure is in the operation and in the status; there is nobody else to tell.
            LOG.warn("{} of {} failed: {}", operation.kind(), subject(operation), e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("{} of {} broke off, and will be taken up again", operation.kind(), subject(operation), e);
        }
    }

    private void leave(Operation operation, Run run) {
        LOG.info("{} of {} is left to the next start", operation.kind(), subject(operation));
        release(operation, run);
    }

    /** An attempt whose end is known to others already may not have left this process yet when the next one begins. */
    private static Run later(Run present, Run next) {
        return present.begun.attempt() < next.begun.attempt() ? next : present;
    }

    /** Runs the operation on this thread; throws what made it fail. */
    void run(Operation operation) {
        Run run = new Run(operation.begun(clock.instant()));
        runs.put(operation.id(), run);
        tellSubject(operation);
        runRegistered(operation, run);
    }

    /**
     * Makes a claimed unit ready on this thread, and returns it; throws what made it fail.
     *
     * @param plan that of the claim's operation, which was written down as begun with its steps
     * @return empty if another replica has taken it over, and carries on with it
     */
    Optional<ComputeUnit> run(Claim claim, HostPlan plan) {
        Run run = new Run(claim.operation());
        run.unit = claim.unit();
        runs.put(claim.operation().id(), run);
        try {
            runRegistered(claim.operation(), run, () -> {
                announceSubject(claim.operation());
                Progress progress = progress(run, List.of(plan));
                tellStarted(progress.operation());
                apply(claim.server(), List.of(plan), claim.fence(), progress, run);
                return progress.operation();
            });
            return Optional.ofNullable(run.unit);
        } catch (KloigosException e) {
            if (e.code() == ErrorCode.TAKEN_OVER) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private void release(Operation operation, Run run) {
        runs.remove(operation.id(), run);
        run.ended.countDown();
    }

    private static String subject(Operation operation) {
        ComputeId unit = operation.computeId();
        return unit == null ? operation.hostname() : unit.value();
    }

    /** Waits until the operation has ended, here or at another replica, or until this engine is closed. */
    void await(String operationId) {
        try {
            Run run = runs.get(operationId);
            if (run != null) {
                run.ended.await();
            }
            while (!inventory.operations().isEnded(operationId)
                    && !closing.await(LOOKING_FOR_AN_END.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.debug("{} is under way elsewhere", operationId);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void runRegistered(Operation operation, Run run) {
        runRegistered(operation, run, () -> {
            Server server = inventory.server(operation.hostname()).orElseThrow();
            List<HostPlan> plans = plans(operation, server, run);
            Progress progress = progress(run, plans);
            apply(server, plans, start(progress), progress, run);
            return progress.operation();
        });
    }

    private Progress progress(Run run, List<HostPlan> plans) {
        Progress progress = new Progress(run.operation(), plans, this::announceProgress);
        run.progress = progress;
        return progress;
    }

    /** @param work does what the operation is about and returns the operation with its steps */
    private void runRegistered(Operation operation, Run run, Supplier<Operation> work) {
        try {
            end(work.get(), run, null);
        } catch (KloigosException e) {
            fail(operation, run, e);
            throw e;
        } catch (RuntimeException e) {
            KloigosException failure = new KloigosException(
                    ErrorCode.INTERNAL,
                    "Cannot " + operation.kind() + " " + subject(operation) + ": " + e + ". Look into the log.",
                    e);
            fail(operation, run, failure);
            throw failure;
        } finally {
            release(operation, run);
        }
    }

    /** Returns what the operation does: one plan, or for a repair one for each part that does not depend on the others. */
    private List<HostPlan> plans(Operation operation, Server server, Run run) {
        if (operation.kind() == Operation.Kind.REPAIR) {
            server.requireReady("repair");
            List<Deviation> deviations = inventory.drift().wanted(operation);
            return RepairPlanner.repair(planId(operation), server, unitsOf(server), manager, deviations);
        }
        return List.of(plan(operation, server, run));
    }

    private HostPlan plan(Operation operation, Server server, Run run) {
        String planId = planId(operation);
        return switch (operation.kind()) {
            case INIT -> InitPlanner.init(planId, server, unitsOf(server), manager);
            case ALLOCATE -> {
                ComputeUnit unit = unitOf(operation);
                run.unit = unit;
                yield TenancyPlanner.allocate(planId, server, unit, unit.sshPublicKeys());
            }
            case DEALLOCATE ->
                ReleasePlanner.deallocate(
                        planId,
                        server,
                        unitOf(operation),
                        inventory
                                .certificates()
                                .forced(operation.id())
                                .map(ForcedRelease::accepted)
                                .orElse(Set.of()));
            case DECOMMISSION ->
                DecommissionPlanner.decommission(
                        planId, server, unitsOf(server), inventory.operations().dataDisks(operation.id()));
            case REPAIR -> throw new IllegalArgumentException("a repair has several plans");
            case ROTATE_KEYS, STOP, START, RESIZE ->
                TenancyPlanner.change(
                        planId,
                        operation.kind(),
                        server,
                        unitOf(operation),
                        inventory.tenancies().wanted(operation));
        };
    }

    private List<ComputeUnit> unitsOf(Server server) {
        return inventory.units(UnitFilter.ofServer(server.hostname()));
    }

    private ComputeUnit unitOf(Operation operation) {
        ComputeId id = Objects.requireNonNull(operation.computeId());
        return inventory.unit(id).orElseThrow(() -> Inventory.unknownUnit(id));
    }

    /** A resumed attempt has the same plan and the same id, so the host knows what it did already. */
    static String planId(Operation operation) {
        return operation.id() + "." + operation.attempt();
    }

    /** Returns the fence of the operation's plan. */
    private long start(Progress progress) {
        Operation operation = progress.operation();
        Operations.Start start = inventory.operations().start(operation);
        if (start.isCancelled()) {
            throw cancelled(operation, "before its first step");
        }
        tellStarted(operation);
        return start.fence();
    }

    private void tellStarted(Operation operation) {
        announce(new Event.OperationChanged(operation));
        LOG.info(
                "{} of {} started, {} steps",
                operation.kind(),
                subject(operation),
                operation.steps().size());
    }

    private static KloigosException cancelled(Operation operation, String when) {
        return new KloigosException(
                ErrorCode.CANCELLED,
                "The " + operation.kind() + " of " + subject(operation) + " was cancelled " + when
                        + ". Retry operation " + operation.id() + " to complete it, or undo what it began.");
    }

    /**
     * Applies every plan, whatever steps of those before it failed, which is told at the end. What keeps the host from being
     * asked for more ends it.
     */
    private void apply(Server server, List<HostPlan> plans, long fence, Progress progress, Run run) {
        int all = plans.stream().mapToInt(plan -> plan.steps().size()).sum();
        int first = 0;
        List<String> failures = new ArrayList<>();
        try (HostSession session = driver.open(server.address())) {
            requireNoOthers(session, server, run.begun.kind());
            for (HostPlan plan : plans) {
                PlanReport report = session.apply(plan.fencedBy(fence), progress.of(first));
                if (run.begun.kind() == Operation.Kind.DEALLOCATE) {
                    ComputeUnit unit = unitOf(run.begun);
                    run.release = Release.of(
                            plan, report, UnitAccount.of(unit), ReleasePlanner.ownVolume(server, unit), session);
                }
                progress.complete(first, report);
                requireEnded(server, plan, report);
                if (report.end() == PlanReport.End.CANCELLED) {
                    throw cancelled(
                            progress.operation(),
                            "after step " + (first + report.steps().size()) + " of " + all);
                }
                int before = first;
                report.failure()
                        .ifPresent(failed -> failures.add("Step " + (before + failed.index() + 1) + " of " + all
                                + " failed on " + server.address() + ": "
                                + plan.steps().get(failed.index()).summarize() + ": " + failed.detail()));
                first += plan.steps().size();
            }
        }
        if (!failures.isEmpty()) {
            throw new KloigosException(ErrorCode.HOST_STEP_FAILED, String.join("; ", failures));
        }
    }

    /** A host may be in the inventory under two names, or in the backup of an inventory. */
    private void requireNoOthers(HostSession session, Server server, Operation.Kind kind) {
        if (kind == Operation.Kind.INIT || kind == Operation.Kind.DECOMMISSION) {
            ManagedBy.requireNoOther(
                    server,
                    manager,
                    kind,
                    session.read(List.of(ManagedBy.READING)).get(0));
        }
    }

    private static void requireEnded(Server server, HostPlan plan, PlanReport report) {
        if (report.end() == PlanReport.End.COMPLETED
                && report.failure().isEmpty()
                && report.steps().size() < plan.steps().size()) {
            throw new KloigosException(
                    ErrorCode.HOST_PROTOCOL,
                    "The driver reports " + report.steps().size() + " of "
                            + plan.steps().size() + " steps on " + server.address()
                            + " and no failure. Repeat it; if it happens again, the driver is to be mended.");
        }
    }

    private void fail(Operation operation, Run run, KloigosException failure) {
        if (failure.code() == ErrorCode.TAKEN_OVER) {
            return;
        }
        if (failure.code().kind() == ErrorCode.Kind.STORE) {
            LOG.warn(
                    "{} of {} cannot be written down and will be taken up again", operation.kind(), subject(operation));
            return;
        }
        if (isClosing() && !OF_THE_HOST_ITSELF.contains(failure.code())) {
            LOG.info("{} of {} is left to the next start", operation.kind(), subject(operation));
            return;
        }
        end(run.operation(), run, failure);
    }

    private void end(Operation running, Run run, @Nullable KloigosException failure) {
        Instant now = clock.instant();
        Operation ended = failure == null ? running.succeeded(now) : running.failed(failure, now);
        String reason = failure == null ? "" : String.valueOf(failure.getMessage());
        boolean good = failure == null;
        switch (running.kind()) {
            case INIT ->
                endOnServer(
                        ended,
                        good ? ServerStatus.READY : ServerStatus.INIT_FAIL,
                        good ? UnitStatus.FREE : UnitStatus.INIT_FAIL,
                        reason);
            case DECOMMISSION ->
                endOnServer(
                        ended,
                        good ? ServerStatus.DECOMMISSIONED : ServerStatus.DECOMMISSION_FAIL,
                        good ? UnitStatus.DECOMMISSIONED : UnitStatus.DECOMMISSION_FAIL,
                        reason);
            case ALLOCATE -> endAllocation(ended, run, reason, now);
            case DEALLOCATE ->
                endRelease(
                        ended,
                        good ? UnitStatus.FREE : UnitStatus.DEALLOCATION_FAIL,
                        reason,
                        Objects.requireNonNullElseGet(run.release, () -> Release.unknown(reason)));
            case REPAIR -> inventory.drift().end(ended, reason, now);
            case ROTATE_KEYS, STOP, START, RESIZE -> inventory.tenancies().end(ended, reason, now);
        }
        LOG.info("{} of {} {}", running.kind(), subject(running), ended.state());
        tellObservers(ended);
        announce(new Event.OperationChanged(ended));
        announceSubject(ended);
    }

    private void tellObservers(Operation ended) {
        for (Consumer<Operation> observer : observers) {
            try {
                observer.accept(ended);
            } catch (RuntimeException e) {
                LOG.warn("An observer of operations threw", e);
            }
        }
    }

    private void endOnServer(Operation ended, ServerStatus server, UnitStatus units, String reason) {
        inventory.endOnServer(ended, server, units, reason, clock.instant());
    }

    private void endAllocation(Operation ended, Run run, String reason, Instant now) {
        if (ended.state() == Operation.State.SUCCEEDED) {
            run.unit = inventory.endAllocation(ended, Objects.requireNonNull(run.unit), now);
        } else {
            ComputeId id = Objects.requireNonNull(ended.computeId());
            inventory.endOnUnit(ended, id, UnitStatus.ALLOCATION_FAIL, reason, now);
        }
    }

    private void endRelease(Operation ended, UnitStatus status, String reason, Release release) {
        ForcedRelease forced = inventory.certificates().forced(ended.id()).orElse(null);
        ReleaseCertificate certificate = new ReleaseCertificate(
                Objects.requireNonNull(ended.computeId()),
                ended.id(),
                clock.instant(),
                release.findings(),
                release.obstacles(),
                release.discard(),
                forced);
        String remark = status == UnitStatus.FREE && forced != null ? forced.remark() : reason;
        inventory.endRelease(ended, status, remark, certificate);
        LOG.info("{} is released {}", ended.computeId(), certificate.isClean() ? "clean" : certificate.remarks());
    }

    /** Steps are many: nothing is copied unless somebody listens. */
    private void announceProgress(Progress progress) {
        if (!listeners.isEmpty()) {
            announce(new Event.OperationChanged(progress.operation()));
        }
    }

    private void announceSubject(Operation operation) {
        if (listeners.isEmpty()) {
            return;
        }
        ComputeId id = operation.computeId();
        if (id != null) {
            // Its server may have been given back, and prepared again with other units.
            inventory.unit(id).ifPresent(unit -> announce(new Event.UnitChanged(unit)));
        } else {
            inventory.server(operation.hostname()).ifPresent(server -> {
                announce(new Event.ServerChanged(server));
                unitsOf(server).forEach(unit -> announce(new Event.UnitChanged(unit)));
            });
        }
    }

    /** Tells every listener here. */
    void announce(Event event) {
        for (KloigosListener listener : listeners) {
            try {
                listener.happened(event);
            } catch (RuntimeException e) {
                LOG.warn("A listener threw on {}", event.getClass().getSimpleName(), e);
            }
        }
    }

    /**
     * Takes no new work and gives what is under way, on callers' threads too, a few seconds to end. Returns whether this was
     * the first call.
     */
    synchronized boolean close() {
        if (isClosing()) {
            return false;
        }
        closing.countDown();
        threads.close();
        tending.shutdown();
        telling.shutdown();
        awaitEnd();
        return true;
    }

    void awaitEnd() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(GRACE_SECONDS);
        try {
            for (Run run : runs.values()) {
                if (!run.ended.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    LOG.info("{} operations are still under way", runs.size());
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
