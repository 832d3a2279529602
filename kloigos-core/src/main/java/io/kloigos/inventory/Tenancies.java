package io.kloigos.inventory;

import com.fasterxml.jackson.core.type.TypeReference;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitStatus;
import io.kloigos.rules.Resizing;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Changes of units that stay in their tenants' hands meanwhile. Safe for use by many threads. Throws as {@link Inventory}
 * does.
 */
public final class Tenancies {
    /** What is noted of a unit when listeners are told that it expires soon. */
    private static final String EXPIRING = "expires soon";

    private static final String SOON = "SELECT compute_id FROM units WHERE expires_at <= :until AND expiry_told = 0"
            + " AND status = '" + UnitStatus.ALLOCATED + "'";

    /** One whose allocation failed is its tenant's too, who may never come back. */
    private static final Set<UnitStatus> EXPIRING_IN = EnumSet.of(UnitStatus.ALLOCATED, UnitStatus.ALLOCATION_FAIL);

    private static final String OVER = "SELECT compute_id FROM units WHERE expires_at <= :until AND status IN ('"
            + UnitStatus.ALLOCATED + "', '" + UnitStatus.ALLOCATION_FAIL + "')";

    private final Database database;
    private final Inventory inventory;
    private final Operations operations;
    private final Placements placements;

    Tenancies(Database database, Inventory inventory, Operations operations, Placements placements) {
        this.database = database;
        this.inventory = inventory;
        this.operations = operations;
        this.placements = placements;
    }

    /**
     * Writes {@code operation}, which will make a change to a unit. What the unit will be is kept with the operation, and
     * becomes the unit's when the operation has succeeded.
     *
     * @param change returns the unit as it will be, and throws if it may not be so
     * @throws KloigosException NOT_FOUND; WRONG_STATE if another operation on the unit is under way; KEY_IN_USE
     */
    public void begin(
            ComputeId id, Operation operation, @Nullable IdempotencyKey key, UnaryOperator<ComputeUnit> change) {
        database.write(handle -> {
            ComputeUnit unit = inventory.lockUnit(handle, id).orElseThrow(() -> Inventory.unknownUnit(id));
            Inventory.requireOwner(unit, operation.owner());
            ComputeUnit changed = change.apply(unit);
            requireIdle(handle, unit);
            if (operation.kind() == Operation.Kind.RESIZE) {
                prepareResize(handle, changed);
            }
            note(handle, unit, operation, "", operation.createdAt());
            operations.insertFenced(handle, operation, DataDisks.KEEP, key);
            Operations.want(handle, operation.id(), Wanted.of(changed));
            return changed;
        });
    }

    /**
     * Notes that another attempt at a change of a unit begins.
     *
     * @throws KloigosException INVALID_REQUEST if it is a resize for which there is no room by now
     */
    void beginRetry(Handle handle, ComputeUnit unit, Operation operation, Instant now) {
        if (operation.kind() == Operation.Kind.RESIZE) {
            prepareResize(handle, wanted(handle, unit, operation));
        }
        note(handle, unit, operation, "", now);
    }

    /** However the resize ends, the host may have other limits from now on than the unit is handed out with. */
    private void prepareResize(Handle handle, ComputeUnit resized) {
        requireRoom(handle, resized, inventory.lockUnitsOf(handle, resized.hostname()));
        handle.execute(
                "UPDATE units SET resized_limits = COALESCE(resized_limits, limits) WHERE compute_id = ?",
                resized.id().value());
    }

    /**
     * Makes sure that the server of a unit has room for what it is to be resized to, beside what the other units are or will be.
     *
     * @throws KloigosException INVALID_REQUEST
     */
    public void requireRoom(ComputeUnit resized) {
        database.read(handle -> {
            requireRoom(handle, resized, Inventory.findUnitsOf(handle, resized.hostname(), ""));
            return resized;
        });
    }

    private static void requireRoom(Handle handle, ComputeUnit resized, List<ComputeUnit> units) {
        Server server = Inventory.findServer(handle, resized.hostname()).orElseThrow();
        List<ComputeUnit> others = units.stream()
                .filter(unit -> !unit.id().equals(resized.id()))
                .map(unit -> largest(handle, unit))
                .toList();
        Resizing.requireRoom(server, resized, others);
    }

    /** A resize that is under way or failed may have reached the host or not. */
    private static ComputeUnit largest(Handle handle, ComputeUnit unit) {
        return Optional.ofNullable(unit.operationId())
                .flatMap(id -> Operations.find(handle, id))
                .filter(newest -> newest.kind() == Operation.Kind.RESIZE && newest.state() != Operation.State.SUCCEEDED)
                .map(resize -> wanted(handle, unit, resize))
                .filter(wanted ->
                        wanted.limits().memoryMax().compareTo(unit.limits().memoryMax()) > 0)
                .orElse(unit);
    }

