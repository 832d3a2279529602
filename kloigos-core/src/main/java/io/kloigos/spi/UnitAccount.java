package io.kloigos.spi;

import io.kloigos.model.ComputeUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * Whose traces a step erases or looks for.
 *
 * @param user the unit's Unix user: letters, digits, dots, hyphens and underscores
 * @param uid its user and group id, 1000 or more
 * @param directories the unit's own directories, absolute and plain
 */
public record UnitAccount(String user, int uid, List<String> directories) {
    private static final int LEAST_UID = 1000;

    public UnitAccount {
        if (!user.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")) {
            throw new IllegalArgumentException("no name of a Unix user: " + user);
        }
        directories = HostText.requirePaths(directories);
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
