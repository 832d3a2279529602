package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A durable record of something being done to a host.
 *
 * @param id its name, unique for ever
 * @param kind what is being done
 * @param hostname to which server
 * @param computeId to which unit; null if to the whole server
 * @param state how far it is
 * @param attempt how many times it was begun
 * @param error why it failed or was cancelled; null unless it was
 * @param errorCode the code of that error; null if there is none
 * @param createdAt when it was asked for
 * @param startedAt when its newest attempt began; null before
 * @param endedAt when it ended; null before
 * @param steps its steps, in order
 * @param owner whose the unit is; null if it is on a server, or on a unit that is nobody's in particular
 */
public record Operation(
        String id,
        Kind kind,
        String hostname,
        @Nullable ComputeId computeId,
        State state,
        int attempt,
        @Nullable String error,
        @Nullable ErrorCode errorCode,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant endedAt,
        List<Step> steps,
        @Nullable Tenant owner) {
    /** What an operation does. */
    public enum Kind {
        INIT,
        ALLOCATE,
        DEALLOCATE,
        DECOMMISSION,
        /** Mends what differs on a server. */
        REPAIR,
        ROTATE_KEYS,
        STOP,
        START,
        RESIZE;

        /**
         * Returns the kind that {@code text} names, in any case.
         *
         * @throws KloigosException INVALID_REQUEST if there is none
         */
        public static Kind parse(String text) {
            for (Kind kind : values()) {
                if (kind.name().equalsIgnoreCase(text)) {
                    return kind;
                }
            }
            throw KloigosException.invalid("kind", "there is no kind \"" + text + "\"; there are " + List.of(values()));
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How far an operation is. */
    public enum State {
        /** Written down, not begun. */
        PENDING,
        /** Under way. After a crash it is begun again. */
        RUNNING,
        /** Ended, and the host was read back. */
        SUCCEEDED,
        /** Ended with an error. */
        FAILED,
        /** Ended before its last step because somebody asked for it. */
        CANCELLED;

        /** Tells whether nothing more will happen. */
        public boolean isEnded() {
            return this != PENDING && this != RUNNING;
        }

        /**
         * Returns the state that {@code text} names, in any case.
         *
         * @throws KloigosException INVALID_REQUEST if there is none
         */
        public static State parse(String text) {
            for (State state : values()) {
                if (state.name().equalsIgnoreCase(text)) {
                    return state;
                }
            }
            throw KloigosException.invalid(
                    "state", "there is no state \"" + text + "\"; there are " + List.of(values()));
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * One step of an operation.
     *
     * @param description what it does
     * @param state what became of it
     * @param millis how long it took on the host, in milliseconds; 0 until it ended
     * @param detail what the host said, if it failed; else empty
     */
    public record Step(String description, StepState state, long millis, String detail) {
        public Step {
            Objects.requireNonNull(description);
            Objects.requireNonNull(state);
        }
    }

    /** What became of a step. */
    public enum StepState {
        PENDING,
        RUNNING,
        /** The host was changed. */
        CHANGED,
        /** The host was already as wanted. */
        UNCHANGED,
        FAILED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Operation {
        Objects.requireNonNull(id);
        steps = List.copyOf(steps);
    }

    /** An operation on what is nobody's in particular. */
    public Operation(
            String id,
            Kind kind,
            String hostname,
            @Nullable ComputeId computeId,
            State state,
            int attempt,
            @Nullable String error,
            @Nullable ErrorCode errorCode,
            Instant createdAt,
            @Nullable Instant startedAt,
            @Nullable Instant endedAt,
            List<Step> steps) {
        this(
                id, kind, hostname, computeId, state, attempt, error, errorCode, createdAt, startedAt, endedAt, steps,
                null);
    }

    /** Returns an operation that was asked for and has not begun. */
    public static Operation asked(
            String id, Kind kind, String hostname, @Nullable ComputeId computeId, Instant createdAt) {
        return new Operation(
                id, kind, hostname, computeId, State.PENDING, 1, null, null, createdAt, null, null, List.of());
    }

    /** Returns this operation, on a unit of that tenant's. */
    public Operation ownedBy(@Nullable Tenant tenant) {
        return new Operation(
                id, kind, hostname, computeId, state, attempt, error, errorCode, createdAt, startedAt, endedAt, steps,
                tenant);
    }

    /** Returns this operation as its attempt begins. */
    public Operation begun(Instant at) {
        return new Operation(
                id,
                kind,
                hostname,
                computeId,
                State.RUNNING,
                attempt,
                null,
                null,
                createdAt,
                at,
                null,
                List.of(),
                owner);
    }

    /** Returns this operation with these steps. */
    public Operation with(List<Step> newSteps) {
        return new Operation(
                id, kind, hostname, computeId, state, attempt, error, errorCode, createdAt, startedAt, endedAt,
                newSteps, owner);
    }

    /** Returns this operation as it succeeded. */
    public Operation succeeded(Instant at) {
        return ended(State.SUCCEEDED, null, null, at);
    }

    /** Returns this operation as it failed, or was cancelled, with this error. */
    public Operation failed(KloigosException failure, Instant at) {
        State end = failure.code() == ErrorCode.CANCELLED ? State.CANCELLED : State.FAILED;
        return ended(end, failure.getMessage(), failure.code(), at);
    }

    private Operation ended(State end, @Nullable String message, @Nullable ErrorCode code, Instant at) {
        return new Operation(
                id, kind, hostname, computeId, end, attempt, message, code, createdAt, startedAt, at, steps, owner);
    }
}
