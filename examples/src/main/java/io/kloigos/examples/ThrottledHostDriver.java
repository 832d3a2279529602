package io.kloigos.examples;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A driver of one's own: it applies so many plans at a time and has the others wait, e.g. to spare the network that leads to
 * the hosts. How a plan is applied it leaves to another driver.
 */
public final class ThrottledHostDriver implements HostDriver {
    private final HostDriver hosts;
    private final Semaphore turns;

    /** Reaches hosts by {@code hosts}, which it closes, and applies at most {@code plans} at a time. */
    public ThrottledHostDriver(HostDriver hosts, int plans) {
        this.hosts = hosts;
        // Fair: who came first goes first.
        this.turns = new Semaphore(plans, true);
    }

    @Override
    public HostSession open(HostAddress address) {
        return new Session(hosts.open(address), address);
    }

    @Override
    public void close() {
        hosts.close();
    }

    private final class Session implements HostSession {
        private final HostSession host;
        private final HostAddress address;

        Session(HostSession host, HostAddress address) {
            this.host = host;
            this.address = address;
        }

        @Override
        public HostFacts facts() {
            return host.facts();
        }

        @Override
        public PlanReport apply(HostPlan plan, PlanListener listener) {
            awaitTurn(plan);
            try {
                return host.apply(plan, listener);
            } finally {
                turns.release();
            }
        }

        /** The plan's time limit is the host's; one who waits here as long again waits in vain. */
        private void awaitTurn(HostPlan plan) {
            String attempted = "Cannot apply plan " + plan.id() + " on " + address + ": ";
            try {
                if (!turns.tryAcquire(plan.timeLimit().toNanos(), TimeUnit.NANOSECONDS)) {
                    throw new KloigosException(
                            ErrorCode.HOST_BUSY,
                            attempted + "other plans took longer than "
                                    + plan.timeLimit().toSeconds()
                                    + " s. Try again later, or allow more plans at a time.");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new KloigosException(
                        ErrorCode.HOST_BUSY, attempted + "interrupted while it waited for other plans.", e);
            }
        }

        @Override
        public List<String> read(List<Reading> readings) {
            return host.read(readings);
        }

        @Override
        public void cancel(String planId) {
            host.cancel(planId);
        }

        @Override
        public void close() {
            host.close();
        }
    }
}
