package io.kloigos.inventory;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Handles;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/** A database that holds an inventory: how it is opened, and where its SQL differs from that of others. */
abstract sealed class Database implements AutoCloseable {
    /**
     * serialization_failure, deadlock_detected, and unique_violation: PostgreSQL undid the change, since somebody was faster.
     *
     * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL Error Codes</a>
     */
    private static final Set<String> UNDONE = Set.of("40001", "40P01", "23505");

    /** Returns what {@code change} returns, once everything that it wrote is on the disk. */
    abstract <T> T write(Function<Handle, T> change);

    abstract <T> T read(Function<Handle, T> query);

    /** Returns the SQL that tells the database's clock, in milliseconds since 1970. */
    abstract String now();

    /** Returns what is appended to a query so that others wait before they change the rows of the table that it found. */
    abstract String locking(String table);

    /** Returns what is appended to a query so that it finds only rows that nobody has locked, and locks them. */
    abstract String lockingUnlocked(String table);

    /**
     * Returns the SQL that tells whether all rows that have a number in this table so far are there to be read, so that none
     * can appear among them later. False where that cannot be told.
     */
    abstract String isSettled(String table);

    /** Returns whether other processes may use the same inventory at the same time. */
    abstract boolean isShared();

    @Override
    public abstract void close();

    /** @throws KloigosException STORE_FAILED if the change or its commit failed in the database */
    private static <T> T writing(Supplier<T> change) {
        try {
            return change.get();
        } catch (CommitException e) {
            throw failed(
                    e,
                    isKnownToBeUndone(e)
                            ? "Nothing was changed."
                            : "It is not known whether anything was changed; look before you ask for it again.");
        } catch (JdbiException e) {
            throw failed(e, "Nothing was changed.");
        }
    }

    /** @throws KloigosException STORE_FAILED if the query failed in the database */
    private static <T> T reading(Supplier<T> query) {
        try {
            return query.get();
        } catch (JdbiException e) {
            throw failed(e, "Try again, and look at the database if that fails too.");
        }
    }

    private static KloigosException failed(RuntimeException e, String outcome) {
        return new KloigosException(
                ErrorCode.STORE_FAILED, "The inventory's database failed: " + firstLine(e) + ". " + outcome, e);
    }

    private static boolean isKnownToBeUndone(RuntimeException failure) {
        for (Throwable e = failure; e != null; e = e.getCause()) {
            if (e instanceof SQLException sql && UNDONE.contains(String.valueOf(sql.getSQLState()))) {
                return true;
            }
        }
        return false;
    }

    private static String firstLine(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("");
    }

    private static Flyway migrations(DataSource source, String dialect) {
        return Flyway.configure(Database.class.getClassLoader())
                .dataSource(source)
                .locations("classpath:io/kloigos/inventory/migration/" + dialect)
                // Flyway ignores migrations of newer programs unless told not to.
                .ignoreMigrationPatterns(new String[0])
                .load();
    }

    /**
     * A file, used by this process alone. All changes go through one connection, those that wait for it in one transaction;
     * readers never wait for it (write-ahead log).
     *
     * @see <a href="https://www.sqlite.org/wal.html">SQLite, Write-Ahead Logging</a>
     */
    static final class Sqlite extends Database {
        private static final int READERS = 4;
        private static final int BUSY_TIMEOUT_MILLIS = 30_000;

        private final @Nullable InventoryLock lock;
        private final GroupCommit writer;
        private final Readers readers;

        private Sqlite(@Nullable InventoryLock lock, GroupCommit writer, Readers readers) {
            this.lock = lock;
            this.writer = writer;
            this.readers = readers;
        }

        static Sqlite open(Path file) {
            InventoryLock lock = tryLock(file)
                    .orElseThrow(() -> new KloigosException(
                            ErrorCode.STORE_FAILED,
                            "Cannot open the inventory " + file.toAbsolutePath()
                                    + ": another Kloigos has it open. Stop that one, or keep the inventory in PostgreSQL,"
                                    + " which many can share."));
            return open(file, lock);
        }

        /**
         * Opens the file although another process may have it open, which then has brought it up to date. SQLite's own locks
         * keep transactions apart.
         */
        static Sqlite openBeside(Path file) {
            return open(file, tryLock(file).orElse(null));
        }

        private static Sqlite open(Path file, @Nullable InventoryLock lock) {
            try {
                DataSource writer = source(file, SQLiteConfig.TransactionMode.IMMEDIATE);
                if (lock == null) {
                    migrations(writer, "sqlite").validate();
                } else {
                    migrations(writer, "sqlite").migrate();
                }
                DataSource reader = source(file, SQLiteConfig.TransactionMode.DEFERRED);
                return new Sqlite(
                        lock, new GroupCommit(() -> connect(writer)), new Readers(() -> connect(reader), READERS));
            } catch (FlywayException | JdbiException e) {
                if (lock != null) {
                    lock.close();
                }
                throw unopenable(file, e);
            }
        }