    /** Returns the unit as it will be once the operation that changes it has succeeded. */
    public ComputeUnit wanted(Operation operation) {
        return database.read(handle -> wanted(handle, subject(handle, operation), operation));
    }

    private static ComputeUnit wanted(Handle handle, ComputeUnit unit, Operation operation) {
        return Operations.wanted(handle, operation.id(), new TypeReference<Wanted>() {})
                .appliedTo(unit);
    }

    private static ComputeUnit subject(Handle handle, Operation operation) {
        ComputeId id = subject(operation);
        return Inventory.findUnit(handle, id).orElseThrow(() -> Inventory.unknownUnit(id));
    }

    private static ComputeId subject(Operation operation) {
        ComputeId id = operation.computeId();
        if (id == null) {
            throw new IllegalArgumentException("operation " + operation.id() + " is on no unit");
        }
        return id;
    }

    /**
     * Ends an operation that changes a unit. If it succeeded, the unit becomes what was wanted; else it stays as it was. A stop
     * that failed on the host is the exception: the unit is stopped, and can be started.
     *
     * @param ended the operation as it is to be kept
     * @param reason why it failed; empty if it succeeded
     */
    public void end(Operation ended, String reason, Instant now) {
        database.write(handle -> {
            operations.end(handle, ended);
            ComputeId id = subject(ended);
            ComputeUnit unit = inventory.lockUnit(handle, id).orElseThrow(() -> Inventory.unknownUnit(id));
            note(handle, unit, ended, reason, now);
            if (ended.state() == Operation.State.SUCCEEDED || hasShutOut(ended)) {
                write(handle, wanted(handle, unit, ended));
            }
            return ended;
        });
    }

    /** A stop that failed may have shut the tenant out before; only a unit that is stopped can be started. */
    private static boolean hasShutOut(Operation ended) {
        return ended.kind() == Operation.Kind.STOP
                && ended.steps().stream().anyMatch(step -> step.state() != Operation.StepState.PENDING);
    }

    private static void write(Handle handle, ComputeUnit unit) {
        UnitLimits resized = unit.tenancy().resizedTo();
        handle.createUpdate("UPDATE units SET ssh_public_keys = :keys, stopped_at = :stoppedAt,"
                        + " resized_limits = COALESCE(:limits, resized_limits) WHERE compute_id = :id")
                .bind("keys", Json.write(unit.sshPublicKeys()))
                .bind("stoppedAt", Rows.text(unit.stoppedAt()))
                .bind("limits", resized == null ? null : Json.write(resized))
                .bind("id", unit.id().value())
                .execute();
    }

    /**
     * Gives a unit in a tenant's hands other tags, and returns it.
     *
     * @param seen the unit as the caller saw it
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not allocated, or another tenant's by now
     */
    public ComputeUnit setTags(ComputeUnit seen, Tags tags, Instant now) {
        return database.write(handle -> {
            ComputeId id = seen.id();
            ComputeUnit unit = lockSeen(handle, seen);
            unit.requireAllocated("change the tags of");
            handle.createUpdate("UPDATE units SET tags = :tags, deployment_id = :deployment WHERE compute_id = :id")
                    .bind("tags", Json.write(tags.values()))
                    .bind("deployment", tags.deploymentId().orElse(null))
                    .bind("id", id.value())
                    .execute();
            placements.retag(handle, unit, tags);
            noteOutsideOperation(handle, unit, "tags changed", now);
            return Inventory.findUnit(handle, id).orElseThrow();
        });
    }

    // Expiry

    /**
     * Sets when a unit is taken back from its tenant, and returns it.
     *
     * @param seen the unit as the caller saw it
     * @param expiresAt null if only on request
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not allocated, or another tenant's by now
     */
    public ComputeUnit setExpiry(ComputeUnit seen, @Nullable Instant expiresAt, Instant now) {
        return database.write(handle -> {
            ComputeId id = seen.id();
            ComputeUnit unit = lockSeen(handle, seen);
            unit.requireAllocated("change the expiry of");
            handle.execute(
                    "UPDATE units SET expires_at = ?, expiry_told = 0 WHERE compute_id = ?",
                    Rows.text(expiresAt),
                    id.value());
            noteOutsideOperation(handle, unit, expiresAt == null ? "expires never" : "expires at " + expiresAt, now);
            return Inventory.findUnit(handle, id).orElseThrow();
        });
    }

