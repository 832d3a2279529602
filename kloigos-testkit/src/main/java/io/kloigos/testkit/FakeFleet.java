package io.kloigos.testkit;

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
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Fake hosts behind one host driver.
 *
 * <pre>{@code
 * FakeHost host = FakeHost.builder("host1", "10.0.0.1").cpus(16).nodes(2).build();
 * FakeFleet fleet = FakeFleet.of(host);
 * HostDriver driver = fleet.driver();
 * }</pre>
 */
public final class FakeFleet {
    private final Map<String, FakeHost> byName = new TreeMap<>();
    private final Map<String, FakeHost> byIp = new TreeMap<>();

    private FakeFleet(Stream<FakeHost> hosts) {
        hosts.forEach(host -> {
            if (byName.put(host.address().hostname(), host) != null
                    || byIp.put(host.address().ip(), host) != null) {
                throw new IllegalArgumentException("two fake hosts share the name or address of " + host);
            }
        });
    }

    /** Returns the fleet of these hosts. */
    public static FakeFleet of(FakeHost... hosts) {
        return new FakeFleet(Stream.of(hosts));
    }

    /** Returns the host of this name. */
    public FakeHost host(String hostname) {
        FakeHost host = byName.get(hostname);
        if (host == null) {
            throw new IllegalArgumentException("no fake host " + hostname + " among " + byName.keySet());
        }
        return host;
    }

    /** Returns the hosts, by name. */
    public Collection<FakeHost> hosts() {
        return List.copyOf(byName.values());
    }

    /** Returns a new driver that reaches every host by its address. */
    public HostDriver driver() {
        return new Driver();
    }

    private final class Driver implements HostDriver {
        private volatile boolean closed;

        @Override
        public HostSession open(HostAddress address) {
            requireOpen();
            FakeHost host = byIp.get(address.ip());
            if (host == null) {
                throw new KloigosException(
                        ErrorCode.HOST_UNREACHABLE, "Cannot connect to " + address + ": No route to host");
            }
            host.connect(address);
            return new Session(this, host);
        }

        void requireOpen() {
            if (closed) {
                throw new KloigosException(
                        ErrorCode.SHUTTING_DOWN, "The driver of the fake fleet is closed and reaches no host.");
            }
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private static final class Session implements HostSession {
        private final Driver driver;
        private final FakeHost host;
        private boolean closed;

        Session(Driver driver, FakeHost host) {
            this.driver = driver;
            this.host = host;
        }

        @Override
        public HostFacts facts() {
            requireOpen();
            return host.tellFacts();
        }

        @Override
        public PlanReport apply(HostPlan plan, PlanListener listener) {
            requireOpen();
            return host.plans().apply(plan, listener);
        }

        @Override
        public List<String> read(List<Reading> readings) {
            requireOpen();
            return host.read(readings);
        }

        @Override
        public void cancel(String planId) {
            requireOpen();
            host.plans().cancel(planId);
        }

        private void requireOpen() {
            driver.requireOpen();
            if (closed) {
                throw new IllegalStateException("this session is closed");
            }
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
