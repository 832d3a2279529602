package io.kloigos.model;

/**
 * Whose units are whose. Kloigos knows nothing else of a tenant.
 *
 * @param name 1 to 300 printable ASCII characters without spaces
 */
public record Tenant(String name) {
    public Tenant {
        if (!name.matches("[\\x21-\\x7e]{1,300}")) {
            throw KloigosException.invalid(
                    "tenant", "a tenant's name has 1 to 300 printable ASCII characters and no spaces");
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
