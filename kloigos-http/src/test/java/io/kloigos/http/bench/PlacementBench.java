package io.kloigos.http.bench;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * Placements through the SDK in this process, over 5,000 servers of 256 CPUs from a durable store, on hosts that take no time:
 * beside the disk's own durable commits.
 */
final class PlacementBench {
    private static final int SERVERS = 5_000;
    private static final int CLIENTS = 16;
    private static final int EACH = 4_000;
    private static final int COMMITS = 2_000;
    private static final int WARM_UP = 2;
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");

    private PlacementBench() {}

    public static void main(String[] arguments) throws Exception {
        boolean quick = List.of(arguments).contains("--quick");
        try (BenchDirectory directory = BenchDirectory.create()) {
            BenchFleet fleet = BenchFleet.ofServers(directory.resolve("fleet.db"), quick ? SERVERS / 10 : SERVERS);
            try (DurableCommits disk = new DurableCommits(directory.resolve("commits.db"));
                    Kloigos kloigos = Kloigos.builder()
                            .driver(new InstantDriver(Duration.ZERO))
                            .database(fleet.file())
                            .neverCheckDrift()
                            .build()) {
                measure(kloigos, fleet, disk, quick ? 3 : 5);
            }
        }
    }

    private static void measure(Kloigos kloigos, BenchFleet fleet, DurableCommits disk, int pairs) throws Exception {
        Ratios ratios = new Ratios();
        for (int round = -WARM_UP; round < pairs; round++) {
            fleet.reset();
            double placements = place(kloigos);
            double commits = disk.perSecond(COMMITS);
            if (round >= 0) {
                ratios.add(placements, commits);
            }
        }
        System.out.println(Ratios.head());
        System.out.println(ratios.row(
                "placements on " + fleet.servers() + " servers, " + CLIENTS + " threads : durable commits", "per s"));
    }

    private static double place(Kloigos kloigos) throws Exception {
        AtomicInteger left = new AtomicInteger(EACH);
        AllocateRequest request = new AllocateRequest(4, null, null, Tags.none(), KEY);
        Callable<List<ComputeId>> client =
                () -> Stream.generate(() -> kloigos.allocate(request).id())
                        .takeWhile(id -> left.decrementAndGet() >= 0)
                        .toList();
        ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
        try {
            long begin = System.nanoTime();
            Set<ComputeId> given = new HashSet<>();
            int count = 0;
            for (Future<List<ComputeId>> each : threads.invokeAll(Collections.nCopies(CLIENTS, client))) {
                given.addAll(each.get());
                count += each.get().size();
            }
            if (given.size() != count) {
                throw new IllegalStateException((count - given.size()) + " units were given twice");
            }
            return count * 1e9 / (System.nanoTime() - begin);
        } finally {
            threads.shutdown();
        }
    }
}
