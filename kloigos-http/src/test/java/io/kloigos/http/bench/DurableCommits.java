package io.kloigos.http.bench;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/** What the disk can do: transactions of one row each, one after the other, each on the disk before the next begins. */
final class DurableCommits implements AutoCloseable {
    private final Connection connection;
    private final PreparedStatement insert;

    DurableCommits(Path file) throws SQLException {
        connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("PRAGMA synchronous = FULL");
            statement.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)");
        }
        insert = connection.prepareStatement(
                "INSERT INTO rows (text) VALUES ('a row of forty characters, as good as any')");
    }

    double perSecond(int commits) throws SQLException {
        long begin = System.nanoTime();
        for (int commit = 0; commit < commits; commit++) {
            insert.executeUpdate();
        }
        return commits * 1e9 / (System.nanoTime() - begin);
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
