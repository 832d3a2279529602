package io.kloigos.inventory;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Placement;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Sha256;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitStatus;
import io.kloigos.rules.Capacity;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.result.ResultIterable;
import org.jspecify.annotations.Nullable;

/**
 * Which free unit a request gets. Two tables tell it without a look at all units: how many units of each size are free on a
 * server beside how many tenants, and which servers hold units with which tag. They change in the transactions that change
 * the units.
 */
final class Placements {
    /** So many servers are looked at in the order of preference; more are needed only if others claim there too. */
    private static final int PREFERRED = 8;

    private static final String HOLDING_TENANTS = Stream.of(UnitStatus.values())
            .filter(UnitStatus::holdsTenant)
            .map(status -> "'" + status + "'")
            .collect(Collectors.joining(", ", "(", ")"));

    private final Database database;

    Placements(Database database) {
        this.database = database;
    }

    /** A condition on a server {@code s}, with a question mark for each value. */
    private record Bar(String condition, List<Object> values) {
        private static final Bar NONE = new Bar("1 = 0", List.of());
    }

    /** The free units of one size on a server. */
    private record Shelf(String hostname, int cpuCount) {}

    // Choosing

    /** Returns the unit that the request is to get, locked; empty if none that matches is free. */
    Optional<ComputeUnit> lock(Handle handle, AllocateRequest request) {
        AntiAffinity antiAffinity = request.antiAffinity();
        if (antiAffinity != null) {
            queueUp(handle, tag(request, antiAffinity));
        }
        Optional<ComputeUnit> unit;
        do {
            unit = preferred(handle, request, database.lockingUnlocked("u")).or(() -> waitForAny(handle, request));
            // Others may have cordoned its server between the look and the lock; the next look sees that.
        } while (database.isShared() && unit.isPresent() && isCordoned(handle, unit.get()));
        return unit;
    }

    private static boolean isCordoned(Handle handle, ComputeUnit unit) {
        return handle.createQuery("SELECT cordoned FROM servers WHERE hostname = ?")
                        .bind(0, unit.hostname())
                        .mapTo(Integer.class)
                        .one()
                == 1;
    }

    /** Returns the unit that {@link #lock} would return if nobody else claimed. */
    Optional<ComputeUnit> candidate(Handle handle, AllocateRequest request) {
        return preferred(handle, request, "").or(() -> any(handle, request, ""));
    }

    /**
     * Waits until no other transaction claims for this tag, and makes others wait until this one ends: what is inserted here
     * blocks an equal row although it is gone again, and leaves nothing behind.
     */
    private static void queueUp(Handle handle, String tag) {
        handle.execute("INSERT INTO tag_claims (tag) VALUES (?)", tag);
        handle.execute("DELETE FROM tag_claims WHERE tag = ?", tag);
    }

    private Optional<ComputeUnit> preferred(Handle handle, AllocateRequest request, String locking) {
        String order = request.placement() == Placement.PACK ? "DESC" : "ASC";
        // A cross join reads capacity first, in the order of its index, and ends with the first row that will do.
        // After an ANALYZE, SQLite would read all servers instead, and sort them.
        ResultIterable<Shelf> shelves = matching(handle, request)
                .and("s.hostname = c.hostname AND c.free > 0", List.of())
                .equal("c.cpu_count", request.cpuCount())
                .query(
                        handle,
                        "SELECT c.hostname, c.cpu_count FROM capacity c CROSS JOIN servers s",
                        "ORDER BY c.cpu_count, c.tenants " + order + ", c.hostname LIMIT " + PREFERRED)
                .map((row, context) -> new Shelf(row.getString(1), row.getInt(2)));
        try (Stream<Shelf> preferred = shelves.stream()) {
            return preferred
                    .map(shelf -> on(handle, shelf, order, locking))
                    .flatMap(Optional::stream)
                    .findFirst();
        }
    }

