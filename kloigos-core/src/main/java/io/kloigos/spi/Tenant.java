package io.kloigos.spi;

import java.util.List;
import java.util.Objects;

/**
 * Whose traces a step erases or looks for.
 *
 * @param user the unit's Unix user
 * @param uid its user and group id
 * @param directories the unit's own directories
 */
public record Tenant(String user, int uid, List<String> directories) {
    private static final int LEAST_UID = 1000;

    public Tenant {
        Objects.requireNonNull(user);
        directories = List.copyOf(directories);
        if (uid < LEAST_UID) {
            throw new IllegalArgumentException("uid " + uid + " is the system's, not a tenant's");
        }
    }
}
