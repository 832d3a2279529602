package io.kloigos.inventory;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** An empty database on a real PostgreSQL server, which lasts as long as the tests. */
final class PostgresDatabase implements AutoCloseable {
    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static final int CONNECTIONS = 16;

    private final HikariDataSource source;

    private PostgresDatabase(HikariDataSource source) {
        this.source = source;
    }

    /** Started when the first test asks for it; its own shutdown hook ends it. */
    private static final class Server {
        private static final EmbeddedPostgres SERVER = start();

        private static EmbeddedPostgres start() {
            try {
                return EmbeddedPostgres.start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    static PostgresDatabase fresh() {
        String name = "test" + NUMBER.incrementAndGet();
        try (Connection connection = Server.SERVER.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        HikariConfig config = new HikariConfig();
        config.setDataSource(Server.SERVER.getDatabase("postgres", name));
        config.setMaximumPoolSize(CONNECTIONS);
        return new PostgresDatabase(new HikariDataSource(config));
    }

    DataSource source() {
        return source;
    }

    @Override
    public void close() {
        source.close();
    }
}
