package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is said of a change when PostgreSQL fails: only where nothing of it can be there is that said. */
class PostgresCommitTest {
    private final PostgresDatabase server = PostgresDatabase.fresh();
    private final AtomicInteger commits = new AtomicInteger();
    private Commit commit = Connection::commit;
    private Database database;

    /** What happens where a connection would commit. */
    private interface Commit {
        void of(Connection connection) throws SQLException;
    }

    @BeforeEach
    void open() {
        database = Database.Postgres.open(new Interfering(server.source()));
        database.write(handle -> handle.execute("CREATE TABLE notes (name TEXT PRIMARY KEY)"));
        commits.set(0);
    }

    @AfterEach
    void close() {
        database.close();
        server.close();
    }

    private static String note(Handle handle, String name) {
        handle.execute("INSERT INTO notes VALUES (?)", name);
        return name;
    }

    private List<String> notes() {
        return database.read(handle -> handle.createQuery("SELECT name FROM notes ORDER BY name")
                .mapTo(String.class)
                .list());
    }

    @Test
    void aCommitWhoseAnswerIsLostMayHaveChangedSomething() {
        commit = connection -> {
            connection.commit();
            throw new SQLException("An I/O error occurred while sending to the backend.", "08006");
        };

        assertThatThrownBy(() -> database.<String>write(handle -> note(handle, "kept")))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageContainingAll("I/O error", "It is not known whether anything was changed");
        assertThat(notes()).containsExactly("kept");
        assertThat(commits).as("commits").hasValue(1);
    }

    @Test
    void aConnectionThatEndsBeforeTheCommitHasChangedNothing() {
        assertThatThrownBy(() -> database.<String>write(handle -> {
                    note(handle, "lost");
                    handle.execute("SELECT pg_terminate_backend(pg_backend_pid())");
                    return "not reached";
                }))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageContaining("Nothing was changed.");
        assertThat(notes()).isEmpty();
    }

    @Test
    void aCommitThatSomebodyWasFasterThanIsRepeated() {
        commit = connection -> {
            if (commits.get() == 1) {
                connection.rollback();
                throw new SQLException("could not serialize access", "40001");
            }
            connection.commit();
        };

        assertThat(database.<String>write(handle -> note(handle, "second"))).isEqualTo("second");
        assertThat(notes()).containsExactly("second");
        assertThat(commits).as("commits").hasValue(2);
    }

    @Test
    void whoOnlyReadsIsNotToldOfChanges() {
        assertThatThrownBy(() -> database.read(handle -> handle.execute("SELECT no_such_column FROM notes")))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_FAILED))
                .hasMessageNotContaining("changed");
    }

    /** Connections on whose way to the commit something may happen. */
    private final class Interfering implements DataSource {
        private final DataSource source;

        Interfering(DataSource source) {
            this.source = source;
        }

        @Override
        public Connection getConnection() throws SQLException {
            Connection connection = source.getConnection();
            return (Connection) Proxy.newProxyInstance(
                    Connection.class.getClassLoader(),
                    new Class<?>[] {Connection.class},
                    (proxy, method, arguments) -> {
                        if (method.getName().equals("commit")) {
                            commits.incrementAndGet();
                            commit.of(connection);
                            return null;
                        }
                        try {
                            return method.invoke(connection, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        @Override
        public Connection getConnection(String user, String password) throws SQLException {
            return source.getConnection(user, password);
        }

        @Override
        public PrintWriter getLogWriter() throws SQLException {
            return source.getLogWriter();
        }

        @Override
        public void setLogWriter(PrintWriter out) throws SQLException {
            source.setLogWriter(out);
        }

        @Override
        public void setLoginTimeout(int seconds) throws SQLException {
            source.setLoginTimeout(seconds);
        }

        @Override
        public int getLoginTimeout() throws SQLException {
            return source.getLoginTimeout();
        }

        @Override
        public Logger getParentLogger() {
            return Logger.getLogger("interfering");
        }

        @Override
        public <T> T unwrap(Class<T> type) throws SQLException {
            return source.unwrap(type);
        }

        @Override
        public boolean isWrapperFor(Class<?> type) throws SQLException {
            return source.isWrapperFor(type);
        }
    }
}
