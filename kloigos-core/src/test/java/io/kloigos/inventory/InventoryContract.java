package io.kloigos.inventory;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What an inventory does, in whatever database. */
abstract class InventoryContract
        implements KeepingContract,
                PlacementContract,
                ListingContract,
                LifecycleContract,
                RepairContract,
                LeaseContract,
                RequestContract,
                TenancyContract,
                OutOfServiceContract,
                CertificateContract {
    Inventory inventory;

    /** Returns the inventory of this test, as this replica sees it. */
    abstract Inventory open(String replica);

    @BeforeEach
    void open() {
        inventory = open("replica");
    }

    @AfterEach
    void close() {
        inventory.close();
    }

    @Override
    public Inventory inventory() {
        return inventory;
    }
}
