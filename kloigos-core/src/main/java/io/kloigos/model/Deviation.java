package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A fact of a host that is not as it should be.
 *
 * @param kind what kind of fact
 * @param computeId of which unit; null if of the whole server
 * @param subject what was looked at: a path, a systemd unit, a file system
 * @param expected what it should be; of a file, the first line that differs
 * @param actual what it is; {@code absent} if it is not there
 */
public record Deviation(FactKind kind, @Nullable ComputeId computeId, String subject, String expected, String actual) {
    public Deviation {
        Objects.requireNonNull(kind);
        Objects.requireNonNull(subject);
        Objects.requireNonNull(expected);
        Objects.requireNonNull(actual);
    }

    @Override
    public String toString() {
        return kind + " of " + (computeId == null ? "the server" : computeId) + ": " + subject + " is " + actual
                + ", not " + expected;
    }
}
