package io.kloigos.http.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Allocations that some clients at once were given over HTTP: which units, how long each took, and how long all did. */
record Allocations(List<String> units, List<Long> nanos, long nanosOfAll) {
    private static final String KEY =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant";
    private static final byte[] REQUEST = HttpConnection.post(
            "/api/compute_units/allocate",
            "{\"cpu_count\": 4, \"tags\": {\"deployment_id\": \"web\"}, \"ssh_public_key\": \"" + KEY + "\"}");

    private record Given(List<String> units, List<Long> nanos) {}

    /** Has {@code count} units allocated. */
    static Allocations ask(int port, int clients, int count) throws InterruptedException, ExecutionException {
        AtomicInteger left = new AtomicInteger(count);
        ExecutorService threads = Executors.newFixedThreadPool(clients);
        try {
            long begin = System.nanoTime();
            List<Callable<Given>> tasks = Collections.nCopies(clients, () -> ask(port, left));
            List<String> units = new ArrayList<>();
            List<Long> nanos = new ArrayList<>();
            for (Future<Given> each : threads.invokeAll(tasks)) {
                units.addAll(each.get().units());
                nanos.addAll(each.get().nanos());
            }
            long all = System.nanoTime() - begin;
            List<Long> sorted = nanos.stream().sorted().toList();
            return new Allocations(units, sorted, all);
        } finally {
            threads.shutdown();
        }
    }

    private static Given ask(int port, AtomicInteger left) throws IOException {
        Given given = new Given(new ArrayList<>(), new ArrayList<>());
        try (HttpConnection connection = new HttpConnection(port)) {
            while (left.getAndDecrement() > 0) {
                long begin = System.nanoTime();
                HttpConnection.Answer answer = connection.send(REQUEST);
                given.nanos().add(System.nanoTime() - begin);
                if (answer.status() != 200) {
                    throw new IOException("answered with " + answer.status() + ": " + answer.body());
                }
                given.units().add(answer.field("compute_id"));
            }
        }
        return given;
    }

    double perSecond() {
        return units.size() * 1e9 / nanosOfAll;
    }

    double millis(double quantile) {
        return nanos.get((int) (nanos.size() * quantile)) / 1e6;
    }

    /** Returns how many units were given more than once. */
    int doubled() {
        return units.size() - new HashSet<>(units).size();
    }
}