    private ComputeUnit lockSeen(Handle handle, ComputeUnit seen) {
        ComputeUnit unit = inventory.lockUnit(handle, seen.id()).orElseThrow(() -> Inventory.unknownUnit(seen.id()));
        Inventory.requireOwner(unit, seen.owner());
        return unit;
    }

    /** Returns the units that expire until then and of which that was not returned before, at any replica. */
    public List<ComputeUnit> tellExpiring(Instant until, Instant now) {
        if (idsOf(SOON, until).isEmpty()) {
            return List.of();
        }
        return database.write(handle -> {
            List<ComputeUnit> told = new ArrayList<>();
            for (ComputeId id : idsOf(handle, SOON, until)) {
                int changed = handle.execute(
                        "UPDATE units SET expiry_told = 1 WHERE compute_id = ? AND expiry_told = 0", id.value());
                if (changed == 1) {
                    ComputeUnit unit = Inventory.findUnit(handle, id).orElseThrow();
                    noteOutsideOperation(handle, unit, EXPIRING, now);
                    told.add(unit);
                }
            }
            return told;
        });
    }

    /** Returns whether a change is that the tenant's unit was found to expire soon; an operator's reason may read the same. */
    public static boolean isExpiry(Operations.Change change, ComputeUnit unit) {
        return unit.status() == UnitStatus.ALLOCATED && change.reason().equals(EXPIRING);
    }

    /** Returns the units whose time is over. */
    public List<ComputeId> expired(Instant now) {
        return idsOf(OVER, now);
    }

    /**
     * Begins to take back a unit whose time is over, and returns the operation that does so, once at all replicas; none if an
     * operation is under way on the unit, which is left for later, or if its time is not over any more.
     *
     * @param operation makes the operation for the unit
     */
    public Optional<Operation> beginExpired(ComputeId id, Instant now, Function<ComputeUnit, Operation> operation) {
        return database.write(handle -> inventory
                .lockUnit(handle, id)
                .filter(unit -> hasExpired(unit, now) && isIdle(handle, unit))
                .map(unit -> beginExpired(handle, unit, operation.apply(unit))));
    }

    private Operation beginExpired(Handle handle, ComputeUnit unit, Operation operation) {
        String reason = "expired at " + unit.expiresAt();
        inventory.change(handle, unit, UnitStatus.DEALLOCATING, reason, operation.id(), operation.createdAt());
        operations.insertFenced(handle, operation, DataDisks.KEEP, null);
        return operation;
    }

    private static boolean hasExpired(ComputeUnit unit, Instant now) {
        Instant expiresAt = unit.expiresAt();
        return EXPIRING_IN.contains(unit.status()) && expiresAt != null && !expiresAt.isAfter(now);
    }

    private List<ComputeId> idsOf(String select, Instant until) {
        return database.read(handle -> idsOf(handle, select, until));
    }

    private static List<ComputeId> idsOf(Handle handle, String select, Instant until) {
        return handle.createQuery(select)
                .bind("until", Rows.text(until))
                .map((row, context) -> new ComputeId(row.getString(1)))
                .list();
    }

    private void noteOutsideOperation(Handle handle, ComputeUnit unit, String what, Instant at) {
        String status = unit.status().toString();
        inventory.noteChange(handle, unit.id().value(), Operations.NONE, at, status, status, what);
    }

    /** Notes what was done to a unit whose status stays. */
    void note(Handle handle, ComputeUnit unit, Operation operation, String reason, Instant at) {
        handle.createUpdate("UPDATE units SET reason = :reason, operation_id = :operation WHERE compute_id = :id")
                .bind("reason", reason)
                .bind("operation", operation.id())
                .bind("id", unit.id().value())
                .execute();
        String status = unit.status().toString();
        inventory.noteChange(handle, unit.id().value(), operation.id(), at, status, status, reason);
    }

    /**
     * Makes sure that no operation on the unit is under way.
     *
     * @throws KloigosException WRONG_STATE if there is one
     */
    public void requireIdle(ComputeUnit unit) {
        database.read(handle -> {
            requireIdle(handle, unit);
            return unit;
        });
    }

    static void requireIdle(Handle handle, ComputeUnit unit) {
        underWay(handle, unit).ifPresent(operation -> {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot change unit " + unit.id() + " now: operation " + operation.id() + " (" + operation.kind()
                            + ") is under way on it. Wait until it ends, or cancel it.");
        });
    }

    private static boolean isIdle(Handle handle, ComputeUnit unit) {
        return underWay(handle, unit).isEmpty();
    }

    static Optional<Operation> underWay(Handle handle, ComputeUnit unit) {
        return Operations.underWay(handle, unit.operationId());
    }
}
