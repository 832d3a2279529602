package io.kloigos.http.lab;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.testkit.lab.Lab;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * How long requests to a small server in a unit take while a neighbour burns what it has, against the same alone. A row for each
 * kind of burning: medians of the pairs, and the ratio of the 99th percentiles as median, minimum and maximum.
 *
 * <p>The lab has three CPUs here: the system's, the neighbour's, and the measured unit's. The thread that emulates the latter has a
 * CPU of this machine for itself, so that what is measured is the unit and not the machine; the others share the rest.
 */
final class NeighbourBench {
    private static final List<String> LOADS = List.of("cpu", "memory", "forks", "disk", "network", "everything");
    private static final int PAIRS = 5;
    private static final int SECONDS = 6;
    private static final String NEIGHBOUR = "u1";
    private static final String MEASURED = "u2";

    private final Lab lab;
    private final int port;

    private NeighbourBench(Lab lab, int port) {
        this.lab = lab;
        this.port = port;
    }

    private record Latency(double median, double p99) {
        static Latency parse(String line) {
            String[] fields = line.strip().split(" ", -1);
            return new Latency(Double.parseDouble(fields[1]), Double.parseDouble(fields[2]));
        }
    }

    private record Pair(Latency alone, Latency beside) {
        double ratio() {
            return beside.p99() / alone.p99();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory("neighbour");
        try (Lab lab = Lab.start(Lab.Release.BOOKWORM)) {
            lab.restore();
            pin(lab);
            try (Kloigos kloigos = Kloigos.builder()
                    .driver(new SshHostDriver(SshSettings.withKey(lab.privateKey())))
                    .database(directory.resolve("kloigos.db"))
                    .neverCheckDrift()
                    .build()) {
                new NeighbourBench(lab, begin(kloigos, lab)).measure();
            }
        }
    }

    /** Makes both units and returns the first port of the measured one. */
    private static int begin(Kloigos kloigos, Lab lab) {
        HostAddress address = new HostAddress("host1", lab.host(), lab.port(), null, null);
        kloigos.await(kloigos.initServer(
                        InitServerRequest.of(address, "lab", "a", List.of(CpuSet.parse("1"), CpuSet.parse("2"))))
                .id());
        AllocateRequest request = new AllocateRequest(1, null, null, Tags.none(), new SshPublicKey(lab.publicKey()));
        List<ComputeUnit> units = List.of(kloigos.allocate(request), kloigos.allocate(request));
        return units.stream()
                .filter(unit -> unit.user().equals(MEASURED))
                .findFirst()
                .orElseThrow()
                .ports()
                .start();
    }

    /**
     * Gives the thread that emulates the measured unit's CPU the last CPU of this machine, and all others the rest, before whatever
     * else runs here: a thread that waits for its turn with QEMU's lock in its hands would hold up the measured one.
     */
    private static void pin(Lab lab) throws IOException, InterruptedException {
        int last = Runtime.getRuntime().availableProcessors() - 1;
        Path tasks = Path.of("/proc", Objects.requireNonNull(lab.status().get("pid")), "task");
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(tasks)) {
            for (Path thread : threads) {
                String id = thread.getFileName().toString();
                boolean measured =
                        Files.readString(thread.resolve("comm")).strip().equals("CPU 2/TCG");
                run("taskset", "-pc", measured ? Integer.toString(last) : "0-" + (last - 1), id);
                run("chrt", measured ? "-f" : "-r", "-p", measured ? "50" : "10", id);
            }
        }
    }

    private static void run(String... argv) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", argv) + ": " + said);
        }
    }

    private void measure() {
        lab.ssh(MEASURED, Scripts.install("latency.py", "latency.py")).ok();
        latency();
        System.out.printf(
                "%-12s %22s %22s   %s%n",
                "burning", "alone median/p99 us", "beside median/p99 us", "p99 ratio (min-max)");
        for (String load : LOADS) {
            List<Pair> pairs = new ArrayList<>();
            for (int i = 0; i < PAIRS; i++) {
                pairs.add(i % 2 == 0 ? aloneFirst(load) : besideFirst(load));
            }
            print(load, pairs);
        }
    }

    private Pair aloneFirst(String load) {
        Latency alone = latency();
        return new Pair(alone, beside(load));
    }

    private Pair besideFirst(String load) {
        Latency beside = beside(load);
        return new Pair(latency(), beside);
    }

    private Latency latency() {
        return Latency.parse(
                lab.ssh(MEASURED, "python3 latency.py " + SECONDS + " " + port).ok());
    }

    private Latency beside(String load) {
        lab.ssh(NEIGHBOUR, Scripts.withArguments("burn.sh", load)).ok();
        try {
            return latency();
        } finally {
            lab.root("pkill -KILL -u " + NEIGHBOUR + "; rm -f /home/" + NEIGHBOUR + "/burnt; sleep 1");
        }
    }

    private static void print(String load, List<Pair> pairs) {
        System.out.printf(
                Locale.ROOT,
                "%-12s %12.0f / %7.0f %12.0f / %7.0f   %.2f (%.2f-%.2f)%n",
                load,
                median(pairs.stream().mapToDouble(pair -> pair.alone().median()).toArray()),
                median(pairs.stream().mapToDouble(pair -> pair.alone().p99()).toArray()),
                median(pairs.stream()
                        .mapToDouble(pair -> pair.beside().median())
                        .toArray()),
                median(pairs.stream().mapToDouble(pair -> pair.beside().p99()).toArray()),
                median(pairs.stream().mapToDouble(Pair::ratio).toArray()),
                pairs.stream().mapToDouble(Pair::ratio).min().orElseThrow(),
                pairs.stream().mapToDouble(Pair::ratio).max().orElseThrow());
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
