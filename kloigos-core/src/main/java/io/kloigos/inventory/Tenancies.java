package io.kloigos.inventory;

import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Tags;
import io.kloigos.planner.HostPlanner.DataDisks;
import java.time.Instant;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Changes of units that stay in their tenants' hands meanwhile. Safe for use by many threads. Throws as {@link Inventory}
 * does.
 */
public final class Tenancies {
    private final Database database;
    private final Inventory inventory;
    private final Operations operations;

    Tenancies(Database database, Inventory inventory, Operations operations) {
        this.database = database;
        this.inventory = inventory;
        this.operations = operations;
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
            ComputeUnit changed = change.apply(unit);
            requireIdle(handle, unit);
            note(handle, unit, operation, "", operation.createdAt());
            operations.insertFenced(handle, operation, DataDisks.KEEP, key);
            Operations.want(handle, operation.id(), Wanted.of(changed));
            return changed;
        });
    }

    /** Returns the unit as it will be once the operation that changes it has succeeded. */
    public ComputeUnit wanted(Operation operation) {
        return database.read(handle -> wanted(handle, subject(handle, operation), operation));
    }

    private static ComputeUnit wanted(Handle handle, ComputeUnit unit, Operation operation) {
        return Operations.wanted(handle, operation.id()).appliedTo(unit);
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
     * Ends an operation that changes a unit. If it succeeded, the unit becomes what was wanted; else it stays as it was.
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
            if (ended.state() == Operation.State.SUCCEEDED) {
                write(handle, wanted(handle, unit, ended));
            }
            return ended;
        });
    }

    private static void write(Handle handle, ComputeUnit unit) {
        handle.createUpdate("UPDATE units SET ssh_public_keys = :keys WHERE compute_id = :id")
                .bind("keys", Json.write(unit.sshPublicKeys()))
                .bind("id", unit.id().value())
                .execute();
    }

    /**
     * Gives a unit in a tenant's hands other tags, and returns it.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not allocated
     */
    public ComputeUnit setTags(ComputeId id, Tags tags, Instant now) {
        return database.write(handle -> {
            ComputeUnit unit = inventory.lockUnit(handle, id).orElseThrow(() -> Inventory.unknownUnit(id));
            unit.requireAllocated("change the tags of");
            handle.createUpdate("UPDATE units SET tags = :tags, deployment_id = :deployment WHERE compute_id = :id")
                    .bind("tags", Json.write(tags.values()))
                    .bind("deployment", tags.deploymentId().orElse(null))
                    .bind("id", id.value())
                    .execute();
            noteOutsideOperation(handle, unit, "tags changed", now);
            return Inventory.findUnit(handle, id).orElseThrow();
        });
    }

    private void noteOutsideOperation(Handle handle, ComputeUnit unit, String what, Instant at) {
        String status = unit.status().toString();
        inventory.audit(handle, unit.id().value(), Operations.NONE, at, status, status, what);
    }

    /** Notes what was done to a unit whose status stays. */
    void note(Handle handle, ComputeUnit unit, Operation operation, String reason, Instant at) {
        handle.createUpdate("UPDATE units SET reason = :reason, operation_id = :operation WHERE compute_id = :id")
                .bind("reason", reason)
                .bind("operation", operation.id())
                .bind("id", unit.id().value())
                .execute();
        String status = unit.status().toString();
        inventory.audit(handle, unit.id().value(), operation.id(), at, status, status, reason);
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
        String newest = unit.operationId();
        if (newest == null) {
            return;
        }
        Operations.find(handle, newest)
                .filter(operation -> !operation.state().isEnded())
                .ifPresent(operation -> {
                    throw new KloigosException(
                            ErrorCode.WRONG_STATE,
                            "Cannot change unit " + unit.id() + " now: operation " + operation.id() + " ("
                                    + operation.kind() + ") is under way on it. Wait until it ends, or cancel it.");
                });
    }
}
