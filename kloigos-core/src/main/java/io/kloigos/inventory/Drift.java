package io.kloigos.inventory;

import com.fasterxml.jackson.core.type.TypeReference;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Warning;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * How servers were found to differ from this inventory, and their repairs. Safe for use by many threads. Throws as {@link
 * Inventory} does.
 */
public final class Drift {
    private static final TypeReference<List<Deviation>> DEVIATIONS = new TypeReference<>() {};
    private static final TypeReference<Map<ComputeId, Integer>> COUNTS = new TypeReference<>() {};

    private final Database database;
    private final Inventory inventory;
    private final Operations operations;

    Drift(Database database, Inventory inventory, Operations operations) {
        this.database = database;
        this.inventory = inventory;
        this.operations = operations;
    }

    /**
     * Returns the servers that are ready and were not looked at for so long; this replica is the one to look at them now.
     *
     * @param every how long a server may go without being looked at
     * @param most how many at most
     */
    public List<String> claimDue(Duration every, int most) {
        return database.write(handle -> {
            handle.createUpdate("INSERT INTO drift (hostname, due) SELECT hostname, " + database.now()
                            + " + :every FROM servers s WHERE status = :ready"
                            + " AND NOT EXISTS (SELECT 1 FROM drift d WHERE d.hostname = s.hostname)")
                    .bind("ready", ServerStatus.READY.toString())
                    .bind("every", every.toMillis())
                    .execute();
            List<String> due = handle.createQuery(
                            "SELECT d.hostname FROM drift d JOIN servers s ON s.hostname = d.hostname"
                                    + " WHERE d.due <= " + database.now()
                                    + " AND s.status = :ready ORDER BY d.due, d.hostname LIMIT :most"
                                    + database.lockingUnlocked("d"))
                    .bind("ready", ServerStatus.READY.toString())
                    .bind("most", most)
                    .mapTo(String.class)
                    .list();
            for (String hostname : due) {
                handle.createUpdate("UPDATE drift SET due = " + database.now() + " + :every WHERE hostname = :hostname")
                        .bind("every", every.toMillis())
                        .bind("hostname", hostname)
                        .execute();
            }
            return due;
        });
    }

    /** Returns how the server was when it was last looked at. */
    public Optional<DriftReport> find(String hostname) {
        return database.read(handle -> find(handle, hostname));
    }

    private static Optional<DriftReport> find(Handle handle, String hostname) {
        return handle.createQuery("SELECT * FROM drift WHERE hostname = :hostname AND checked_at IS NOT NULL")
                .bind("hostname", hostname)
                .map((row, context) -> report(row))
                .findOne();
    }

    private static DriftReport report(ResultSet row) throws SQLException {
        return new DriftReport(
                row.getString("hostname"),
                Instant.parse(row.getString("checked_at")),
                row.getInt("facts"),
                Json.read(row.getString("unit_facts"), COUNTS),
                Json.read(row.getString("deviations"), DEVIATIONS));
    }

    /** Returns how all servers that are ready were when each was last looked at, by name. */
    public List<DriftReport> all() {
        return database.read(Drift::all);
    }

    static List<DriftReport> all(Handle handle) {
        return handle.createQuery("SELECT d.* FROM drift d JOIN servers s ON s.hostname = d.hostname"
                        + " WHERE d.checked_at IS NOT NULL AND s.status = :ready ORDER BY d.hostname")
                .bind("ready", ServerStatus.READY.toString())
                .map((row, context) -> report(row))
                .list();
    }

    /** Keeps what was found on a server, and returns what was found before; nothing is kept of a server that is gone. */
    public Optional<DriftReport> put(DriftReport report) {
        return database.write(handle -> {
            Optional<DriftReport> before = find(handle, report.hostname());
            handle.createUpdate("INSERT INTO drift (hostname, due) SELECT hostname, 0 FROM servers s"
                            + " WHERE hostname = :hostname"
                            + " AND NOT EXISTS (SELECT 1 FROM drift d WHERE d.hostname = s.hostname)")
                    .bind("hostname", report.hostname())
                    .execute();
            handle.createUpdate("UPDATE drift SET checked_at = :at, facts = :facts, unit_facts = :unitFacts,"
                            + " deviations = :deviations WHERE hostname = :hostname")
                    .bind("at", Rows.text(report.checkedAt()))
                    .bind("facts", report.facts())
                    .bind("unitFacts", Json.write(report.unitFacts()))
                    .bind("deviations", Json.write(report.deviations()))
                    .bind("hostname", report.hostname())
                    .execute();
            return before;
        });
    }

