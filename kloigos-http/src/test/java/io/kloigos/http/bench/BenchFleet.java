package io.kloigos.http.bench;

import io.kloigos.Kloigos;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A database with a fleet of any size: one server is prepared by Kloigos, and its rows are copied under other names. All
 * servers have 256 CPUs, in 63 units of four.
 */
final class BenchFleet {
    static final int UNITS_PER_SERVER = 63;

    private static final String FIRST = "host0";

    private final BenchDatabase database;
    private final int servers;

    private BenchFleet(BenchDatabase database, int servers) {
        this.database = database;
        this.servers = servers;
    }

    /** Makes the database. */
    static BenchFleet ofUnits(Path file, int units) throws SQLException {
        return ofUnits(BenchDatabase.sqlite(file), units);
    }

    /** Makes the tables and fills them. */
    static BenchFleet ofUnits(BenchDatabase database, int units) throws SQLException {
        return ofServers(database, (units + UNITS_PER_SERVER - 1) / UNITS_PER_SERVER);
    }

    /** Makes the database. */
    static BenchFleet ofServers(Path file, int servers) throws SQLException {
        return ofServers(BenchDatabase.sqlite(file), servers);
    }

    private static BenchFleet ofServers(BenchDatabase database, int servers) throws SQLException {
        BenchFleet fleet = new BenchFleet(database, servers);
        fleet.prepareFirst();
        fleet.copyFirst();
        return fleet;
    }

    BenchDatabase database() {
        return database;
    }

    /** Returns the database's file; it is one of SQLite's. */
    Path file() {
        return database.file();
    }

    int servers() {
        return servers;
    }

    int units() {
        return servers * UNITS_PER_SERVER;
    }

    private void prepareFirst() {
        List<CpuSet> ranges = IntStream.rangeClosed(1, UNITS_PER_SERVER)
                .mapToObj(unit -> CpuSet.range(unit * 4, unit * 4 + 3))
                .toList();
        try (Kloigos kloigos = database.keptBy(Kloigos.builder())
                .driver(new InstantDriver(Duration.ZERO))
                .neverCheckDrift()
                .build()) {
            HostAddress address = new HostAddress(FIRST, "198.18.0.1", null, null, null);
            kloigos.await(kloigos.initServer(InitServerRequest.of(address, "eu", "a", ranges))
                    .id());
        }
    }

    private void copyFirst() throws SQLException {
        try (Connection connection = database.connectForLoading();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String table : List.of("servers", "units", "capacity", "unit_cpus")) {
                copy(statement, table);
            }
            connection.commit();
        }
        database.settle();
    }

    private void copy(Statement statement, String table) throws SQLException {
        Map<String, String> copied = Map.of(
                "hostname", "'host' || n",
                "ip", "'10.' || (n / 65536) || '.' || (n / 256 % 256) || '.' || (n % 256)",
                "compute_id", "replace(compute_id, '" + FIRST + "_', 'host' || n || '_')");
        List<String> values = new ArrayList<>();
        try (ResultSet columns = statement.getConnection().getMetaData().getColumns(null, null, table, "%")) {
            while (columns.next()) {
                values.add(copied.getOrDefault(columns.getString("COLUMN_NAME"), columns.getString("COLUMN_NAME")));
            }
        }
        statement.executeUpdate("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < "
                + (servers - 1) + ") INSERT INTO " + table + " SELECT " + String.join(", ", values)
                + " FROM numbers CROSS JOIN " + table + " WHERE hostname = '" + FIRST + "' AND n < " + servers);
    }

    /** Makes all units free again, and forgets what became of them. */
    void reset() throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.executeUpdate("UPDATE units SET status = 'free', tags = '{}', deployment_id = NULL,"
                    + " ssh_public_keys = '[]', started_at = NULL, operation_id = NULL WHERE status <> 'free'");
            statement.executeUpdate("UPDATE capacity SET free = free + tenants, tenants = 0 WHERE tenants > 0");
            for (String table : List.of("tenant_tags", "changes", "audit_log")) {
                statement.executeUpdate("DELETE FROM " + table);
            }
            statement.executeUpdate("DELETE FROM operations WHERE kind <> 'init'");
            connection.commit();
        }
    }

    /** Returns how many units are allocated, by units and by what is counted for each server. */
    List<Integer> allocated() throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT (SELECT COUNT(*) FROM units WHERE status = 'allocated'),"
                        + " (SELECT SUM(tenants) FROM capacity)")) {
            row.next();
            return List.of(row.getInt(1), row.getInt(2));
        }
    }
}
