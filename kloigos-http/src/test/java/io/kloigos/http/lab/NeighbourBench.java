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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

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
    private static final int SECONDS = 24;
    private static final String NEIGHBOUR = "u1";
    private static final String MEASURED = "u2";

    private final Lab lab;
    private final int port;
    private final String slice;

    private NeighbourBench(Lab lab, List<ComputeUnit> units) {
        this.lab = lab;
        this.port = unitOf(MEASURED, units).ports().start();
        this.slice = unitOf(NEIGHBOUR, units).slice();
    }

    private static ComputeUnit unitOf(String user, List<ComputeUnit> units) {
        return units.stream()
                .filter(unit -> unit.user().equals(user))
                .findFirst()
                .orElseThrow();
    }

    /** How long one request took, and when it was due, in microseconds. */
    private record Answer(long due, long took) {
        static Answer parse(String line) {
            String[] fields = line.split(" ", -1);
            return new Answer(Long.parseLong(fields[0]), Long.parseLong(fields[1]));
        }
    }

    /** A time in which the neighbour burned, or could not. */
    private record Turn(String state, long begin, long end) {
        static Turn parse(String line) {
            String[] fields = line.split(" ", -1);
            return new Turn(fields[0], Long.parseLong(fields[1]), Long.parseLong(fields[2]));
        }

        boolean holds(Answer answer) {
            return answer.due() >= begin && answer.due() < end;
        }
    }

    private record Latency(double median, double p99) {
        static Latency of(List<Answer> answers, List<Turn> turns, String state) {
            long[] took = answers.stream()
                    .filter(answer ->
                            turns.stream().anyMatch(turn -> turn.state().equals(state) && turn.holds(answer)))
                    .mapToLong(Answer::took)
                    .sorted()
                    .toArray();
            return new Latency(took[took.length / 2], took[took.length * 99 / 100]);
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
            MeasuredCpu.give(lab);
            try (Kloigos kloigos = Kloigos.builder()
                    .driver(new SshHostDriver(SshSettings.withKey(lab.privateKey())))
                    .database(directory.resolve("kloigos.db"))
                    .neverCheckDrift()
                    .build()) {
                new NeighbourBench(lab, begin(kloigos, lab)).measure();
            }
        }
    }

    /** Makes both units. */
    private static List<ComputeUnit> begin(Kloigos kloigos, Lab lab) {
        HostAddress address = new HostAddress("host1", lab.host(), lab.port(), null, null);
        kloigos.await(kloigos.initServer(
                        InitServerRequest.of(address, "lab", "a", List.of(CpuSet.parse("1"), CpuSet.parse("2"))))
                .id());
        AllocateRequest request = new AllocateRequest(1, null, null, Tags.none(), new SshPublicKey(lab.publicKey()));
        return List.of(kloigos.allocate(request), kloigos.allocate(request));
    }

    private void measure() {
        lab.ssh(MEASURED, Scripts.install("latency.py", "latency.py")).ok();
        lab.root(Scripts.install("thaw-by-turns.py", "/run/thaw-by-turns.py")).ok();
        System.out.printf(
                "%-12s %22s %22s   %s%n",
                "burning", "alone median/p99 us", "beside median/p99 us", "p99 ratio (min-max)");
        for (String load : LOADS) {
            lab.ssh(NEIGHBOUR, Scripts.withArguments("burn.sh", load)).ok();
            List<Pair> pairs = Stream.generate(this::pair).limit(1 + PAIRS).toList();
            lab.root("pkill -KILL -u " + NEIGHBOUR + "; rm -f /home/" + NEIGHBOUR + "/burnt; sleep 1");
            // The first one warms up.
            print(load, pairs.subList(1, pairs.size()));
        }
    }

    /** The neighbour burns every other half second, so that whatever else changes on this machine changes both sides alike. */
    private Pair pair() {
        lab.ssh(
                        MEASURED,
                        "rm -f answers; nohup sh -c 'python3 latency.py " + (SECONDS + 1) + " " + port
                                + " > answers.part 2>&1; mv answers.part answers' > /dev/null 2>&1 < /dev/null &")
                .ok();
        List<Turn> turns = lab.root("python3 /run/thaw-by-turns.py " + SECONDS + " " + slice)
                .ok()
                .lines()
                .map(Turn::parse)
                .toList();
        List<Answer> answers = lab.ssh(MEASURED, "until [ -e answers ]; do sleep 0.1; done; cat answers")
                .ok()
                .lines()
                .map(Answer::parse)
                .toList();
        return new Pair(Latency.of(answers, turns, "frozen"), Latency.of(answers, turns, "thawed"));
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
