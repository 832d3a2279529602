package io.kloigos.spi;

import java.util.List;

/**
 * Whose traces a step erases or looks for.
 *
 * @param user the unit's Unix user: letters, digits, dots, hyphens and underscores
 * @param uid its user and group id, 1000 or more
 * @param directories the unit's own directories, absolute and plain
 */
public record Tenant(String user, int uid, List<String> directories) {
    private static final int LEAST_UID = 1000;

    public Tenant {
        if (!user.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")) {
            throw new IllegalArgumentException("no name of a Unix user: " + user);
        }
        directories = HostText.requirePaths(directories);
        if (uid < LEAST_UID) {
            throw new IllegalArgumentException("uid " + uid + " is the system's, not a tenant's");
        }
    }
}