    /**
     * Makes sure that a server could be repaired now.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is not ready, or something is under way on it or on a unit of it
     */
    public void requireRepairable(String hostname) {
        database.read(handle -> requireRepairable(handle, hostname, Inventory.findUnitsOf(handle, hostname, "")));
    }

    private static Server requireRepairable(Handle handle, String hostname, List<ComputeUnit> units) {
        Server server = Inventory.findServer(handle, hostname).orElseThrow(() -> Inventory.unknownServer(hostname));
        server.requireReady("repair");
        List<ComputeId> busy = units.stream()
                .filter(unit -> Tenancies.underWay(handle, unit).isPresent())
                .map(ComputeUnit::id)
                .toList();
        if (!busy.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot repair " + hostname + " now: something is under way on " + busy + ". Wait until it ends.");
        }
        Operations.requireIdle(handle, server, "repair");
        return server;
    }

    /**
     * Keeps what a look at a server told anew of its host; nothing is kept of a server that is gone.
     *
     * @param server as it was when it was looked at
     * @param facts what its host says of itself now
     * @param warnings what follows from that
     */
    public void learn(Server server, HostFacts facts, List<Warning> warnings, Instant now) {
        database.write(handle -> {
            int changed = handle.createUpdate("UPDATE servers SET facts = :facts, warnings = :warnings"
                            + " WHERE hostname = :hostname AND created_at = :created AND status = :ready")
                    .bind("facts", facts.toString())
                    .bind("warnings", Json.write(warnings))
                    .bind("hostname", server.hostname())
                    .bind("created", Rows.text(server.createdAt()))
                    .bind("ready", ServerStatus.READY.toString())
                    .execute();
            if (changed > 0) {
                String status = ServerStatus.READY.toString();
                inventory.noteChange(
                        handle, server.hostname(), Operations.NONE, now, status, status, "facts of the host changed");
            }
            return changed;
        });
    }

    /**
     * Writes {@code operation}, which will mend what differs on a server.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the server is not ready, or something is under way on it or on a unit
     *     of it; KEY_IN_USE
     */
    public void beginRepair(Operation operation, List<Deviation> deviations, @Nullable IdempotencyKey key) {
        database.write(handle -> {
            String hostname = operation.hostname();
            // The locks come first: whoever begins something on a unit or the server has them too, and is seen
            // afterwards.
            Server server = requireRepairable(handle, hostname, inventory.lockUnitsOf(handle, hostname));
            operations.insertFenced(handle, operation, DataDisks.KEEP, key);
            Operations.want(handle, operation.id(), deviations);
            handle.execute(
                    "UPDATE servers SET reason = '', operation_id = ? WHERE hostname = ?", operation.id(), hostname);
            note(handle, server, operation, "", operation.createdAt());
            return operation;
        });
    }

    /** Returns what a repair is to mend. */
    public List<Deviation> wanted(Operation repair) {
        return database.read(handle -> Operations.wanted(handle, repair.id(), DEVIATIONS));
    }

    /**
     * Ends a repair. The server's status stays, and so does its reason if something else was begun on it since.
     *
     * @param ended the operation as it is to be kept
     * @param reason why it failed; empty if it succeeded
     */
    public void end(Operation ended, String reason, Instant now) {
        database.write(handle -> {
            operations.end(handle, ended);
            handle.execute(
                    "UPDATE servers SET reason = ? WHERE hostname = ? AND operation_id = ?",
                    reason,
                    ended.hostname(),
                    ended.id());
            Inventory.findServer(handle, ended.hostname())
                    .ifPresent(server -> note(handle, server, ended, reason, now));
            return ended;
        });
    }

    private void note(Handle handle, Server server, Operation operation, String reason, Instant at) {
        String status = server.status().toString();
        inventory.noteChange(handle, server.hostname(), operation.id(), at, status, status, reason);
    }
}
