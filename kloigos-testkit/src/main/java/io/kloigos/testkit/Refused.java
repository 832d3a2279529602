package io.kloigos.testkit;

/** What a host says when it does not do what it was told; the message is what the real tool or kernel would print. */
final class Refused extends RuntimeException {
    private final boolean unknown;

    Refused(String message) {
        this(message, false);
    }

    private Refused(String message, boolean unknown) {
        super(message, null, false, false);
        this.unknown = unknown;
    }

    /** A command, or a use of one, that the fake host has not learnt: a gap in the testkit, which must not pass unseen. */
    static Refused unknown(String message) {
        return new Refused(message, true);
    }

    boolean isUnknown() {
        return unknown;
    }

    String text() {
        return String.valueOf(getMessage());
    }
}
