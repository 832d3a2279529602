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
 * {@code taskset}, its files beside the unit's home, where no quota counts them. A row for each kind of work, with the ratios of
 * throughput and of the 99th percentile as median, minimum and maximum of pairs; 1 is as fast as outside, less is slower. Then the
 * ratios of what a piece of the work takes: processor time, and what the disk is made to write, which does not depend on how fast the
 * disk happens to be; more is dearer.
 */
final class WorkloadBench {
    private static final List<String> KINDS = List.of("cpu", "memory", "disk");
    private static final int PAIRS = 11;
    private static final int SECONDS = 5;
    private static final String CPU = "2";
    private static final String PROGRAM = "/run/workload.py";
    private static final String OUTSIDE = "/home/outside";

    private final Lab lab;
    private final String user;

    private WorkloadBench(Lab lab, String user) {
        this.lab = lab;
        this.user = user;
    }

    /**
     * What a run got done a second, and what a piece of it took: at the 99th percentile, in microseconds; of the processor, in
     * microseconds; and of the disk.
     */
    private record Result(double perSecond, double p99, double processor, double kib, double writes, double flushes) {
        private static final String EACH = "each ";

        static Result parse(String answer) {
            long[] took = answer.lines()
                    .filter(line -> !line.startsWith(EACH))
                    .mapToLong(Long::parseLong)
                    .sorted()
                    .toArray();
            double[] each = answer.lines()
                    .filter(line -> line.startsWith(EACH))
                    .flatMap(line -> Arrays.stream(line.substring(EACH.length()).split(" ")))
                    .mapToDouble(Double::parseDouble)
                    .toArray();
            return new Result(
                    took.length * 1e6 / Arrays.stream(took).sum(),
                    took[took.length * 99 / 100],
                    each[0],
                    each[1],
                    each[2],
                    each[3]);
        }
    }

    private record Pair(Result unit, Result outside) {
        double throughput() {
            return of(Result::perSecond);
        }

        double p99() {
            return 1 / of(Result::p99);
        }

        double of(ToDoubleFunction<Result> part) {
            return part.applyAsDouble(unit) / part.applyAsDouble(outside);
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
        lab.root("install -d -m 700 " + OUTSIDE).ok();
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
        return Result.parse(lab.root("echo $$ > /sys/fs/cgroup/cgroup.procs; cd " + OUTSIDE + "; exec taskset -c " + CPU
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
                ratio(pairs, Pair::throughput),
                ratio(pairs, Pair::p99));
        print("processor, us", pairs, Result::processor);
        if (kind.equals("disk")) {
            print("disk, KiB", pairs, Result::kib);
            print("disk, writes", pairs, Result::writes);
            print("disk, flushes", pairs, Result::flushes);
        }
    }

    private static void print(String what, List<Pair> pairs, ToDoubleFunction<Result> part) {
        System.out.printf(
                Locale.ROOT,
                "  each piece: %-14s %10.1f %12.1f %24s%n",
                what,
                sorted(pairs, pair -> part.applyAsDouble(pair.unit()))[pairs.size() / 2],
                sorted(pairs, pair -> part.applyAsDouble(pair.outside()))[pairs.size() / 2],
                ratio(pairs, pair -> pair.of(part)));
    }

    private static String ratio(List<Pair> pairs, ToDoubleFunction<Pair> of) {
        double[] sorted = sorted(pairs, of);
        return String.format(
                Locale.ROOT, "%.3f (%.3f-%.3f)", sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
    }

    private static double[] sorted(List<Pair> pairs, ToDoubleFunction<Pair> part) {
        return pairs.stream().mapToDouble(part).sorted().toArray();
    }
}
