package io.kloigos;

import io.kloigos.fixture.SampleHost;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.StepReport;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;

/** A driver whose hosts are all alike and do what the test says; without more, every step succeeds. */
final class ScriptedDriver implements HostDriver {
    /** The plans that hosts were given, in order. */
    final List<HostPlan> applied = new CopyOnWriteArrayList<>();
    /** The ids of the plans that hosts were asked to end. */
    final List<String> cancelled = new CopyOnWriteArrayList<>();
    /** The addresses to which sessions were opened, in order. */
    final List<HostAddress> opened = new CopyOnWriteArrayList<>();
    /** Released by {@link #close()}. */
    final CountDownLatch closed = new CountDownLatch(1);

    volatile HostFacts facts = SampleHost.debian().facts();
    volatile BiFunction<HostPlan, PlanListener, PlanReport> host = ScriptedDriver::succeed;
    /** What happens before a session is opened. */
    volatile Consumer<HostAddress> opening = address -> {};

    volatile Function<Reading, String> reading = reading -> "absent";

    static PlanReport succeed(HostPlan plan, PlanListener listener) {
        return stopAfter(plan, listener, plan.steps().size(), "");
    }

    /** Every step succeeds but the one of this index, which fails for this reason. */
    static BiFunction<HostPlan, PlanListener, PlanReport> failingAt(int index, String detail) {
        return (plan, listener) -> stopAfter(plan, listener, index, detail);
    }

    private static PlanReport stopAfter(HostPlan plan, PlanListener listener, int good, String detail) {
        List<StepReport> reports = new ArrayList<>();
        for (int i = 0; i < Math.min(good + 1, plan.steps().size()); i++) {
            listener.begun(i);
            StepReport report = i < good
                    ? new StepReport(i, StepReport.Outcome.CHANGED, 1, "")
                    : new StepReport(i, StepReport.Outcome.FAILED, 1, detail);
            listener.ended(report);
            reports.add(report);
        }
        return PlanReport.of(reports);
    }

    @Override
    public HostSession open(HostAddress address) {
        opened.add(address);
        opening.accept(address);
        return new HostSession() {
            @Override
            public HostFacts facts() {
                return facts;
            }

            @Override
            public PlanReport apply(HostPlan plan, PlanListener listener) {
                applied.add(plan);
                return host.apply(plan, listener);
            }

            @Override
            public List<String> read(List<Reading> readings) {
                return readings.stream().map(reading).toList();
            }

            @Override
            public void cancel(String planId) {
                cancelled.add(planId);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
