package io.kloigos.inventory;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** What operators take out of service. Safe for use by many threads. Throws as {@link Inventory} does. */
public final class OutOfService {
    private static final Set<ServerStatus> FORGOTTEN_FROM =
            EnumSet.of(ServerStatus.INIT_FAIL, ServerStatus.DECOMMISSION_FAIL);

    private final Database database;
    private final Inventory inventory;
    private final Operations operations;

    OutOfService(Database database, Inventory inventory, Operations operations) {
        this.database = database;
        this.inventory = inventory;
        this.operations = operations;
    }

    /**
     * Lets a server get no new tenants, and returns it. One that is cordoned already gets the reason.
     *
     * @param key under which it is done once; null for each time
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is decommissioned; KEY_REUSED
     */
    public Server cordon(String hostname, Reason reason, @Nullable IdempotencyKey key, Instant now) {
        return database.write(handle -> once(handle, key, now, () -> find(handle, hostname), () -> {
            // A claim holds the lock of its unit, so it is either seen here or sees this.
            inventory.lockUnitsOf(handle, hostname);
            return setCordon(handle, hostname, reason, now);
        }));
    }

    /**
     * Lets a server get tenants again, and returns it.
     *
     * @param key under which it is done once; null for each time
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is decommissioned; KEY_REUSED
     */
    public Server uncordon(String hostname, @Nullable IdempotencyKey key, Instant now) {
        return database.write(handle ->
                once(handle, key, now, () -> find(handle, hostname), () -> setCordon(handle, hostname, null, now)));
    }

    /** Returns what {@code change} returns; if that was done under the key before, how it stands now. */
    private static <T> T once(
            Handle handle, @Nullable IdempotencyKey key, Instant now, Supplier<T> present, Supplier<T> change) {
        if (key == null) {
            return change.get();
        }
        if (Operations.isDone(handle, key)) {
            return present.get();
        }
        T changed = change.get();
        Operations.remember(handle, key, now);
        return changed;
    }