    /** Small units first, so that large ones stay whole for those who need them; on a server, NUMA node by NUMA node. */
    private static Optional<ComputeUnit> on(Handle handle, Shelf shelf, String order, String locking) {
        return handle.createQuery(Inventory.UNITS
                        + " LEFT JOIN (SELECT numa_nodes, COUNT(*) AS tenants FROM units WHERE hostname = :hostname"
                        + " AND status IN " + HOLDING_TENANTS + " GROUP BY numa_nodes) n ON n.numa_nodes = u.numa_nodes"
                        + " WHERE u.hostname = :hostname AND u.status = :free AND u.cpu_count = :size"
                        + " ORDER BY COALESCE(n.tenants, 0) " + order + ", u.ordinal LIMIT 1" + locking)
                .bind("hostname", shelf.hostname())
                .bind("size", shelf.cpuCount())
                .bind("free", UnitStatus.FREE.toString())
                .map(Rows::unit)
                .findOne();
    }

    /** Whatever others hold may be given back, or taken, until they end. Nobody is refused while something is free. */
    private Optional<ComputeUnit> waitForAny(Handle handle, AllocateRequest request) {
        Optional<ComputeUnit> unit;
        do {
            unit = any(handle, request, database.locking("u"));
        } while (unit.isEmpty() && any(handle, request, "").isPresent());
        return unit;
    }

    private static Optional<ComputeUnit> any(Handle handle, AllocateRequest request, String locking) {
        return matching(handle, request)
                .equal("u.status", UnitStatus.FREE.toString())
                .equal("u.cpu_count", request.cpuCount())
                .query(handle, Inventory.UNITS, "ORDER BY u.cpu_count, u.hostname, u.ordinal LIMIT 1" + locking)
                .map(Rows::unit)
                .findOne();
    }

    /** Returns what a server must be to have a unit for the request, whatever its size. */
    private static Conditions matching(Handle handle, AllocateRequest request) {
        Bar bar = bar(handle, request);
        return placed(request).and("NOT (" + bar.condition() + ")", bar.values());
    }

    private static Conditions placed(AllocateRequest request) {
        return inService().equal("s.region", request.region()).equal("s.zone", request.zone());
    }

    private static Conditions inService() {
        return new Conditions().equal("s.status", ServerStatus.READY.toString()).equal("s.cordoned", 0);
    }

    /** Returns which servers the anti-affinity of the request rules out. */
    private static Bar bar(Handle handle, AllocateRequest request) {
        AntiAffinity antiAffinity = request.antiAffinity();
        if (antiAffinity == null) {
            return Bar.NONE;
        }
        String tag = tag(request, antiAffinity);
        return switch (antiAffinity.over()) {
            case SERVER ->
                new Bar(
                        "EXISTS (SELECT 1 FROM tenant_tags t WHERE t.tag = ? AND t.hostname = s.hostname)",
                        List.of(tag));
            case ZONE -> zones(handle, tag);
        };
    }

    private static Bar zones(Handle handle, String tag) {
        List<Bar> zones = handle.createQuery("SELECT DISTINCT s.region, s.zone FROM tenant_tags t"
                        + " JOIN servers s ON s.hostname = t.hostname WHERE t.tag = ?")
                .bind(0, tag)
                .map((row, context) ->
                        new Bar("s.region = ? AND s.zone = ?", List.of(row.getString(1), row.getString(2))))
                .list();
        return zones.stream()
                .reduce((one, other) -> new Bar(
                        one.condition() + " OR " + other.condition(),
                        Stream.concat(one.values().stream(), other.values().stream())
                                .toList()))
                .orElse(Bar.NONE);
    }

    private static String tag(AllocateRequest request, AntiAffinity antiAffinity) {
        String value = request.tags().text(antiAffinity.tag()).orElseThrow();
        return tag(request.owner(), antiAffinity.tag(), value);
    }

    /**
     * Names and values may be longer than what a database has in an index. What one tenant notes says nothing to another,
     * and bars none of its units.
     */
    private static String tag(@Nullable Tenant owner, String name, String value) {
        String whose = owner == null ? "" : owner + " ";
        return Sha256.of(whose + name.length() + ":" + name + value).hex();
    }

    // Explaining

