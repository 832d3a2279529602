package io.kloigos.http.lab;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a program gets done in a unit, against the same program on the same CPU outside all units: in the root control group, with
 * {@code taskset}. A row for each kind of work, with the ratios of throughput and of the 99th percentile as median, minimum and
 * maximum of pairs; 1 is as fast as outside, less is slower.
 */
final class WorkloadBench {
    private static final List<String> KINDS = List.of("cpu", "memory", "disk");
    private static final int PAIRS = 7;
    private static final int SECONDS = 8;
    private static final String CPU = "2";
    private static final String PROGRAM = "/run/workload.py";

    private final Lab lab;
    private final String user;

    private WorkloadBench(Lab lab, String user) {
        this.lab = lab;
        this.user = user;
    }

    /** What a run got done a second, and how long a piece of it took at the 99th percentile, in microseconds. */
    private record Result(double perSecond, double p99) {
        static Result parse(String answer) {
            long[] took = answer.lines().mapToLong(Long::parseLong).sorted().toArray();
            return new Result(took.length * 1e6 / Arrays.stream(took).sum(), took[took.length * 99 / 100]);
        }
    }

    private record Pair(Result unit, Result outside) {
        double throughput() {
            return unit.perSecond() / outside.perSecond();
        }

        double p99() {
            return outside.p99() / unit.p99();
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Lab lab = Lab.start(Lab.Release.BOOKWORM)) {
            lab.restore();
            MeasuredCpu.give(lab);
            try (Kloigos kloigos = Kloigos.builder()
                    .driver(new SshHostDriver(SshSettings.withKey(lab.privateKey())))
                    .database(Files.createTempDirectory("workload").resolve("kloigos.db"))
                    .neverCheckDrift()
                    .build()) {
                new WorkloadBench(lab, begin(kloigos, lab)).measure();
            }
        }
    }

    private static String begin(Kloigos kloigos, Lab lab) {
        HostAddress address = new HostAddress("host1", lab.host(), lab.port(), null, null);
        kloigos.await(kloigos.initServer(InitServerRequest.of(address, "lab", "a", List.of(CpuSet.parse(CPU))))
                .id());
        return kloigos.allocate(new AllocateRequest(1, null, null, Tags.none(), new SshPublicKey(lab.publicKey())))
                .user();
    }

    private void measure() {
        lab.root(Scripts.install("workload.py", PROGRAM)).ok();
        System.out.printf(
                "%-8s %12s %12s %24s %24s%n", "", "unit per s", "outside", "throughput (min-max)", "p99 (min-max)");
        for (String kind : KINDS) {
            List<Pair> pairs = new ArrayList<>();
            for (int pair = 0; pair <= PAIRS; pair++) {
                pairs.add(pair(kind, pair));
            }
            // The first one warms up.
            print(kind, pairs.subList(1, pairs.size()));
        }
    }

    /** Each side goes first every other time. */
    private Pair pair(String kind, int number) {
        if (number % 2 == 0) {
            Result unit = inUnit(kind);
            return new Pair(unit, outside(kind));
        }
        Result outside = outside(kind);
        return new Pair(inUnit(kind), outside);
    }

    private Result inUnit(String kind) {
        return Result.parse(
                lab.ssh(user, "python3 " + PROGRAM + " " + kind + " " + SECONDS).ok());
    }

    private Result outside(String kind) {
        return Result.parse(lab.root("echo $$ > /sys/fs/cgroup/cgroup.procs; cd /root; exec taskset -c " + CPU
                        + " python3 " + PROGRAM + " " + kind + " " + SECONDS)
                .ok());
    }

    private static void print(String kind, List<Pair> pairs) {
        System.out.printf(
                Locale.ROOT,
                "%-8s %12.1f %12.1f %24s %24s%n",
                kind,
                sorted(pairs, pair -> pair.unit().perSecond())[pairs.size() / 2],
                sorted(pairs, pair -> pair.outside().perSecond())[pairs.size() / 2],
                ratio(sorted(pairs, Pair::throughput)),
                ratio(sorted(pairs, Pair::p99)));
    }

    private static String ratio(double[] sorted) {
        return String.format(
                Locale.ROOT, "%.3f (%.3f-%.3f)", sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
    }

    private static double[] sorted(List<Pair> pairs, ToDoubleFunction<Pair> part) {
        return pairs.stream().mapToDouble(part).sorted().toArray();
    }
}
