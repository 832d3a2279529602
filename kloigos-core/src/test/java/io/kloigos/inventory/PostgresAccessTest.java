package io.kloigos.inventory;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;

class PostgresAccessTest extends AccessContract {
    private final PostgresDatabase database = PostgresDatabase.fresh();

    @Override
    Inventory openInventory() {
        return Inventory.open(database.source(), "replica", Duration.ofSeconds(20));
    }

    @Override
    Access openBeside() {
        return Access.open(database.source());
    }

    @AfterEach
    void drop() {
        database.close();
    }
}
