package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.kloigos.Event;
import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.RequestKey;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Several replicas of Kloigos on one PostgreSQL database, before one fleet. */
@Tag("long")
class ReplicasTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");
    private static final int REPLICAS = 3;
    private static final int CLIENTS = 64;

    /** How many times units are handed out in all while replicas are killed; {@code -Dkloigos.claims=100000} for a long run. */
    private static final int CLAIMS = Integer.getInteger("kloigos.claims", 600);

    private static final int CLAIMS_BETWEEN_KILLS = 200;

    private final FakeFleet fleet = FakeFleet.of(
            host("host1", "10.0.0.1"), host("host2", "10.0.0.2"), host("host3", "10.0.0.3"), host("host4", "10.0.0.4"));
    private final EmbeddedPostgres server;
    private final List<Replica> all = new ArrayList<>();

    ReplicasTest() throws IOException {
        server = EmbeddedPostgres.start();
    }

    private static FakeHost host(String name, String ip) {
        return FakeHost.builder(name, ip).cpus(17).build();
    }

    /** A Kloigos that can be killed: its threads die at their next contact with a host, and its database is out of reach. */
    private final class Replica {
        private volatile boolean isCutOff;
        private volatile boolean isKilled;
        private final AtomicReference<Thread> clashes = new AtomicReference<>();
        private final HikariDataSource source;
        private final InterruptingDriver driver;
        private final Kloigos kloigos;

        Replica() {
            HikariConfig config = new HikariConfig();
            config.setDataSource(server.getPostgresDatabase());
            config.setMaximumPoolSize(20);
            config.setAllowPoolSuspension(true);
            source = new HikariDataSource(config) {
                @Override
                public Connection getConnection() throws SQLException {
                    if (isCutOff) {
                        throw new SQLTransientConnectionException("connection refused");
                    }
                    return clashing(super.getConnection());
                }
            };
            driver = new InterruptingDriver(fleet.driver(), plan -> {});
            kloigos = Kloigos.builder()
                    .driver(driver)
                    .database(source)
                    .lease(Duration.ofSeconds(1))
                    .threads(driver::threadThatMayBeKilled)
                    .build();
            all.add(this);
        }

        /** Somebody is faster than the next change that this thread would commit. */
        void clashOnce() {
            clashes.set(Thread.currentThread());
        }

        private Connection clashing(Connection connection) {
            if (clashes.get() != Thread.currentThread()) {
                return connection;
            }
            return (Connection) Proxy.newProxyInstance(
                    Connection.class.getClassLoader(),
                    new Class<?>[] {Connection.class},
                    (proxy, method, arguments) -> {
                        if (method.getName().equals("commit") && clashes.getAndSet(null) != null) {
                            connection.rollback();
                            throw new SQLException("could not serialize access", "40001");
                        }
                        try {
                            return method.invoke(connection, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        void kill() {
            isKilled = true;
            driver.killAll();
            source.close();
        }
    }

    @BeforeEach
    void init() {
        Replica first = new Replica();
        fleet.hosts()
                .forEach(host -> first.kloigos.await(first.kloigos
                        .initServer(InitServerRequest.of(
                                host.address(),
                                "eu",
                                "a",
                                IntStream.rangeClosed(1, 16)
                                        .mapToObj(cpu -> CpuSet.range(cpu, cpu))
                                        .toList()))
                        .id()));
    }

    @AfterEach
    void stop() throws IOException {
        for (Replica replica : all) {
            if (!replica.source.isClosed()) {
                replica.kloigos.close();
                replica.source.close();
            }
        }
        server.close();
    }

    private static AllocateRequest oneCpu() {
        return new AllocateRequest(1, null, null, Tags.none(), KEY);
    }

    @Test
    void whatADeadReplicaBeganIsEndedByAnother() throws Exception {
        Replica one = all.get(0);
        Replica other = new Replica();
        FakeHost host = fleet.host("host1");
        host.inject(new HostFailure.Stall(2));
        CompletableFuture<Void> dying =
                CompletableFuture.runAsync(() -> one.kloigos.allocate(oneCpu(), RequestKey.of("key1")));
        host.awaitStalled(1);

        one.kill();
        host.heal();

        ComputeUnit unit = other.kloigos.allocate(oneCpu(), RequestKey.of("key1"));
        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(unit.id()).isEqualTo(new ComputeId("host1_1"));
        assertThat(host.login(unit.user()).succeeds()).isTrue();
        assertThat(dying.handle((done, failure) -> failure).get(30, TimeUnit.SECONDS))
                .isNotNull();
    }

    /** A host that was given back remembers no fences, so nothing of a repair may come to it afterwards. */
    @Test
    void aHostIsNotGivenBackWhileTheRepairOfADeadReplicaIsUnfinished() throws Exception {
        Replica one = all.get(0);
        FakeHost host = fleet.host("host1");
        host.run("nft", "flush", "ruleset");
        host.inject(new HostFailure.Stall(0));
        Operation repair = one.kloigos.repair("host1");
        host.awaitStalled(1);
        one.kill();
        Replica other = new Replica();

        assertThatThrownBy(() -> other.kloigos.decommission(DecommissionRequest.of("host1")))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining(repair.id());

        host.heal();
        assertThat(other.kloigos.await(repair.id()).error()).isNull();
        Operation decommission = other.kloigos.decommission(DecommissionRequest.of("host1"));
        assertThat(other.kloigos.await(decommission.id()).error()).isNull();
        assertThat(host.exists("/var/lib/kloigos")).isFalse();
        assertThat(other.kloigos.server("host1").operationId()).isEqualTo(decommission.id());
    }

    @Test
    void aReplicaThatWakesUpAfterItsLeaseChangesNothing() throws Exception {
        Replica sleeper = all.get(0);
        FakeHost host = fleet.host("host1");
        sleeper.driver.holdBeforeApplying();
        CompletableFuture<ComputeUnit> late =
                CompletableFuture.supplyAsync(() -> sleeper.kloigos.allocate(oneCpu(), RequestKey.of("key1")));
        sleeper.driver.awaitHeld();
        sleeper.source.getHikariPoolMXBean().suspendPool();
        Replica other = new Replica();
        ComputeUnit unit = other.kloigos.allocate(oneCpu(), RequestKey.of("key1"));
        other.kloigos.await(other.kloigos.deallocate(unit.id()).id());
        host.reboot();
        String before = host.state();

        sleeper.source.getHikariPoolMXBean().resumePool();
        sleeper.driver.release();

        assertThat(late.handle((done, failure) -> failure).get(30, TimeUnit.SECONDS))
                .isNotNull();
        assertThat(host.state()).isEqualTo(before);
        assertThat(other.kloigos.unit(unit.id()).status()).isEqualTo(UnitStatus.FREE);
    }

    @Test
    void whatEndsWhileTheDatabaseIsAwayIsWrittenDownWhenItIsBack() throws Exception {
        Replica replica = all.get(0);
        ComputeUnit unit = replica.kloigos.allocate(oneCpu());
        FakeHost host = fleet.host("host1");
        host.inject(new HostFailure.Stall(2));
        replica.driver.interrupt("host1", InterruptingDriver.Interruption.none());
        Operation begun = replica.kloigos.deallocate(unit.id());
        host.awaitStalled(1);

        replica.isCutOff = true;
        host.heal();
        replica.driver.awaitEnd("host1");
        String released = host.state();
        assertThatThrownBy(() -> replica.kloigos.unit(unit.id()))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_FAILED));

        replica.isCutOff = false;
        assertThat(replica.kloigos.await(begun.id()).state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(replica.kloigos.unit(unit.id()).status()).isEqualTo(UnitStatus.FREE);
        assertThat(host.state()).as("nothing is done twice").isEqualTo(released);
    }

    @Test
    void aDrainThatSomebodyWasFasterThanIsRepeatedAndRunOnce() {
        Replica replica = all.get(0);
        ComputeUnit unit = replica.kloigos.allocate(oneCpu());
        List<UnitStatus> told = new CopyOnWriteArrayList<>();
        replica.kloigos.listen(event -> {
            if (event instanceof Event.UnitChanged changed
                    && changed.unit().id().equals(unit.id())) {
                told.add(changed.unit().status());
            }
        });
        replica.clashOnce();

        List<Operation> begun =
                replica.kloigos.drain(new DrainRequest("host1", new Reason("disk 2 fails"), Tenants.EVICT));

        assertThat(replica.clashes.get()).as("who has clashed").isNull();
        assertThat(begun)
                .singleElement()
                .satisfies(operation -> assertThat(
                                replica.kloigos.await(operation.id()).state())
                        .isEqualTo(Operation.State.SUCCEEDED));
        // Whatever else was begun has ended then.
        replica.kloigos.close();
        assertThat(told).containsExactly(UnitStatus.DEALLOCATING, UnitStatus.FREE);
    }

    @Test
    void listenersOfEveryReplicaHearOfAChange() throws Exception {
        Replica other = new Replica();
        BlockingQueue<Event> heard = new LinkedBlockingQueue<>();
        other.kloigos.listen(heard::add);

        ComputeUnit unit = all.get(0).kloigos.allocate(oneCpu());

        while (true) {
            Event event = heard.poll(30, TimeUnit.SECONDS);
            assertThat(event).as("news of %s", unit.id()).isNotNull();
            if (event instanceof Event.UnitChanged changed
                    && changed.unit().id().equals(unit.id())
                    && changed.unit().status() == UnitStatus.ALLOCATED) {
                return;
            }
        }
    }

    @Test
    void aListenerThatBlocksHoldsUpNoTakeover() throws Exception {
        Replica one = all.get(0);
        Replica other = new Replica();
        CountDownLatch heard = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicBoolean first = new AtomicBoolean(true);
        other.kloigos.listen(event -> {
            if (first.getAndSet(false)) {
                heard.countDown();
                awaitQuietly(go);
            }
        });
        FakeHost host = fleet.host("host1");
        host.inject(new HostFailure.Stall(2));
        CompletableFuture<Void> dying =
                CompletableFuture.runAsync(() -> one.kloigos.allocate(oneCpu(), RequestKey.of("key1")));
        host.awaitStalled(1);
        heard.await();

        one.kill();
        host.heal();

        ComputeUnit unit = CompletableFuture.supplyAsync(
                        () -> other.kloigos.allocate(oneCpu(), RequestKey.of("key1")), task -> new Thread(task).start())
                .get(60, TimeUnit.SECONDS);
        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATED);
        go.countDown();
        assertThat(dying.handle((done, failure) -> failure).get(30, TimeUnit.SECONDS))
                .isNotNull();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void newsOfAUnitThatIsGoneHidesNoOtherNews() throws Exception {
        Kloigos one = all.get(0).kloigos;
        ComputeUnit gone = one.allocate(oneCpu());
        one.await(one.deallocate(gone.id()).id());
        one.await(one.decommission(DecommissionRequest.of("host1")).id());
        Operation again = one.initServer(
                InitServerRequest.of(fleet.host("host1").address(), "eu", "a", List.of(CpuSet.range(8, 15))));

        Replica other = new Replica();
        BlockingQueue<Event> heard = new LinkedBlockingQueue<>();
        other.kloigos.listen(heard::add);

        while (true) {
            Event event = heard.poll(30, TimeUnit.SECONDS);
            assertThat(event).as("news of the second init").isNotNull();
            if (event instanceof Event.OperationChanged changed
                    && changed.operation().id().equals(again.id())) {
                return;
            }
        }
    }

    @Test
    void noUnitIsGivenTwiceAndNobodyIsRefusedWhileReplicasAreKilled() throws Exception {
        AtomicReferenceArray<Replica> replicas = new AtomicReferenceArray<>(REPLICAS);
        replicas.set(0, all.get(0));
        replicas.set(1, new Replica());
        replicas.set(2, new Replica());
        AtomicInteger claims = new AtomicInteger();
        Semaphore done = new Semaphore(0);
        Map<ComputeId, Integer> holders = new ConcurrentHashMap<>();
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        List<Future<?>> running = IntStream.range(0, CLIENTS)
                .<Future<?>>mapToObj(client -> clients.submit(() -> {
                    for (int number = claims.incrementAndGet(); number <= CLAIMS; number = claims.incrementAndGet()) {
                        holdAUnit(client, number, replicas, holders);
                        done.release();
                    }
                }))
                .toList();

        int kills = CLAIMS / CLAIMS_BETWEEN_KILLS;
        for (int kill = 0; kill < kills; kill++) {
            boolean getOn = done.tryAcquire(CLAIMS_BETWEEN_KILLS, 120, TimeUnit.SECONDS);
            for (Future<?> client : running) {
                if (client.isDone()) {
                    client.get();
                }
            }
            assertThat(getOn).as("clients get on").isTrue();
            replicas.getAndSet(kill % REPLICAS, new Replica()).kill();
        }
        for (Future<?> client : running) {
            client.get(120, TimeUnit.SECONDS);
        }
        clients.shutdown();

        Kloigos survivor = replicas.get(0).kloigos;
        assertThat(survivor.units(UnitFilter.all()))
                .hasSize(CLIENTS)
                .allSatisfy(unit -> assertThat(unit.status()).isEqualTo(UnitStatus.FREE));
        System.out.println(CLAIMS + " claims by " + CLIENTS + " clients on " + REPLICAS + " replicas, of which " + kills
                + " were killed: no unit given twice, nobody refused");
    }

    /** A client takes a unit and gives it back, turning to another replica whenever one does not answer. */
    private static void holdAUnit(
            int client, int number, AtomicReferenceArray<Replica> replicas, Map<ComputeId, Integer> holders) {
        ComputeUnit unit = insisting(
                client + number, replicas, kloigos -> kloigos.allocate(oneCpu(), RequestKey.of("allocate-" + number)));
        assertThat(holders.putIfAbsent(unit.id(), client))
                .as("who else holds %s", unit.id())
                .isNull();
        holders.remove(unit.id());
        insisting(client + number, replicas, kloigos -> {
            Operation operation = kloigos.await(kloigos.deallocate(unit.id(), RequestKey.of("deallocate-" + number))
                    .id());
            if (operation.state() != Operation.State.SUCCEEDED) {
                throw new KloigosException(ErrorCode.TAKEN_OVER, "not yet: " + operation);
            }
            return operation;
        });
    }

    private static <T> T insisting(int first, AtomicReferenceArray<Replica> replicas, Function<Kloigos, T> call) {
        for (int turn = first; ; turn++) {
            Replica replica = replicas.get(turn % REPLICAS);
            try {
                return call.apply(replica.kloigos);
            } catch (InterruptingDriver.Killed e) {
                // As a client sees it, the connection is gone.
            } catch (RuntimeException e) {
                // What a dying replica says, nobody would hear.
                if (!replica.isKilled) {
                    assertThat(e)
                            .isInstanceOfSatisfying(
                                    KloigosException.class,
                                    refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TAKEN_OVER));
                }
            }
        }
    }
}
