package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.planner.HostPlanner;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.StepReport;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs operations: plans them, has the driver apply the plan, and writes down how they ended. Thread-safe. */
final class Engine {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
    private static final int PARALLEL = 32;
    private static final long GRACE_SECONDS = 5;

    private final Inventory inventory;
    private final HostDriver driver;
    private final InstantSource clock;
    private final String manager;
    private final List<KloigosListener> listeners = new CopyOnWriteArrayList<>();
    private final Map<String, Run> runs = new ConcurrentHashMap<>();
    private final ThreadPoolExecutor threads;
    private volatile boolean closed;

    /** An operation that this process has taken on. */
    private static final class Run {
        private final CountDownLatch ended = new CountDownLatch(1);
        private volatile @Nullable Progress progress;
    }

    Engine(Inventory inventory, HostDriver driver, InstantSource clock, String manager) {
        this.inventory = inventory;
        this.driver = driver;
        this.clock = clock;
        this.manager = manager;
        AtomicInteger number = new AtomicInteger();
        this.threads =
                new ThreadPoolExecutor(PARALLEL, PARALLEL, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "kloigos-operation-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
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

    void requireOpen() {
        if (closed) {
            throw new KloigosException(ErrorCode.SHUTTING_DOWN, "Kloigos is shutting down and takes no new work.");
        }
    }

    /** Runs the operation in the background. */
    void submit(Operation operation) {
        Run run = register(operation);
        try {
            threads.execute(() -> {
                try {
                    runRegistered(operation, run);
                } catch (KloigosException e) {
                    // The failure is in the operation and in the status; there is nobody else to tell.
                    LOG.warn("{} of {} failed: {}", operation.kind(), subject(operation), e.getMessage());
                } catch (RuntimeException e) {
                    LOG.error(
                            "{} of {} broke off and is left to the next start",
                            operation.kind(),
                            subject(operation),
                            e);
                }
            });
        } catch (RejectedExecutionException e) {
            release(operation, run);
        }
    }

    /** Runs the operation on this thread; throws what made it fail. */
    void run(Operation operation) {
        runRegistered(operation, register(operation));
    }

    private Run register(Operation operation) {
        Run run = new Run();
        runs.put(operation.id(), run);
        return run;
    }

    private void release(Operation operation, Run run) {
        runs.remove(operation.id());
        run.ended.countDown();
    }

    private static String subject(Operation operation) {
        ComputeId unit = operation.computeId();
        return unit == null ? operation.hostname() : unit.value();
    }

    void await(String operationId) {
        Run run = runs.get(operationId);
        if (run == null) {
            return;
        }
        try {
            run.ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The table of contents of an operation. */
    private void runRegistered(Operation operation, Run run) {
        try {
            announceSubject(operation);
            Server server = inventory.server(operation.hostname()).orElseThrow();
            HostPlan plan = plan(operation, server);
            Progress progress = start(operation, plan, run);
            try {
                apply(server, plan, progress);
                succeed(progress);
            } catch (KloigosException e) {
                if (closed && e.code().kind() == ErrorCode.Kind.HOST) {
                    LOG.info("{} of {} is left to the next start", operation.kind(), subject(operation));
                } else {
                    fail(progress, e);
                }
                throw e;
            } catch (RuntimeException e) {
                KloigosException failure = new KloigosException(
                        ErrorCode.INTERNAL,
                        "Cannot " + operation.kind() + " " + subject(operation) + ": " + e + ". Look into the log.",
                        e);
                fail(progress, failure);
                throw failure;
            }
        } finally {
            release(operation, run);
        }
    }

    private HostPlan plan(Operation operation, Server server) {
        // A resumed attempt has the same plan and the same id, so the host knows what it did already.
        String planId = operation.id() + "." + operation.attempt();
        return switch (operation.kind()) {
            case INIT -> HostPlanner.init(planId, server, unitsOf(server), manager);
            case ALLOCATE -> {
                ComputeUnit unit = unitOf(operation);
                yield HostPlanner.allocate(planId, server, unit, Objects.requireNonNull(unit.sshPublicKey()));
            }
            case DEALLOCATE -> HostPlanner.deallocate(planId, server, unitOf(operation));
            case DECOMMISSION ->
                HostPlanner.decommission(planId, server, unitsOf(server), inventory.dataDisks(operation.id()));
        };
    }

    private List<ComputeUnit> unitsOf(Server server) {
        return inventory.units(UnitFilter.ofServer(server.hostname()));
    }

    private ComputeUnit unitOf(Operation operation) {
        ComputeId id = Objects.requireNonNull(operation.computeId());
        return inventory.unit(id).orElseThrow(() -> Inventory.unknownUnit(id));
    }

    private Progress start(Operation operation, HostPlan plan, Run run) {
        Operation started = new Operation(
                operation.id(),
                operation.kind(),
                operation.hostname(),
                operation.computeId(),
                Operation.State.RUNNING,
                operation.attempt(),
                null,
                null,
                operation.createdAt(),
                clock.instant(),
                null,
                List.of());
        Progress progress = new Progress(started, plan, this::announceProgress);
        run.progress = progress;
        inventory.start(progress.operation());
        announce(new Event.OperationChanged(progress.operation()));
        LOG.info(
                "{} of {} started, {} steps",
                operation.kind(),
                subject(operation),
                plan.steps().size());
        return progress;
    }

    private void apply(Server server, HostPlan plan, Progress progress) {
        PlanReport report;
        try (HostSession session = driver.open(server.address())) {
            report = session.apply(plan, progress);
        }
        progress.complete(report);
        Optional<StepReport> failure = report.failure();
        if (failure.isPresent()) {
            StepReport failed = failure.get();
            throw new KloigosException(
                    ErrorCode.HOST_STEP_FAILED,
                    "Step " + (failed.index() + 1) + " of " + plan.steps().size() + " failed on " + server.address()
                            + ": " + plan.steps().get(failed.index()).describe() + ": " + failed.detail());
        }
        if (report.steps().size() < plan.steps().size()) {
            throw new KloigosException(
                    ErrorCode.HOST_PROTOCOL,
                    "The driver reports " + report.steps().size() + " of "
                            + plan.steps().size() + " steps on " + server.address()
                            + " and no failure. Repeat it; if it happens again, the driver is to be mended.");
        }
    }

    private void succeed(Progress progress) {
        end(progress, Operation.State.SUCCEEDED, null);
    }

    private void fail(Progress progress, KloigosException failure) {
        end(progress, Operation.State.FAILED, failure);
    }

    private void end(Progress progress, Operation.State state, @Nullable KloigosException failure) {
        Operation running = progress.operation();
        Operation ended = new Operation(
                running.id(),
                running.kind(),
                running.hostname(),
                running.computeId(),
                state,
                running.attempt(),
                failure == null ? null : failure.getMessage(),
                failure == null ? null : failure.code(),
                running.createdAt(),
                running.startedAt(),
                clock.instant(),
                running.steps());
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
            case ALLOCATE -> endOnUnit(ended, good ? UnitStatus.ALLOCATED : UnitStatus.ALLOCATION_FAIL, reason);
            case DEALLOCATE -> endOnUnit(ended, good ? UnitStatus.FREE : UnitStatus.DEALLOCATION_FAIL, reason);
        }
        LOG.info("{} of {} {}", running.kind(), subject(running), state);
        announce(new Event.OperationChanged(ended));
        announceSubject(ended);
    }

    private void endOnServer(Operation ended, ServerStatus server, UnitStatus units, String reason) {
        inventory.endOnServer(ended, server, units, reason, clock.instant());
    }

    private void endOnUnit(Operation ended, UnitStatus status, String reason) {
        inventory.endOnUnit(ended, Objects.requireNonNull(ended.computeId()), status, reason, clock.instant());
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
        if (operation.computeId() != null) {
            announce(new Event.UnitChanged(unitOf(operation)));
        } else {
            inventory.server(operation.hostname()).ifPresent(server -> {
                announce(new Event.ServerChanged(server));
                unitsOf(server).forEach(unit -> announce(new Event.UnitChanged(unit)));
            });
        }
    }

    private void announce(Event event) {
        for (KloigosListener listener : listeners) {
            try {
                listener.happened(event);
            } catch (RuntimeException e) {
                LOG.warn("A listener threw on {}", event.getClass().getSimpleName(), e);
            }
        }
    }

    /** Takes no new work and gives what is under way, on callers' threads too, a few seconds to end. */
    void close() {
        closed = true;
        threads.shutdown();
        awaitEnd();
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
