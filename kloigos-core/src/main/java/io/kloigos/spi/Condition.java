package io.kloigos.spi;

import java.util.List;
import java.util.Objects;

/**
 * A question to the host that changes nothing.
 *
 * @param argv the command, by its name in the system's path, and its arguments
 * @param holdsOn whether the answer "yes" is that the command succeeds or that it fails
 */
public record Condition(List<String> argv, Exit holdsOn) {
    /** How a command ends. */
    public enum Exit {
        SUCCESS,
        FAILURE
    }

    public Condition {
        argv = HostText.requireCommand(argv);
        Objects.requireNonNull(holdsOn);
    }

    /** Returns the condition that the command exits with 0. */
    public static Condition succeeds(String... argv) {
        return new Condition(List.of(argv), Exit.SUCCESS);
    }

    /** Returns the condition that the command exits with anything but 0. */
    public static Condition fails(String... argv) {
        return new Condition(List.of(argv), Exit.FAILURE);
    }

    @Override
    public String toString() {
        return (holdsOn == Exit.SUCCESS ? "" : "not ") + String.join(" ", argv);
    }
}
