package io.kloigos.http.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * What hosts that take a second for each plan do to others: sixteen allocations there at once beside that second, and reads and
 * allocations elsewhere meanwhile beside the same while nothing is slow.
 */
final class SlowHostsBench {
    private static final int MILLIS = 1_000;
    private static final int SLOW = 16;
    private static final int WARM_UP = 300;
    private static final String KEY =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant";
    private static final byte[] READ = HttpConnection.get("/api/compute_units/host1_4-7");

    private final ServerProcess server;

    private SlowHostsBench(ServerProcess server) {
        this.server = server;
    }

    public static void main(String[] arguments) throws Exception {
        int pairs = List.of(arguments).contains("--quick") ? 3 : 5;
        try (BenchDirectory directory = BenchDirectory.create()) {
            BenchFleet fleet = BenchFleet.ofUnits(directory.resolve("fleet.db"), 20_000);
            try (ServerProcess server = ServerProcess.kloigos(fleet.file(), MILLIS)) {
                new SlowHostsBench(server).measure(pairs);
            }
        }
    }

    private static byte[] allocate(String region) {
        return HttpConnection.post(
                "/api/compute_units/allocate",
                "{\"cpu_count\": 4, \"region\": \"" + region
                        + "\", \"placement\": \"spread\", \"tags\": {}, \"ssh_public_key\": \""
                        + KEY + "\"}");
    }

    private void measure(int pairs) throws Exception {
        prepare(pairs);
        Ratios slow = new Ratios();
        Ratios reads = new Ratios();
        Ratios allocations = new Ratios();
        during(() -> TimeUnit.SECONDS.sleep(2));
        for (int pair = 0; pair < pairs; pair++) {
            Meanwhile quiet = during(() -> TimeUnit.MILLISECONDS.sleep(MILLIS));
            long begin = System.nanoTime();
            Meanwhile busy = during(this::allocateOnSlowHosts);
            slow.add((System.nanoTime() - begin) / 1e6, MILLIS);
            reads.add(busy.read(), quiet.read());
            allocations.add(busy.allocation(), quiet.allocation());
        }
        System.out.println(Ratios.head());
        System.out.println(slow.row(SLOW + " allocations at once, 1 s on each host : 1 s", "ms"));
        System.out.println(reads.row("p99 of reads meanwhile : without", "ms"));
        System.out.println(allocations.row("p99 of allocations on other hosts meanwhile : without", "ms"));
    }

    /** Makes hosts that are slow, with a unit for each allocation. */
    private void prepare(int pairs) throws IOException, InterruptedException {
        try (HttpConnection connection = new HttpConnection(server.port())) {
            for (int host = 0; host < SLOW; host++) {
                List<String> ranges = new ArrayList<>();
                for (int unit = 1; unit <= pairs; unit++) {
                    ranges.add("\"" + unit * 4 + "-" + (unit * 4 + 3) + "\"");
                }
                send(
                        connection,
                        HttpConnection.post(
                                "/api/admin/init_server",
                                String.format(
                                        Locale.ROOT,
                                        "{\"hostname\": \"slow%d\", \"ip\": \"198.19.0.%d\", \"region\": \"slow\", \"zone\": \"a\","
                                                + " \"cpu_ranges\": %s}",
                                        host,
                                        host + 1,
                                        ranges)));
            }
            byte[] free = HttpConnection.get("/api/compute_units?region=slow&status=initializing");
            while (send(connection, free).length() > 2) {
                TimeUnit.MILLISECONDS.sleep(100);
            }
            for (int round = 0; round < WARM_UP; round++) {
                send(connection, READ);
                send(connection, allocate("eu"));
            }
        }
    }

    private static HttpConnection.Answer send(HttpConnection connection, byte[] request) throws IOException {
        HttpConnection.Answer answer = connection.send(request);
        if (answer.status() != 200) {
            throw new IOException("answered with " + answer.status() + ": " + answer.body());
        }
        return answer;
    }

    private interface Work {
        void run() throws Exception;
    }

    /** How long reads and allocations took at the 99th percentile, in milliseconds. */
    private record Meanwhile(double read, double allocation) {}

    /** Returns what one client sees that reads and allocates on hosts that are not slow. */
    private Meanwhile during(Work work) throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<?> running = thread.submit(() -> {
                work.run();
                return null;
            });
            List<Double> reads = new ArrayList<>();
            List<Double> allocations = new ArrayList<>();
            try (HttpConnection connection = new HttpConnection(server.port())) {
                while (!running.isDone()) {
                    reads.add(millis(connection, READ));
                    allocations.add(millis(connection, allocate("eu")));
                }
            }
            running.get();
            return new Meanwhile(p99(reads), p99(allocations));
        } finally {
            thread.shutdown();
        }
    }

    private static double millis(HttpConnection connection, byte[] request) throws IOException {
        long begin = System.nanoTime();
        send(connection, request);
        return (System.nanoTime() - begin) / 1e6;
    }

    private static double p99(List<Double> millis) {
        return millis.stream().sorted().toList().get(millis.size() * 99 / 100);
    }

    private void allocateOnSlowHosts() throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(SLOW);
        try {
            Callable<HttpConnection.Answer> client = () -> {
                try (HttpConnection connection = new HttpConnection(server.port())) {
                    return send(connection, allocate("slow"));
                }
            };
            for (Future<HttpConnection.Answer> each : threads.invokeAll(Collections.nCopies(SLOW, client))) {
                each.get();
            }
        } finally {
            threads.shutdown();
        }
    }
}
