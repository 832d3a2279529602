package io.kloigos.testkit;

import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.StepReport;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A driver in front of another that kills whoever applies a plan, or has the plan cancelled. Who is killed gets an error that
 * no program handles, and so writes nothing down any more.
 */
final class InterruptingDriver implements HostDriver {
    static final class Killed extends Error {
        Killed() {
            super("killed", null, false, false);
        }
    }

    /** What happens to the next plan of a host. */
    record Interruption(int killAt, int cancelAt, boolean isKilledWhenLost) {
        static Interruption none() {
            return new Interruption(-1, -1, false);
        }

        static Interruption killAt(int step) {
            return new Interruption(step, -1, false);
        }

        static Interruption cancelAt(int step) {
            return new Interruption(-1, step, false);
        }

        /** Whoever loses the connection is killed before it can tell. */
        static Interruption killWhenLost() {
            return new Interruption(-1, -1, true);
        }
    }

    private volatile boolean allKilled;
    private volatile @Nullable CountDownLatch hold;
    private final CountDownLatch held = new CountDownLatch(1);
    private final HostDriver driver;
    private final Consumer<HostPlan> cancel;
    private final Map<String, Interruption> interruptions = new ConcurrentHashMap<>();
    private final Map<String, HostPlan> plans = new ConcurrentHashMap<>();
    private final Map<String, BlockingQueue<HostPlan>> ended = new ConcurrentHashMap<>();

    InterruptingDriver(HostDriver driver, Consumer<HostPlan> cancel) {
        this.driver = driver;
        this.cancel = cancel;
    }

    /** Interrupts the next plan of the host. */
    void interrupt(String hostname, Interruption interruption) {
        interruptions.put(hostname, interruption);
    }

    /** From now on, kills whoever opens a session, or has a plan whose next step begins. */
    void killAll() {
        allKilled = true;
    }

    private void dieIfKilled() {
        if (allKilled) {
            throw new Killed();
        }
    }

    /** Makes whoever is about to apply a plan wait until {@link #release}. */
    void holdBeforeApplying() {
        hold = new CountDownLatch(1);
    }

    void awaitHeld() throws InterruptedException {
        held.await();
    }

    void release() {
        Objects.requireNonNull(hold).countDown();
    }

    private void holdOn() {
        CountDownLatch latch = hold;
        if (latch != null) {
            held.countDown();
            try {
                latch.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Returns the plan that was interrupted, once it has ended. */
    HostPlan awaitEnd(String hostname) {
        try {
            HostPlan plan = ended(hostname).poll(30, TimeUnit.SECONDS);
            if (plan == null) {
                throw new AssertionError("no plan has ended on " + hostname);
            }
            return plan;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Returns the newest plan of the host. */
    HostPlan plan(String hostname) {
        return Objects.requireNonNull(plans.get(hostname), hostname);
    }

    private BlockingQueue<HostPlan> ended(String hostname) {
        return ended.computeIfAbsent(hostname, name -> new LinkedBlockingQueue<>());
    }

    /** Returns a thread whose death by this driver is not worth a word. */
    Thread threadThatMayBeKilled(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((dead, error) -> {
            if (!(error instanceof Killed)) {
                error.printStackTrace();
            }
        });
        return thread;
    }

    @Override
    public HostSession open(HostAddress address) {
        dieIfKilled();
        HostSession session = driver.open(address);
        return new HostSession() {
            @Override
            public HostFacts facts() {
                return session.facts();
            }

            @Override
            public PlanReport apply(HostPlan plan, PlanListener listener) {
                Interruption interruption = interruptions.remove(address.hostname());
                plans.put(address.hostname(), plan);
                holdOn();
                if (interruption == null) {
                    return session.apply(plan, interrupted(plan, listener, Interruption.none()));
                }
                try {
                    return session.apply(plan, interrupted(plan, listener, interruption));
                } catch (KloigosException e) {
                    if (interruption.isKilledWhenLost()) {
                        throw new Killed();
                    }
                    throw e;
                } finally {
                    ended(address.hostname()).add(plan);
                }
            }

            @Override
            public List<String> read(List<Reading> readings) {
                dieIfKilled();
                return session.read(readings);
            }

            @Override
            public void cancel(String planId) {
                session.cancel(planId);
            }

            @Override
            public void close() {
                session.close();
            }
        };
    }

    private PlanListener interrupted(HostPlan plan, PlanListener listener, Interruption interruption) {
        return new PlanListener() {
            @Override
            public void begun(int index) {
                dieIfKilled();
                if (index == interruption.killAt()) {
                    throw new Killed();
                }
                listener.begun(index);
                if (index == interruption.cancelAt()) {
                    cancel.accept(plan);
                }
            }

            @Override
            public void ended(StepReport report) {
                listener.ended(report);
            }
        };
    }

    @Override
    public void close() {
        driver.close();
    }
}
