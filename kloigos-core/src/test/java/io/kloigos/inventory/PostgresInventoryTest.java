package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.UnitStatus;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.ds.PGSimpleDataSource;

@Tag("long")
class PostgresInventoryTest extends InventoryContract {
    private final PostgresDatabase database = PostgresDatabase.fresh();

    @Override
    Inventory open(String replica) {
        return Inventory.open(database.source(), replica, LEASE);
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void aReplicaKeepsItsOperationsUntilItsLeaseEnds() {
        addReady("host1", "4-7");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");
        long before = inventory.operations().start(started("op1", unit)).fence();
        Inventory other = open("other");

        assertThat(other.operations().takeOver(NOON)).isEmpty();
        inventory.operations().release();
        assertThat(other.operations().takeOver(NOON)).extracting(Operation::id).containsExactly("op1");
        assertThat(other.operations().start(started("op1", unit)).fence()).isGreaterThan(before);
        assertThatThrownBy(() -> inventory.operations().start(started("op1", unit)))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThatThrownBy(() -> inventory.endAllocation(
                        SampleFleet.ended("op1", Operation.Kind.ALLOCATE, "host1", unit), unit, NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TAKEN_OVER));
        assertThat(inventory.unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.ALLOCATING);
    }

    @Test
    void aReplicaSeesWhatOthersChanged() {
        addReady("host1", "4-7");
        Inventory other = open("other");
        ComputeUnit unit = claim(SampleFleet.wanting(4), "op1");

        assertThat(other.operations().changesOfOthers(Duration.ofMinutes(1)))
                .extracting(Operations.Change::subject, Operations.Change::operationId)
                .contains(
                        org.assertj.core.groups.Tuple.tuple("host1", "init-host1"),
                        org.assertj.core.groups.Tuple.tuple(unit.id().value(), "op1"));
        assertThat(inventory.operations().changesOfOthers(Duration.ofMinutes(1)))
                .isEmpty();
    }

    /** A change that got its number first may be seen last: what was read between the two must not be taken for the newest. */
    @Test
    void thereIsNoVersionWhileAReplicaIsChangingSomething() throws SQLException {
        addReady("host1", "4-7", "8-11");
        try (Connection slow = database.source().getConnection();
                Statement statement = slow.createStatement()) {
            slow.setAutoCommit(false);
            statement.execute("UPDATE units SET reason = 'looked at' WHERE compute_id = 'host1_4-7'");
            statement.execute(
                    "INSERT INTO changes (at, subject, operation_id, before, after, reason, replica, written_at)"
                            + " VALUES ('', 'host1_4-7', '', 'free', 'free', '', 'slow', 0)");
            ComputeUnit other = inventory.unit(new ComputeId("host1_8-11")).orElseThrow();
            inventory.outOfService().withdraw(other.id(), new Reason("a fan is loud"), null, NOON);

            assertThat(inventory.version()).isEmpty();
            slow.commit();
            assertThat(inventory.version()).isPresent();
        }
    }

    @Test
    void anExpiredUnitIsTakenBackByOneReplicaAndTheOthersLearnOfIt() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        Inventory other = open("other");
        inventory.tenancies().setExpiry(unit, NOON.plusSeconds(1), NOON);

        assertThat(inventory.tenancies().tellExpiring(NOON.plusSeconds(1), NOON))
                .hasSize(1);
        assertThat(other.tenancies().tellExpiring(NOON.plusSeconds(1), NOON)).isEmpty();
        assertThat(other.operations().changesOfOthers(Duration.ofMinutes(1)))
                .filteredOn(change -> Tenancies.isExpiry(change, unit))
                .extracting(Operations.Change::subject)
                .containsExactly(unit.id().value());
        assertThat(inventory
                        .tenancies()
                        .beginExpired(
                                unit.id(),
                                NOON.plusSeconds(1),
                                each -> Operation.asked("op2", Operation.Kind.DEALLOCATE, "host1", each.id(), NOON)))
                .isPresent();
        assertThat(other.tenancies()
                        .beginExpired(
                                unit.id(),
                                NOON.plusSeconds(1),
                                each -> Operation.asked("op3", Operation.Kind.DEALLOCATE, "host1", each.id(), NOON)))
                .isEmpty();
    }

    /** Both wait for the same rows, and the second sees what the first has written. */
    @Test
    @Timeout(60)
    void ofTwoRepairsThatBeginAtOnceAtTwoReplicasOneIsBegun() throws Exception {
        addReady("host1", "4-7");
        Inventory other = open("other");
        List<FutureTask<?>> repairs = List.of(
                new FutureTask<>(() -> inventory.drift().beginRepair(repair("op1"), List.of(), null), true),
                new FutureTask<>(() -> other.drift().beginRepair(repair("op2"), List.of(), null), true));
        try (Connection slow = database.source().getConnection();
                Statement statement = slow.createStatement()) {
            slow.setAutoCommit(false);
            statement.execute("UPDATE units SET reason = 'looked at' WHERE hostname = 'host1'");
            repairs.forEach(repair -> new Thread(repair).start());
            awaitWaiting(repairs.size());
            slow.commit();
        }

        List<String> refusals = new ArrayList<>();
        for (FutureTask<?> repair : repairs) {
            try {
                repair.get();
            } catch (ExecutionException e) {
                refusals.add(String.valueOf(e.getMessage()));
            }
        }
        assertThat(refusals).singleElement(InstanceOfAssertFactories.STRING).contains("(repair) is under way on it");
    }

    @Test
    @Timeout(60)
    void aRepairWaitsForAnAllocationThatIsBeginningAndIsRefused() throws Exception {
        addReady("host1", "4-7");
        Inventory other = open("other");
        CountDownLatch claimed = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FutureTask<?> allocation = new FutureTask<>(() -> other.claim(
                SampleFleet.wanting(4),
                (server, unit) -> {
                    claimed.countDown();
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return SampleFleet.operation("op1", Operation.Kind.ALLOCATE, "host1", unit, NOON);
                },
                null));
        new Thread(allocation).start();
        claimed.await();
        FutureTask<?> repair =
                new FutureTask<>(() -> inventory.drift().beginRepair(repair("op2"), List.of(), null), true);
        new Thread(repair).start();
        awaitWaiting(1);
        go.countDown();

        allocation.get();
        assertThatThrownBy(repair::get)
                .cause()
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("something is under way on [host1_4-7]");
    }

    /** Waits until so many connections wait for what others have locked. */
    private void awaitWaiting(int connections) throws SQLException {
        try (Connection connection = database.source().getConnection();
                Statement statement = connection.createStatement()) {
            int waiting = 0;
            while (waiting < connections) {
                try (ResultSet row =
                        statement.executeQuery("SELECT COUNT(DISTINCT pid) FROM pg_locks WHERE NOT granted")) {
                    row.next();
                    waiting = row.getInt(1);
                }
            }
        }
    }

    @Test
    void saysThatTheDatabaseCannotBeReached() {
        PGSimpleDataSource nowhere = new PGSimpleDataSource();
        nowhere.setServerNames(new String[] {"127.0.0.1"});
        nowhere.setPortNumbers(new int[] {1});

        assertThatThrownBy(() -> Inventory.open(nowhere, "replica", LEASE))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageStartingWith("Cannot open the inventory in the given database: ");
    }
}
