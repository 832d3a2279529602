package io.kloigos.http.bench;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.kloigos.KloigosBuilder;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A database of a fleet: a file of SQLite's, or one on a PostgreSQL server.
 *
 * @param url its JDBC URL
 */
record BenchDatabase(String url) {
    private static final String SQLITE = "jdbc:sqlite:";
    private static final int CONNECTIONS = 16;

    static BenchDatabase sqlite(Path file) {
        return new BenchDatabase(SQLITE + file);
    }

    /** Returns the file of a database of SQLite's. */
    Path file() {
        return Path.of(url.substring(SQLITE.length()));
    }

    private boolean isSqlite() {
        return url.startsWith(SQLITE);
    }

    /** Has a Kloigos keep its inventory here. */
    KloigosBuilder keptBy(KloigosBuilder builder) {
        if (isSqlite()) {
            return builder.database(file());
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(CONNECTIONS);
        return builder.database(new HikariDataSource(config));
    }

    Connection connect() throws SQLException {
        Connection connection = DriverManager.getConnection(url);
        if (isSqlite()) {
            execute(connection, "PRAGMA busy_timeout = 30000");
        }
        return connection;
    }

    /** Returns a connection whose commits need not be on the disk yet. */
    Connection connectForLoading() throws SQLException {
        Connection connection = connect();
        execute(connection, isSqlite() ? "PRAGMA synchronous = OFF" : "SET synchronous_commit = off");
        return connection;
    }

    /** Has everything that was loaded on the disk. PostgreSQL would count it for its planner of queries by itself, SQLite never. */
    void settle() throws SQLException {
        try (Connection connection = connect()) {
            if (isSqlite()) {
                execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
            } else {
                execute(connection, "CHECKPOINT");
                execute(connection, "ANALYZE");
            }
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
