package io.kloigos.http.bench;

import com.sun.management.OperatingSystemMXBean;
import io.kloigos.Kloigos;
import io.kloigos.model.Operation;
import io.kloigos.model.Tenant;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What is done on 500 servers at once, each of which takes a fixed time: beside that time for all of them, shared by as many
 * threads as work on hosts. Ten of them ten times as slow and ten dead, and all of them well, in turn; and a tenant with few
 * servers beside one with many. The hosts are fake ones in the same process, whose own work counts too.
 */
final class FleetBench {
    private static final int SERVERS = 500;
    private static final int LARGE = 450;
    private static final int PARALLEL = 32;
    private static final Duration INIT = Duration.ofMillis(500);
    private static final Duration OTHERS = Duration.ofMillis(200);
    private static final Tenant SMALL = new Tenant("small");

    private final BenchDirectory directory;
    private final Phase init = new Phase("init", INIT);
    private final Phase drift = new Phase("drift check, periodic", OTHERS);
    private final Phase rotation = new Phase("key rotation, 32 callers", OTHERS);
    private final Ratios smallRotation = new Ratios();
    private final Ratios smallRelease = new Ratios();

    private FleetBench(BenchDirectory directory) {
        this.directory = directory;
    }

    public static void main(String[] arguments) throws Exception {
        int pairs = List.of(arguments).contains("--quick") ? 3 : 5;
        try (BenchDirectory directory = BenchDirectory.create()) {
            new FleetBench(directory).measure(pairs);
        }
    }

    /** What one thing that is done on all hosts took. */
    private static final class Phase {
        private final String what;
        private final Duration time;
        private final Ratios well = new Ratios();
        private final Ratios others = new Ratios();
        private final Ratios beside = new Ratios();
        private final Ratios all = new Ratios();

        Phase(String what, Duration time) {
            this.what = what;
            this.time = time;
        }

        void add(FleetRun.Took whenWell, FleetRun.Took whenTroubled) {
            int good = SERVERS - FleetRun.SLOW - FleetRun.DEAD;
            double ideal = (double) time.toMillis() * good / PARALLEL;
            double slow = (double) time.toMillis() * ServiceTimes.SLOWER * FleetRun.SLOW / PARALLEL;
            double dead = (double) FleetRun.TIMEOUT.toMillis() * FleetRun.DEAD / PARALLEL;
            well.add(whenWell.all(), (double) time.toMillis() * SERVERS / PARALLEL);
            others.add(whenTroubled.others(), ideal);
            beside.add(whenTroubled.others(), whenWell.others());
            all.add(whenTroubled.all(), Math.max(ideal + slow + dead, (double) FleetRun.TIMEOUT.toMillis()));
        }

        void print() {
            System.out.println(well.row(what + ", all well : ideal", "ms"));
            System.out.println(others.row(what + ", those well of troubled : ideal", "ms"));
            System.out.println(beside.row(what + ", those well of troubled : all well", "ms"));
            System.out.println(all.row(what + ", troubled, with slow and dead : ideal", "ms"));
        }
    }

    private void measure(int pairs) throws Exception {
        for (int pair = -1; pair < pairs; pair++) {
            Took well = run(pair, false);
            Took troubled = run(pair, true);
            if (pair >= 0) {
                init.add(well.init(), troubled.init());
                drift.add(well.drift(), troubled.drift());
                rotation.add(well.rotation(), troubled.rotation());
            }
        }
        System.out.println(Ratios.head());
        List.of(init, drift, rotation).forEach(Phase::print);
        System.out.println(smallRotation.row("key rotation of 50 beside 450 : twice that alone", "ms"));
        System.out.println(smallRelease.row("release of 50, asked after 450 : twice that alone", "ms"));
    }

    private record Took(FleetRun.Took init, FleetRun.Took drift, FleetRun.Took rotation) {}

