package io.kloigos.inventory;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class SqliteClaimTest extends InventoryClaimContract {
    @TempDir
    Path directory;

    @Override
    Inventory open(String replica) {
        return Inventory.open(directory.resolve("kloigos.db"), replica);
    }
}
