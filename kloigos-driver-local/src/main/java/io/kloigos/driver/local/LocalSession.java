package io.kloigos.driver.local;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jnr.posix.POSIX;

/** A session on the machine it runs on. */
final class LocalSession implements HostSession {
    private static final Duration PROBE_LIMIT = Duration.ofSeconds(60);
    private static final Duration READ_LIMIT = Duration.ofMinutes(5);

    private final LocalHostDriver driver;
    private final HostAddress address;
    private final POSIX posix;
    private final PlanStore store;
    private final Duration lockTimeout;
    private boolean closed;

    LocalSession(LocalHostDriver driver, HostAddress address, POSIX posix, PlanStore store, Duration lockTimeout) {
        this.driver = driver;
        this.address = address;
        this.posix = posix;
        this.store = store;
        this.lockTimeout = lockTimeout;
    }

    @Override
    public HostFacts facts() {
        requireOpen();
        try (Tools tools = new Tools(store.scratch(), Deadline.after(PROBE_LIMIT))) {
            return new LocalFacts(tools).read();
        } catch (IOException | UncheckedIOException e) {
            throw new KloigosException(ErrorCode.HOST_PROTOCOL, "Cannot read the facts of " + address + ": " + e, e);
        } catch (Deadline.Passed e) {
            throw new KloigosException(
                    ErrorCode.HOST_TIMEOUT,
                    "Cannot read the facts of " + address + " within " + PROBE_LIMIT.toSeconds() + " s",
                    e);
        }
    }

    @Override
    public PlanReport apply(HostPlan plan, PlanListener listener) {
        requireOpen();
        try {
            return applyOnce(plan, listener);
        } catch (IOException | UncheckedIOException e) {
            throw new KloigosException(
                    ErrorCode.HOST_PROTOCOL,
                    "Cannot apply plan " + plan.id() + " on " + address + ": " + e
                            + ". Mend that on this machine; it is safe to repeat the plan.",
                    e);
        }
    }

    private PlanReport applyOnce(HostPlan plan, PlanListener listener) throws IOException {
        store.prepare();
        PlanStore.Held locks =
                store.lock(plan.scope(), Deadline.after(lockTimeout)).orElseThrow(() -> busy(plan));
        try {
            PlanReport known = store.find(plan).orElse(null);
            if (known != null) {
                known.steps().forEach(step -> {
                    listener.begun(step.index());
                    listener.ended(step);
                });
                return known;
            }
            long seen = store.fence(plan);
            if (seen > plan.fence()) {
                throw fenced(plan, seen);
            }
            // Allocations are not made to wait for that.
            if (plan.scope().isHost() || plan.steps().stream().anyMatch(Step.Erasure.class::isInstance)) {
                store.prune(InstantSource.system());
            }
            try (Tools tools = new Tools(store.scratch(), Deadline.after(plan.timeLimit()))) {
                PlanReport report = run(plan, listener, tools);
                store.keep(plan, report);
                return report;
            }
        } finally {
            locks.close();
        }
    }

    private PlanReport run(HostPlan plan, PlanListener listener, Tools tools) {
        LocalMachine machine = new LocalMachine(posix, tools);
        List<StepReport> reports = new ArrayList<>();
        for (int i = 0; i < plan.steps().size(); i++) {
            if (store.isCancelled(plan.id())) {
                return PlanReport.cancelled(reports);
            }
            listener.begun(i);
            long began = System.nanoTime();
            Outcome outcome;
            String detail = "";
            try {
                tools.deadline().check();
                outcome = machine.apply(plan.steps().get(i)) ? Outcome.CHANGED : Outcome.UNCHANGED;
            } catch (Deadline.Passed e) {
                throw new KloigosException(
                        ErrorCode.HOST_TIMEOUT,
                        "Plan " + plan.id() + " on " + address + " was ended at step " + (i + 1)
                                + " of " + plan.steps().size() + " ("
                                + plan.steps().get(i).summarize() + "): its limit is "
                                + plan.timeLimit().toSeconds()
                                + " s. Look at what hangs there; it is safe to repeat the plan.",
                        e);
            } catch (StepFailure e) {
                outcome = Outcome.FAILED;
                detail = e.detail();
            } catch (IOException | UncheckedIOException | InvalidPathException e) {
                outcome = Outcome.FAILED;
                detail = e.toString();
            }
            long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
            StepReport report = new StepReport(i, outcome, millis, detail);
            reports.add(report);
            listener.ended(report);
            if (outcome == Outcome.FAILED) {
                break;
            }
        }
        return PlanReport.of(reports);
    }

    @Override
    public void cancel(String planId) {
        requireOpen();
        if (!HostPlan.isId(planId)) {
            throw new IllegalArgumentException("no id of a plan: " + planId);
        }
        try {
            store.prepare();
            store.cancel(planId);
        } catch (IOException e) {
            throw new KloigosException(
                    ErrorCode.HOST_PROTOCOL,
                    "Cannot cancel plan " + planId + " on " + address + ": " + e + ". Mend that on this machine.",
                    e);
        }
    }

    @Override
    public List<String> read(List<Reading> readings) {
        requireOpen();
        List<String> texts = new ArrayList<>();
        try (Tools tools = new Tools(store.scratch(), Deadline.after(READ_LIMIT))) {
            LocalMachine machine = new LocalMachine(posix, tools);
            for (Reading reading : readings) {
                tools.deadline().check();
                texts.add(machine.read(reading));
            }
            return texts;
        } catch (Deadline.Passed e) {
            throw new KloigosException(
                    ErrorCode.HOST_TIMEOUT,
                    cannotRead(readings.get(texts.size())) + " within " + READ_LIMIT.toSeconds()
                            + " s. Look at what hangs there.",
                    e);
        } catch (StepFailure e) {
            throw new IllegalArgumentException(cannotRead(readings.get(texts.size())) + ": " + e.detail(), e);
        } catch (IOException | UncheckedIOException e) {
            throw new KloigosException(ErrorCode.HOST_PROTOCOL, cannotRead(readings.get(texts.size())) + ": " + e, e);
        }
    }

    private String cannotRead(Reading reading) {
        return "Cannot read " + reading.describe() + " on " + address;
    }

    private KloigosException fenced(HostPlan plan, long seen) {
        return new KloigosException(
                ErrorCode.HOST_FENCED,
                "Cannot apply plan " + plan.id() + " on " + address + ": its fence is " + plan.fence()
                        + ", and the host has seen " + seen
                        + ": a newer operation has been there. Nothing was done; look at what the inventory says now.");
    }

    private KloigosException busy(HostPlan plan) {
        return new KloigosException(
                ErrorCode.HOST_BUSY,
                "Cannot apply plan " + plan.id() + " on " + address + ": waited " + lockTimeout.toSeconds()
                        + " s for another plan to end. Try again later.");
    }

    private void requireOpen() {
        driver.requireOpen();
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