    private Server setCordon(Handle handle, String hostname, @Nullable Reason reason, Instant now) {
        Server server = find(handle, hostname);
        if (server.status() == ServerStatus.DECOMMISSIONED) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE, "Cannot cordon or uncordon " + hostname + ": it is decommissioned.");
        }
        handle.execute(
                "UPDATE servers SET cordoned = ?, cordon_reason = ? WHERE hostname = ?",
                reason == null ? 0 : 1,
                reason == null ? null : reason.text(),
                hostname);
        String status = server.status().toString();
        String what = reason == null ? "uncordoned" : "cordoned: " + reason;
        inventory.noteChange(handle, hostname, Operations.NONE, now, status, status, what);
        return find(handle, hostname);
    }

    /**
     * Writes down that a server is gone with everything on it, and returns it.
     *
     * @param key under which it is done once; null for each time
     * @throws KloigosException NOT_FOUND; WRONG_STATE if neither its init nor its decommission failed; KEY_REUSED
     */
    public Server forget(String hostname, Reason reason, @Nullable IdempotencyKey key, Instant now) {
        return database.write(handle -> once(handle, key, now, () -> find(handle, hostname), () -> {
            List<ComputeUnit> units = inventory.lockUnitsOf(handle, hostname);
            Server server = find(handle, hostname);
            if (!FORGOTTEN_FROM.contains(server.status())) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot forget " + hostname + ": it is " + server.status()
                                + ". Decommission it; only when that has failed, since the host is gone, it is forgotten.");
            }
            String operation = String.valueOf(server.operationId());
            for (ComputeUnit unit : units) {
                inventory.change(handle, unit, UnitStatus.DECOMMISSIONED, reason.text(), operation, now);
                Inventory.forgetTenant(handle, unit.id());
            }
            inventory.change(handle, server, ServerStatus.DECOMMISSIONED, reason.text(), operation, now);
            return find(handle, hostname);
        }));
    }

    /**
     * Takes a free unit out of service, and returns it.
     *
     * @param key under which it is done once; null for each time
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not free; KEY_REUSED
     */
    public ComputeUnit withdraw(ComputeId id, Reason reason, @Nullable IdempotencyKey key, Instant now) {
        return database.write(handle -> once(handle, key, now, () -> lock(handle, id), () -> {
            ComputeUnit unit = lock(handle, id);
            if (unit.status() != UnitStatus.FREE) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot take unit " + id + " out of service: it is " + unit.status()
                                + ". Only a free unit can be; deallocate it first if a tenant has it.");
            }
            inventory.change(handle, unit, UnitStatus.UNAVAILABLE, reason.text(), Operations.NONE, now);
            return lock(handle, id);
        }));
    }

    /**
     * Takes a unit back into service, and returns it.
     *
     * @param key under which it is done once; null for each time
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not unavailable; KEY_REUSED
     */
    public ComputeUnit putBack(ComputeId id, @Nullable IdempotencyKey key, Instant now) {
        return database.write(handle -> once(handle, key, now, () -> lock(handle, id), () -> {
            ComputeUnit unit = lock(handle, id);
            if (unit.status() != UnitStatus.UNAVAILABLE) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot put unit " + id + " back into service: it is " + unit.status() + ", not "
                                + UnitStatus.UNAVAILABLE + ".");
            }
            inventory.change(handle, unit, UnitStatus.FREE, "", Operations.NONE, now);
            return lock(handle, id);
        }));
    }

    private ComputeUnit lock(Handle handle, ComputeId id) {
        return inventory.lockUnit(handle, id).orElseThrow(() -> Inventory.unknownUnit(id));
    }

    private static Server find(Handle handle, String hostname) {
        return Inventory.findServer(handle, hostname).orElseThrow(() -> Inventory.unknownServer(hostname));
    }

    /**
     * Cordons a server and begins to deallocate every unit that is in a tenant's hands, and returns the operations that do so,
     * those that did before among them. If that was done under the key before, only those are returned that are under way.
     *
     * @param check looks at the units first and throws if the server may not be drained
     * @param operation makes the operation for a unit
     * @throws KloigosException NOT_FOUND; WRONG_STATE; KEY_IN_USE
     */
    public List<Operation> drain(
            String hostname,
            Reason reason,
            @Nullable IdempotencyKey key,
            Instant now,
            Consumer<List<ComputeUnit>> check,
            Function<ComputeUnit, Operation> operation) {
        return database.write(handle -> {
            List<ComputeUnit> units = inventory.lockUnitsOf(handle, hostname);
            if (key != null && Operations.isDone(handle, key)) {
                return underWay(handle, units);
            }
            setCordon(handle, hostname, reason, now);
            check.accept(units);
            List<Operation> all = underWay(handle, units);
            IdempotencyKey unused = key;
            for (ComputeUnit unit : units) {
                if (unit.status().mayBecome(UnitStatus.DEALLOCATING)) {
                    Operation begun = operation.apply(unit);
                    inventory.change(handle, unit, UnitStatus.DEALLOCATING, "", begun.id(), begun.createdAt());
                    operations.insertFenced(handle, begun, DataDisks.KEEP, unused);
                    unused = null;
                    all.add(begun);
                }
            }
            if (unused != null) {
                Operations.remember(handle, unused, now);
            }
            return all;
        });
    }

    private static List<Operation> underWay(Handle handle, List<ComputeUnit> units) {
        List<Operation> deallocations = new ArrayList<>();
        for (ComputeUnit unit : units) {
            if (unit.status() == UnitStatus.DEALLOCATING) {
                Operations.find(handle, String.valueOf(unit.operationId())).ifPresent(deallocations::add);
            }
        }
        return deallocations;
    }

    /**
     * Returns the cordoned servers that have a free unit for the request, by host name.
     *
     * @param request what could not be allocated elsewhere
     */
    public List<Server> cordonedWithRoomFor(AllocateRequest request) {
        Conditions free = new Conditions()
                .and("u.hostname = s.hostname", List.of())
                .equal("u.status", UnitStatus.FREE.toString())
                .equal("u.cpu_count", request.cpuCount());
        return database.read(handle -> new Conditions()
                .equal("s.cordoned", 1)
                .equal("s.status", ServerStatus.READY.toString())
                .equal("s.region", request.region())
                .equal("s.zone", request.zone())
                .exists("units u", free)
                .query(handle, "SELECT * FROM servers s", "ORDER BY s.hostname")
                .map(Rows::server)
                .list());
    }
}
