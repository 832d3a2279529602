package io.kloigos.spi;

import io.kloigos.model.ComputeUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Whose traces a step erases or looks for.
 *
 * @param user the unit's Unix user
 * @param uid its user and group id
 * @param directories the unit's own directories
 */
public record UnitAccount(String user, int uid, List<String> directories) {
    private static final int LEAST_UID = 1000;

    public UnitAccount {
        Objects.requireNonNull(user);
        directories = List.copyOf(directories);
        if (uid < LEAST_UID) {
            throw new IllegalArgumentException("uid " + uid + " is the system's, not a tenant's");
        }
    }

    /** Returns the account of that unit's tenants, with all of the unit's directories. */
    public static UnitAccount of(ComputeUnit unit) {
        List<String> directories = new ArrayList<>(unit.directories());
        // Part of a data disk is seen in two places: both are the unit's own.
        String dataDirectory = unit.dataDirectory();
        if (dataDirectory != null) {
            directories.add(dataDirectory);
        }
        return new UnitAccount(unit.user(), unit.uid(), directories);
    }
}