    /** Returns what is free where the anti-affinity of the request does not rule it out, in whatever size and place. */
    List<Capacity> capacity(Handle handle, AllocateRequest request) {
        Bar bar = bar(handle, request);
        return inService()
                .equal("u.status", UnitStatus.FREE.toString())
                .and("NOT (" + bar.condition() + ")", bar.values())
                .query(
                        handle,
                        "SELECT s.region, s.zone, u.cpu_count, COUNT(*) AS units"
                                + " FROM units u JOIN servers s ON s.hostname = u.hostname",
                        "GROUP BY s.region, s.zone, u.cpu_count")
                .map((row, context) -> new Capacity(
                        row.getString("region"), row.getString("zone"), row.getInt("cpu_count"), row.getInt("units")))
                .list();
    }

    /** Returns what is free and matches but for the anti-affinity of the request. */
    Capacity.Barred barred(Handle handle, AllocateRequest request) {
        AntiAffinity antiAffinity = request.antiAffinity();
        Bar bar = bar(handle, request);
        String place = antiAffinity != null && antiAffinity.over() == AntiAffinity.Scope.ZONE
                ? "s.region || '/' || s.zone"
                : "s.hostname";
        List<Capacity.Barred> places = placed(request)
                .and("c.free > 0", List.of())
                .equal("c.cpu_count", request.cpuCount())
                .and("(" + bar.condition() + ")", bar.values())
                .query(
                        handle,
                        "SELECT " + place + " AS place, SUM(c.free) AS free FROM capacity c"
                                + " JOIN servers s ON s.hostname = c.hostname",
                        "GROUP BY " + place + " ORDER BY place")
                .map((row, context) -> new Capacity.Barred(row.getInt("free"), List.of(row.getString("place"))))
                .list();
        return places.stream()
                .reduce((one, other) -> new Capacity.Barred(
                        one.units() + other.units(),
                        Stream.concat(one.places().stream(), other.places().stream())
                                .toList()))
                .orElse(Capacity.Barred.NONE);
    }

    // What changes

    /** Begins to count the units of a server, none of which is free or has a tenant yet. */
    void add(Handle handle, String hostname, List<ComputeUnit> units) {
        units.stream()
                .map(unit -> unit.cpus().count())
                .distinct()
                .forEach(size -> handle.execute("INSERT INTO capacity VALUES (?, ?, 0, 0)", hostname, size));
    }

    /** Counts a unit whose status changes to {@code next}. */
    void change(Handle handle, ComputeUnit unit, UnitStatus next) {
        UnitStatus before = unit.status();
        int free = Boolean.compare(next == UnitStatus.FREE, before == UnitStatus.FREE);
        int tenants = Boolean.compare(next.holdsTenant(), before.holdsTenant());
        if (free != 0 || tenants != 0) {
            handle.createUpdate("UPDATE capacity SET tenants = tenants + :tenants,"
                            + " free = free + CASE WHEN cpu_count = :size THEN :free ELSE 0 END"
                            + " WHERE hostname = :hostname")
                    .bind("tenants", tenants)
                    .bind("free", free)
                    .bind("size", unit.cpus().count())
                    .bind("hostname", unit.hostname())
                    .execute();
        }
        if (before.mayHaveOrGetTenant() && !next.mayHaveOrGetTenant()) {
            forgetTags(handle, unit);
        }
    }

    private static void forgetTags(Handle handle, ComputeUnit unit) {
        handle.execute("DELETE FROM tenant_tags WHERE compute_id = ?", unit.id().value());
    }

    /** Notes that a unit's tenant has other tags now. */
    void retag(Handle handle, ComputeUnit unit, Tags tags) {
        forgetTags(handle, unit);
        tag(handle, unit, tags);
    }

    /** Notes the tags of a unit's new tenant. */
    void tag(Handle handle, ComputeUnit unit, Tags tags) {
        var rows = handle.prepareBatch("INSERT INTO tenant_tags (tag, hostname, compute_id) VALUES (?, ?, ?)");
        tags.values()
                .keySet()
                .forEach(name -> tags.text(name)
                        .ifPresent(value -> rows.add(
                                tag(unit.owner(), name, value),
                                unit.hostname(),
                                unit.id().value())));
        rows.execute();
    }
}
