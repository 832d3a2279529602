package io.kloigos.model;

import java.util.Objects;

/**
 * Something about a server that is not as good as it could be, and is accepted.
 *
 * @param type a stable word for programs, e.g. {@code no_housekeeping_cpus}
 * @param message what it means, for people
 */
public record Warning(String type, String message) {
    public Warning {
        Objects.requireNonNull(type);
        Objects.requireNonNull(message);
    }

    @Override
    public String toString() {
        return type + ": " + message;
    }
}
