package io.kloigos.http.bench;

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
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Hosts behind another driver that take a fixed time for each plan and each look. When there is trouble, those whose name begins
 * with "slow" take ten times as long, and those whose name begins with "dead" fail after a timeout; their facts are told, so that
 * they can be dead when they are prepared.
 */
final class ServiceTimes implements HostDriver {
    static final int SLOWER = 10;

    private final HostDriver driver;
    private final Duration timeout;
    private final Map<String, Long> looked = new ConcurrentHashMap<>();
    private final AtomicLong firstLook = new AtomicLong();
    private volatile Duration time = Duration.ZERO;
    private volatile boolean trouble;

    ServiceTimes(HostDriver driver, Duration timeout) {
        this.driver = driver;
        this.timeout = timeout;
    }

    /** From now on, hosts are well and take this long. */
    void well(Duration perPlan) {
        time = perPlan;
        trouble = false;
    }

    /** From now on, hosts take this long, but for those that are slow or dead. */
    void troubled(Duration perPlan) {
        time = perPlan;
        trouble = true;
    }

    /** Returns when the first look at a host began; {@link System#nanoTime}. */
    long firstLook() {
        return firstLook.get();
    }

    /** Returns when the first look at each host ended, by the host's name; {@link System#nanoTime}. */
    Map<String, Long> looked() {
        return looked;
    }

    @Override
    public HostSession open(HostAddress address) {
        return new Session(address, driver.open(address));
    }

    /** The hosts outlive whoever manages them. */
    @Override
    public void close() {}

    private void await(HostAddress address) {
        if (trouble && address.hostname().startsWith("dead")) {
            sleep(timeout);
            throw new KloigosException(
                    ErrorCode.HOST_UNREACHABLE, "Cannot connect to " + address + ": Connection timed out");
        }
        sleep(trouble && address.hostname().startsWith("slow") ? time.multipliedBy(SLOWER) : time);
    }

    private static void sleep(Duration duration) {
        try {
            TimeUnit.NANOSECONDS.sleep(duration.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Session implements HostSession {
        private final HostAddress address;
        private final HostSession session;

        Session(HostAddress address, HostSession session) {
            this.address = address;
            this.session = session;
        }

        @Override
        public HostFacts facts() {
            return session.facts();
        }

        @Override
        public PlanReport apply(HostPlan plan, PlanListener listener) {
            await(address);
            return session.apply(plan, listener);
        }

        @Override
        public List<String> read(List<Reading> readings) {
            firstLook.compareAndSet(0, System.nanoTime());
            try {
                await(address);
                return session.read(readings);
            } finally {
                looked.putIfAbsent(address.hostname(), System.nanoTime());
            }
        }

        @Override
        public void cancel(String planId) {
            session.cancel(planId);
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
