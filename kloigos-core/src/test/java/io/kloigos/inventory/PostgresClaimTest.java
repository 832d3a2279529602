package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PostgresClaimTest extends InventoryClaimContract {
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
    void claimsOfOneDeploymentAtTwoReplicasGetAServerEach() throws Exception {
        try (Inventory one = open("one");
                Inventory other = open("other")) {
            fill(one);
            AtomicInteger turn = new AtomicInteger();
            List<Optional<ComputeUnit>> given =
                    atOnce(() -> claim(turn.getAndIncrement() % 2 == 0 ? one : other, apart(1)));

            assertThat(given.stream().flatMap(Optional::stream).map(ComputeUnit::hostname))
                    .containsExactlyInAnyOrder("host0", "host1", "host2", "host3");
        }
    }

    @Test
    void tenantsOfTwoReplicasGetDifferentUnits() throws Exception {
        try (Inventory one = open("one");
                Inventory other = open("other")) {
            fill(one);
            AtomicInteger turn = new AtomicInteger();
            List<ComputeId> given =
                    atOnce(() -> claimed(turn.getAndIncrement() % 2 == 0 ? one : other, UNITS / THREADS)).stream()
                            .flatMap(List::stream)
                            .map(ComputeUnit::id)
                            .toList();

            assertThat(given).hasSize(UNITS).doesNotHaveDuplicates();
        }
    }
}
