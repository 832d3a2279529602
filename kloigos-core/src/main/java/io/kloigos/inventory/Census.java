package io.kloigos.inventory;

import io.kloigos.model.FleetCounts;
import io.kloigos.model.FleetCounts.DriftCount;
import io.kloigos.model.FleetCounts.OperationCount;
import io.kloigos.model.FleetCounts.ServerCount;
import io.kloigos.model.FleetCounts.UnitCount;
import io.kloigos.model.Operation;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitStatus;
import java.time.Instant;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Counts what is in an inventory. The database does the counting: units, which may be very many, by an index that has all that is
 * asked of them. Safe for use by many threads. Throws as {@link Inventory} does.
 */
public final class Census {
    private final Database database;

    Census(Database database) {
        this.database = database;
    }

    /** Returns how much of what there is. */
    public FleetCounts take() {
        return database.read(handle ->
                new FleetCounts(units(handle, null), servers(handle), unfinished(handle, null), drift(handle)));
    }

    /** Returns how much of what there is to a tenant: of its own units and operations, of the servers, and of no drift. */
    public FleetCounts take(Tenant owner) {
        return database.read(
                handle -> new FleetCounts(units(handle, owner), servers(handle), unfinished(handle, owner), List.of()));
    }

    private static @Nullable String name(@Nullable Tenant owner) {
        return owner == null ? null : owner.name();
    }

    private static List<UnitCount> units(Handle handle, @Nullable Tenant owner) {
        return new Conditions()
                .equal("owner", name(owner))
                .query(
                        handle,
                        "SELECT s.region, s.zone, c.status, SUM(c.units) AS units, SUM(c.units * c.cpu_count) AS cpus"
                                + " FROM"
                                // In the order of the index units_by_status, so that nothing is sorted.
                                + " (SELECT status, cpu_count, hostname, COUNT(*) AS units FROM units",
                        "GROUP BY status, cpu_count, hostname) c JOIN servers s ON s.hostname = c.hostname"
                                + " GROUP BY s.region, s.zone, c.status")
                .map((row, context) -> new UnitCount(
                        row.getString("region"),
                        row.getString("zone"),
                        Rows.named(UnitStatus.values(), row.getString("status")),
                        row.getLong("units"),
                        row.getLong("cpus")))
                .list();
    }

    private static List<ServerCount> servers(Handle handle) {
        return handle.createQuery("SELECT region, zone, status, cordoned, COUNT(*) AS servers FROM servers"
                        + " GROUP BY region, zone, status, cordoned")
                .map((row, context) -> new ServerCount(
                        row.getString("region"),
                        row.getString("zone"),
                        Rows.named(ServerStatus.values(), row.getString("status")),
                        row.getInt("cordoned") != 0,
                        row.getLong("servers")))
                .list();
    }

    private static List<OperationCount> unfinished(Handle handle, @Nullable Tenant owner) {
        return new Conditions()
                .and(Operations.UNFINISHED, List.of())
                .equal("owner", name(owner))
                .query(
                        handle,
                        "SELECT kind, state, COUNT(*) AS operations, MIN(COALESCE(started_at, created_at)) AS oldest"
                                + " FROM operations",
                        "GROUP BY kind, state")
                .map((row, context) -> new OperationCount(
                        Rows.named(Operation.Kind.values(), row.getString("kind")),
                        Rows.named(Operation.State.values(), row.getString("state")),
                        row.getLong("operations"),
                        Instant.parse(row.getString("oldest"))))
                .list();
    }

    private static List<DriftCount> drift(Handle handle) {
        return Drift.all(handle).stream()
                .map(report -> new DriftCount(
                        report.hostname(),
                        report.checkedAt(),
                        report.deviations().size()))
                .toList();
    }
}
