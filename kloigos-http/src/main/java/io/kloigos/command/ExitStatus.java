package io.kloigos.command;

import io.kloigos.model.ErrorCode;

/** What the exit status of a command says; docs/command-line.md has the table. */
enum ExitStatus {
    /** It was done. */
    OK(0),
    /** It was begun, and failed or was cancelled; or something is broken. */
    FAILED(1),
    /** It was not understood, or is not possible with these values. */
    USAGE(2),
    /** There is no such server, unit, operation or token. */
    NOT_FOUND(3),
    /** The state of the fleet is against it; nothing was changed. */
    REFUSED(4),
    /** The server cannot be reached. */
    UNREACHABLE(5),
    /** Whoever asks is not known, or may not. */
    NOT_ALLOWED(6);

    private final int number;

    ExitStatus(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static ExitStatus of(ErrorCode code) {
        return switch (code) {
            case NOT_FOUND -> NOT_FOUND;
            case HOST_UNSUITABLE, TOO_MANY_REQUESTS -> REFUSED;
            case SERVER_UNREACHABLE -> UNREACHABLE;
            case UNAUTHORIZED, FORBIDDEN -> NOT_ALLOWED;
            case CANCELLED -> FAILED;
            default ->
                switch (code.kind()) {
                    case REQUEST -> USAGE;
                    case STATE -> REFUSED;
                    case HOST, STORE, SERVICE, PROGRAM -> FAILED;
                };
        };
    }
}
