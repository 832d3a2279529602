package io.kloigos.http.bench;

import io.kloigos.model.ByteSize;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.StepReport;
import io.kloigos.testkit.FakeHost;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Hosts that take no time, so that only the control plane is measured: each step has been done as soon as it is asked for. Hosts
 * whose name begins with "slow" take a while for each plan.
 */
final class InstantDriver implements HostDriver {
    private final Duration slow;

    InstantDriver(Duration slow) {
        this.slow = slow;
    }

    /** A server of 256 CPUs with two threads a core and four NUMA nodes. */
    static HostFacts facts() {
        return FakeHost.builder("host0", "198.18.0.1")
                .cpus(256)
                .threadsPerCore(2)
                .nodes(4)
                .memory(ByteSize.parse("1T"))
                .build()
                .facts();
    }

    @Override
    public HostSession open(HostAddress address) {
        return new Session(address.hostname().startsWith("slow") ? slow : Duration.ZERO);
    }

    @Override
    public void close() {}

    private record Session(Duration perPlan) implements HostSession {
        @Override
        public HostFacts facts() {
            return InstantDriver.facts();
        }

        @Override
        public PlanReport apply(HostPlan plan, PlanListener listener) {
            await();
            List<StepReport> reports = new ArrayList<>();
            for (int index = 0; index < plan.steps().size(); index++) {
                listener.begun(index);
                StepReport report = new StepReport(index, StepReport.Outcome.CHANGED, 0, "");
                listener.ended(report);
                reports.add(report);
            }
            return PlanReport.of(reports);
        }

        private void await() {
            try {
                TimeUnit.MILLISECONDS.sleep(perPlan.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public List<String> read(List<Reading> readings) {
            return readings.stream().map(reading -> "").toList();
        }

        @Override
        public void cancel(String planId) {}

        @Override
        public void close() {}
    }
}
