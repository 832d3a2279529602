package io.kloigos.model;

/** Every way in which Kloigos refuses or fails. The names are stable: programs and scripts may depend on them. */
public enum ErrorCode {
    /** The request breaks a rule; {@link KloigosException#faults()} names every fault. */
    INVALID_REQUEST(Kind.REQUEST),
    /** The named server, unit or operation does not exist. */
    NOT_FOUND(Kind.REQUEST),
    /** No free unit matches the request. */
    NO_CAPACITY(Kind.STATE),
    /** The server or unit is not in a status that allows this. */
    WRONG_STATE(Kind.STATE),
    /** The hostname, or the host behind it, is managed already. */
    ALREADY_MANAGED(Kind.STATE),
    /** The host lacks something that the request needs; {@link KloigosException#faults()} names everything missing. */
    HOST_UNSUITABLE(Kind.REQUEST),
    /** No connection to the host, or the connection was lost and the outcome could not be learnt. */
    HOST_UNREACHABLE(Kind.HOST),
    /** The host presented another host key than the one pinned. */
    HOST_KEY_MISMATCH(Kind.HOST),
    /** The host refused the login, or sudo without a password. */
    HOST_LOGIN_REFUSED(Kind.HOST),
    /** Another plan holds the host's lock. */
    HOST_BUSY(Kind.HOST),
    /** The host has seen a plan of a newer operation: another control plane has taken over. */
    HOST_FENCED(Kind.HOST),
    /** The plan ran longer than its time limit and was ended. */
    HOST_TIMEOUT(Kind.HOST),
    /** A step of a plan failed; the message names the step and what the host said. */
    HOST_STEP_FAILED(Kind.HOST),
    /** The host answered something that the driver does not understand. */
    HOST_PROTOCOL(Kind.HOST),
    /** The inventory's database failed. */
    STORE_FAILED(Kind.STORE),
    /** The idempotency key was used for another request. */
    KEY_REUSED(Kind.STATE),
    /** Another request with the same idempotency key came at the same moment. */
    KEY_IN_USE(Kind.STATE),
    /** Another replica has taken the operation over. */
    TAKEN_OVER(Kind.SERVICE),
    /** The operation was cancelled. */
    CANCELLED(Kind.STATE),
    /** Kloigos is shutting down and takes no new work. */
    SHUTTING_DOWN(Kind.SERVICE),
    /** The server was not told, or does not recognise, who asks. */
    UNAUTHORIZED(Kind.REQUEST),
    /** Whoever asks may not do this. */
    FORBIDDEN(Kind.REQUEST),
    /** Whoever asks does so more often than they may. */
    TOO_MANY_REQUESTS(Kind.SERVICE),
    /** A remote Kloigos server could not be reached, or its answer was lost. */
    SERVER_UNREACHABLE(Kind.SERVICE),
    /** Something that should not happen: an error in Kloigos or in a driver. */
    INTERNAL(Kind.PROGRAM);

    /** Whose turn it is to act on an error. */
    public enum Kind {
        /** The caller must change the request. */
        REQUEST,
        /** The request may succeed once the state of the fleet is another. */
        STATE,
        /** An operator must look at the host. */
        HOST,
        /** An operator must look at the database. */
        STORE,
        /** The same request may succeed later, or at another replica; nothing in the fleet speaks against it. */
        SERVICE,
        /** The program is to be mended. */
        PROGRAM
    }

    private final Kind kind;

    ErrorCode(Kind kind) {
        this.kind = kind;
    }

    /** Returns whose turn it is to act. */
    public Kind kind() {
        return kind;
    }
}
