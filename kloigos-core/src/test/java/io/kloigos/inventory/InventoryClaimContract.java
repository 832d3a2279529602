package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.Placement;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many tenants at once. */
@Timeout(60)
abstract class InventoryClaimContract {
    static final Duration LEASE = Duration.ofSeconds(20);
    static final int THREADS = 16;
    static final int CLIENTS = 64;

    /** How often units change hands in all; {@code -Dkloigos.claims=100000} for a long run. */
    private static final int CLAIMS = Integer.getInteger("kloigos.claims", 1000);

    static final int UNITS = 64;

    /** Returns the inventory of this test, as this replica sees it. */
    abstract Inventory open(String replica);

    private final AtomicInteger operations = new AtomicInteger();

    static void fill(Inventory inventory) {
        for (int server = 0; server < 4; server++) {
            String hostname = "host" + server;
            SampleFleet fleet = SampleFleet.of(
                    SampleFleet.request(
                            hostname,
                            IntStream.range(0, UNITS / 4)
                                    .mapToObj(Integer::toString)
                                    .toArray(String[]::new)),
                    SampleHost.debian().facts());
            Operation init =
                    SampleFleet.operation("init-" + hostname, Operation.Kind.INIT, hostname, null, SampleFleet.NOON);
            inventory.addServer(fleet.server(), fleet.units(), init, null);
            inventory.endOnServer(
                    SampleFleet.ended("init-" + hostname, Operation.Kind.INIT, hostname, null),
                    ServerStatus.READY,
                    UnitStatus.FREE,
                    "",
                    SampleFleet.NOON);
        }
    }

    private Optional<ComputeUnit> claim(Inventory inventory) {
        return claim(inventory, SampleFleet.wanting(1));
    }

    Optional<ComputeUnit> claim(Inventory inventory, AllocateRequest request) {
        return inventory
                .claim(
                        request,
                        (server, unit) -> SampleFleet.operation(
                                "op" + operations.incrementAndGet(),
                                Operation.Kind.ALLOCATE,
                                unit.hostname(),
                                unit,
                                SampleFleet.NOON),
                        null)
                .map(Inventory.Claim::unit);
    }