    /** Has it all done on a new fleet; pairs below zero are not counted. */
    private Took run(int pair, boolean troubled) throws Exception {
        Path database = directory.resolve((troubled ? "troubled" : "well") + pair + ".db");
        try (FleetRun fleet = new FleetRun(database, SERVERS)) {
            News news = new News();
            fleet.kloigos().listen(event -> news.came());
            Footprint footprint = Footprint.begin();
            double cpu = cpuSeconds();
            serve(fleet, INIT, troubled);
            CompletableFuture<Double> middle = CompletableFuture.supplyAsync(
                    Footprint::megabytes, CompletableFuture.delayedExecutor(4, TimeUnit.SECONDS));
            FleetRun.Took init = fleet.init();
            System.out.printf(
                    Locale.ROOT,
                    "# init, %s: %.1f s, %.1f s of CPU time; %s; %s%n",
                    troubled ? "troubled" : "all well",
                    init.all() / 1e3,
                    cpuSeconds() - cpu,
                    news.per(init.all()),
                    footprint.told(middle.get()));
            fleet.allocate(LARGE);
            serve(fleet, OTHERS, troubled);
            FleetRun.Took drift = fleet.drift();
            FleetRun.Took rotation = fleet.rotate(fleet.hostnames(), PARALLEL);
            if (!troubled && pair >= 0) {
                fairness(fleet);
            }
            return new Took(init, drift, rotation);
        }
    }

    private static double cpuSeconds() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime() / 1e9;
    }

    private static void serve(FleetRun fleet, Duration time, boolean troubled) {
        if (troubled) {
            fleet.driver().troubled(time);
        } else {
            fleet.driver().well(time);
        }
    }

    private void fairness(FleetRun fleet) throws Exception {
        List<String> large = fleet.hostnames().subList(0, LARGE);
        List<String> small = fleet.hostnames().subList(LARGE, SERVERS);
        double alone = fleet.rotate(small, PARALLEL).all();
        CompletableFuture<?> other =
                CompletableFuture.runAsync(() -> rotate(fleet, large), task -> new Thread(task).start());
        smallRotation.add(fleet.rotate(small, PARALLEL).all(), 2 * alone);
        other.get();

        double released = release(fleet, small);
        fleet.driver().well(Duration.ZERO);
        fleet.allocate(small, SMALL);
        fleet.driver().well(OTHERS);
        List<Operation> others = fleet.deallocate(large);
        smallRelease.add(release(fleet, small), 2 * released);
        others.forEach(operation -> fleet.kloigos().await(operation.id()));
    }

    private static void rotate(FleetRun fleet, List<String> names) {
        try {
            fleet.rotate(names, PARALLEL);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static double release(FleetRun fleet, List<String> names) {
        Kloigos kloigos = fleet.kloigos();
        long begin = System.nanoTime();
        fleet.deallocate(names).forEach(operation -> kloigos.await(operation.id()));
        return (System.nanoTime() - begin) / 1e6;
    }

    /** What a listener was told. */
    private static final class News {
        private final AtomicLong count = new AtomicLong();
        private final AtomicLong last = new AtomicLong(System.nanoTime());
        private final AtomicLong longest = new AtomicLong();

        void came() {
            long now = System.nanoTime();
            longest.accumulateAndGet(now - last.getAndSet(now), Math::max);
            count.incrementAndGet();
        }

        String per(double millis) {
            return String.format(
                    Locale.ROOT,
                    "%d events, %.0f a second, at most %d ms without one",
                    count.get(),
                    count.get() * 1e3 / millis,
                    TimeUnit.NANOSECONDS.toMillis(longest.get()));
        }
    }

    /** Memory and threads of this process, before what is measured. */
    private record Footprint(double before) {
        static Footprint begin() {
            ManagementFactory.getThreadMXBean().resetPeakThreadCount();
            return new Footprint(megabytes());
        }

        /** Returns what is left of the heap after a collection. */
        static double megabytes() {
            System.gc();
            return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1048576.0;
        }

        String told(double middle) {
            return String.format(
                    Locale.ROOT,
                    "heap %.0f MB before, %.0f MB after 4 s, %.0f MB afterwards, hosts included; at most %d threads",
                    before,
                    middle,
                    megabytes(),
                    ManagementFactory.getThreadMXBean().getPeakThreadCount());
        }
    }
}
