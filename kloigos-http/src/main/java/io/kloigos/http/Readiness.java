package io.kloigos.http;

import io.kloigos.Kloigos;
import io.kloigos.model.KloigosException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether this server can take work. Looked at once a second at most, however many ask: each look writes to the database.
 * Thread-safe.
 */
final class Readiness {
    private static final Logger LOG = LoggerFactory.getLogger(Readiness.class);
    private static final Duration KEPT = Duration.ofSeconds(1);

    private final Kloigos kloigos;
    private final InstantSource clock;
    private volatile boolean withdrawn;
    private @Nullable Instant looked;
    private State found = State.READY;

    /** Whether it can, or why not. Whoever asks need not be known, so this tells nothing of the inside. */
    enum State {
        READY("ok", "This server takes work."),
        SHUTTING_DOWN("shutting_down", "This server is shutting down and takes no new work."),
        DATABASE("store_failed", "The database takes no changes; the log of the server says why."),
        STALLED(
                "stalled",
                "Operations could not be looked after for longer than a lease lasts; the log of the server says why.");

        private final String code;
        private final String detail;

        State(String code, String detail) {
            this.code = code;
            this.detail = detail;
        }

        /** Returns its name for programs. */
        String code() {
            return code;
        }

        String detail() {
            return detail;
        }
    }

    Readiness(Kloigos kloigos, InstantSource clock) {
        this.kloigos = kloigos;
        this.clock = clock;
    }

    /** From now on this server is shutting down. */
    void withdraw() {
        withdrawn = true;
    }

    State state() {
        return withdrawn ? State.SHUTTING_DOWN : lookedAt();
    }

    private synchronized State lookedAt() {
        Instant now = clock.instant();
        Instant last = looked;
        if (last == null || now.isBefore(last) || !now.isBefore(last.plus(KEPT))) {
            State seen = look();
            if (seen == State.READY && found != State.READY) {
                LOG.info("This server takes work again");
            }
            found = seen;
            looked = clock.instant();
        }
        return found;
    }

    private State look() {
        try {
            kloigos.requireReady();
            return State.READY;
        } catch (KloigosException e) {
            if (found == State.READY) {
                LOG.warn("This server is not ready: {}", e.getMessage());
            }
            return switch (e.code()) {
                case SHUTTING_DOWN -> State.SHUTTING_DOWN;
                case STORE_FAILED -> State.DATABASE;
                default -> State.STALLED;
            };
        }
    }
}