    /** Returns what each of the threads, begun at once, returned. */
    static <T> List<T> atOnce(Callable<T> task) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            CyclicBarrier gate = new CyclicBarrier(THREADS);
            List<Future<T>> running = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                running.add(threads.submit(() -> {
                    gate.await();
                    return task.call();
                }));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> result : running) {
                results.add(result.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }

    List<ComputeUnit> claimed(Inventory inventory, int times) {
        return IntStream.range(0, times)
                .mapToObj(i -> claim(inventory).orElseThrow(() -> new AssertionError("refused while units are free")))
                .toList();
    }

    @Test
    void asManyTenantsAsUnitsGetOneEachAndNobodyIsRefused() throws Exception {
        try (Inventory inventory = open("replica")) {
            fill(inventory);
            List<ComputeId> given = atOnce(() -> claimed(inventory, UNITS / THREADS)).stream()
                    .flatMap(List::stream)
                    .map(ComputeUnit::id)
                    .toList();

            assertThat(given).hasSize(UNITS).doesNotHaveDuplicates();
            assertThat(claim(inventory)).isEmpty();
            assertThat(inventory.units(UnitFilter.all()))
                    .allSatisfy(unit -> assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATING));
            assertThat(inventory.operations().newest(OperationFilter.all(), null, null, 2 * UNITS))
                    .filteredOn(operation -> operation.state() == Operation.State.PENDING)
                    .extracting(Operation::computeId)
                    .containsExactlyInAnyOrderElementsOf(given);
        }
    }

    @Test
    @Timeout(3600)
    void unitsGoFromHandToHandAndAreNeverInTwo() throws Exception {
        Map<ComputeId, Integer> holders = new ConcurrentHashMap<>();
        AtomicInteger claims = new AtomicInteger();
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try (Inventory inventory = open("replica")) {
            fill(inventory);
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                int client = i;
                running.add(clients.submit(() -> {
                    while (claims.incrementAndGet() <= CLAIMS) {
                        ComputeUnit unit = claimed(inventory, 1).get(0);
                        assertThat(holders.putIfAbsent(unit.id(), client))
                                .as("who else holds %s", unit.id())
                                .isNull();
                        holders.remove(unit.id());
                        giveBack(inventory, unit);
                    }
                }));
            }
            for (Future<?> client : running) {
                client.get();
            }
            assertThat(inventory.units(UnitFilter.all()))
                    .hasSize(UNITS)
                    .allSatisfy(unit -> assertThat(unit.status()).isEqualTo(UnitStatus.FREE));
        } finally {
            clients.shutdownNow();
        }
        System.out.println(CLAIMS + " claims by " + CLIENTS + " clients of " + UNITS
                + " units, no unit in two hands, nobody refused: " + getClass().getSimpleName());
    }

    private void giveBack(Inventory inventory, ComputeUnit unit) {
        inventory.endOnUnit(
                SampleFleet.ended(String.valueOf(unit.operationId()), Operation.Kind.ALLOCATE, unit.hostname(), unit),
                unit.id(),
                UnitStatus.ALLOCATED,
                "",
                SampleFleet.NOON);
        String id = "op" + operations.incrementAndGet();
        inventory.beginDeallocation(
                unit.id(),
                SampleFleet.operation(id, Operation.Kind.DEALLOCATE, unit.hostname(), unit, SampleFleet.NOON),
                null);
        inventory.endOnUnit(
                SampleFleet.ended(id, Operation.Kind.DEALLOCATE, unit.hostname(), unit),
                unit.id(),
                UnitStatus.FREE,
                "",
                SampleFleet.NOON);
    }

    /** A request for a unit on a server of its own. */
    static AllocateRequest apart(int deployment) {
        return new AllocateRequest(
                1,
                null,
                null,
                new Tags(Map.of("deployment_id", deployment)),
                List.of(SampleFleet.KEY),
                null,
                Placement.PACK,
                new AntiAffinity("deployment_id", AntiAffinity.Scope.SERVER));
    }

    @Test
    void claimsOfOneDeploymentAtOnceGetAServerEach() throws Exception {
        try (Inventory inventory = open("replica")) {
            fill(inventory);
            List<Optional<ComputeUnit>> given = atOnce(() -> claim(inventory, apart(1)));

            assertThat(given.stream().flatMap(Optional::stream).map(ComputeUnit::hostname))
                    .containsExactlyInAnyOrder("host0", "host1", "host2", "host3");
        }
    }

    @Test
    void asManyDeploymentsAsUnitsOnAServerGetOneOnEachServer() throws Exception {
        AtomicInteger deployments = new AtomicInteger();
        try (Inventory inventory = open("replica")) {
            fill(inventory);
            List<List<ComputeUnit>> given = atOnce(() -> {
                AllocateRequest request = apart(deployments.incrementAndGet());
                return IntStream.range(0, 4)
                        .mapToObj(i -> claim(inventory, request).orElseThrow())
                        .toList();
            });

            assertThat(given)
                    .allSatisfy(units -> assertThat(units)
                            .extracting(ComputeUnit::hostname)
                            .containsExactlyInAnyOrder("host0", "host1", "host2", "host3"));
            assertThat(given.stream().flatMap(List::stream).map(ComputeUnit::id))
                    .hasSize(UNITS)
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void readersSeeEveryUnitWhileTenantsClaim() throws Exception {
        try (Inventory inventory = open("replica")) {
            fill(inventory);
            List<Integer> seen = atOnce(() -> {
                claimed(inventory, 1);
                return inventory.units(UnitFilter.all()).size();
            });

            assertThat(seen).containsOnly(UNITS);
        }
    }
}
