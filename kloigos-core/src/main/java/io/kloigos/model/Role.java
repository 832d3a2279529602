package io.kloigos.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What somebody may do who asks over the network. */
public enum Role {
    /** Everything. */
    ADMIN,
    /** Everything but tokens, and what administrators did. */
    OPERATOR,
    /** To have units of its own. */
    TENANT,
    /** To see everything and change nothing. */
    READ_ONLY;

    /**
     * Returns the role that prints as {@code text}: {@code admin}, {@code operator}, {@code tenant} or {@code read-only}.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static Role parse(String text) {
        return Arrays.stream(values())
                .filter(role -> role.toString().equals(text))
                .findFirst()
                .orElseThrow(() -> KloigosException.invalid(
                        "role",
                        "\"" + text + "\" is not one of "
                                + Arrays.stream(values()).map(Role::toString).collect(Collectors.joining(", "))));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