        private static Handle connect(DataSource source) {
            Jdbi jdbi = Jdbi.create(source);
            // A connection whose rollback failed is closed as it is.
            jdbi.configure(Handles.class, handles -> handles.setForceEndTransactions(false));
            return jdbi.open().setStatementBuilder(new StatementCache());
        }

        @Override
        <T> T write(Function<Handle, T> change) {
            return writing(() -> writer.make(change));
        }

        @Override
        <T> T read(Function<Handle, T> query) {
            return reading(() -> readers.read(query));
        }

        private static KloigosException unopenable(Path file, Exception e) {
            return new KloigosException(
                    ErrorCode.STORE_FAILED,
                    "Cannot open the inventory " + file.toAbsolutePath() + ": " + firstLine(e)
                            + ". Check that its directory exists and is writable and that the file is a Kloigos"
                            + " inventory.",
                    e);
        }

        private static Optional<InventoryLock> tryLock(Path file) {
            try {
                return InventoryLock.take(file);
            } catch (IOException e) {
                throw unopenable(file, e);
            }
        }

        private static DataSource source(Path file, SQLiteConfig.TransactionMode mode) {
            SQLiteConfig sqlite = new SQLiteConfig();
            sqlite.setJournalMode(SQLiteConfig.JournalMode.WAL);
            sqlite.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
            sqlite.setBusyTimeout(BUSY_TIMEOUT_MILLIS);
            sqlite.setTransactionMode(mode);
            // A savepoint keeps the pages to which it would go back. In a file, they were more than what is written.
            sqlite.setTempStore(SQLiteConfig.TempStore.MEMORY);
            sqlite.enforceForeignKeys(true);
            SQLiteDataSource source = new SQLiteDataSource(sqlite);
            source.setUrl("jdbc:sqlite:" + file);
            return source;
        }

        @Override
        String now() {
            return "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
        }

        @Override
        String locking(String table) {
            return "";
        }

        @Override
        String lockingUnlocked(String table) {
            return "";
        }

        /** With one writer at a time, rows appear in the order of their numbers. */
        @Override
        String isSettled(String table) {
            return "TRUE";
        }

        @Override
        boolean isShared() {
            return false;
        }

        @Override
        public void close() {
            readers.close();
            writer.close();
            if (lock != null) {
                lock.close();
            }
        }
    }

    /**
     * A PostgreSQL database, or one that speaks like it, which others may use too. The data source belongs to whoever made
     * it.
     */
    static final class Postgres extends Database {
        private static final int ATTEMPTS = 20;

        private final Jdbi jdbi;

        private Postgres(DataSource source) {
            this.jdbi = Jdbi.create(source);
        }

        static Postgres open(DataSource source) {
            try {
                migrations(source, "postgresql").migrate();
                return new Postgres(source);
            } catch (FlywayException e) {
                throw new KloigosException(
                        ErrorCode.STORE_FAILED,
                        "Cannot open the inventory in the given database: " + firstLine(e)
                                + ". Check that it is reachable, is PostgreSQL and lets this user create tables.",
                        e);
            }
        }

        @Override
        <T> T write(Function<Handle, T> change) {
            for (int attempt = 1; ; attempt++) {
                try {
                    return writing(() -> attempt(change));
                } catch (KloigosException e) {
                    // Somebody was faster, so look again.
                    if (attempt == ATTEMPTS || !isKnownToBeUndone(e)) {
                        throw e;
                    }
                }
            }
        }

        private <T> T attempt(Function<Handle, T> change) {
            boolean[] written = {false};
            try {
                return jdbi.inTransaction(handle -> {
                    T result = change.apply(handle);
                    written[0] = true;
                    return result;
                });
            } catch (JdbiException e) {
                throw written[0] ? new CommitException(e) : e;
            }
        }

        @Override
        <T> T read(Function<Handle, T> query) {
            return reading(() -> jdbi.withHandle(query::apply));
        }

        @Override
        String now() {
            return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        }

        @Override
        String locking(String table) {
            return " FOR UPDATE OF " + table;
        }

        @Override
        String lockingUnlocked(String table) {
            return " FOR UPDATE OF " + table + " SKIP LOCKED";
        }

        /**
         * Numbers are given before the commit, in any order; but whoever was given one holds a lock of the table until after it.
         * Others that speak like PostgreSQL do not show their locks.
         *
         * @see <a href="https://www.postgresql.org/docs/current/explicit-locking.html">PostgreSQL, Explicit Locking</a>
         */
        @Override
        String isSettled(String table) {
            return "version() LIKE 'PostgreSQL %' AND NOT EXISTS (SELECT 1 FROM pg_locks WHERE relation = '" + table
                    + "'::regclass AND mode = 'RowExclusiveLock'"
                    + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        }

        @Override
        boolean isShared() {
            return true;
        }

        @Override
        public void close() {}
    }
}
