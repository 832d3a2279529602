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
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
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
                    "INSERT INTO audit (at, subject, operation_id, before, after, reason, replica, written_at)"
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
                .filteredOn(change -> change.reason().equals(Tenancies.EXPIRING))
                .extracting(Operations.Change::subject, Operations.Change::cause)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(unit.id().value(), unit.id() + " " + Tenancies.EXPIRING));
        assertThat(inventory
                        .tenancies()
                        .beginExpired(
                                NOON.plusSeconds(1),
                                each -> Operation.asked("op2", Operation.Kind.DEALLOCATE, "host1", each.id(), NOON)))
                .hasSize(1);
        assertThat(other.tenancies()
                        .beginExpired(
                                NOON.plusSeconds(1),
                                each -> Operation.asked("op3", Operation.Kind.DEALLOCATE, "host1", each.id(), NOON)))
                .isEmpty();
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
