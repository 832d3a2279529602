package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Finds units whose time is over, or soon will be. Thread-safe. */
final class Expiry {
    private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

    private final Inventory inventory;
    private final InstantSource clock;
    private final Supplier<String> ids;
    private final Duration notice;

    /**
     * @param ids makes the ids of operations
     * @param notice how long before the end units are told of
     */
    Expiry(Inventory inventory, InstantSource clock, Supplier<String> ids, Duration notice) {
        this.inventory = inventory;
        this.clock = clock;
        this.ids = ids;
        this.notice = notice;
    }

    /** Throws INVALID_REQUEST if a unit cannot expire then. */
    void requirePossible(@Nullable Instant expiresAt) {
        if (expiresAt != null && (!expiresAt.isAfter(clock.instant()) || expiresAt.isAfter(LATEST))) {
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Cannot let a unit expire at that time",
                    List.of(Fault.of("expires_at", expiresAt + " is not between now and " + LATEST, "expires_at")));
        }
    }

    /** Returns the units that listeners should be told of, each once. */
    List<ComputeUnit> soon() {
        Instant now = clock.instant();
        return inventory.tenancies().tellExpiring(now.plus(notice), now);
    }

    /** Returns the units whose time is over. */
    List<ComputeId> over() {
        return inventory.tenancies().expired(clock.instant());
    }

    /** Begins to deallocate a unit whose time is over, and returns the operation; none if that cannot be now. */
    Optional<Operation> end(ComputeId id) {
        Instant now = clock.instant();
        return inventory
                .tenancies()
                .beginExpired(
                        id,
                        now,
                        unit -> Operation.asked(ids.get(), Operation.Kind.DEALLOCATE, unit.hostname(), unit.id(), now)
                                .ownedBy(unit.owner()));
    }
}
