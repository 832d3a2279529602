package io.kloigos.inventory;

import io.kloigos.model.KloigosException;
import java.nio.file.Path;
import java.time.Instant;
import javax.sql.DataSource;

/**
 * Who may ask over the network, and who did what, in the database of an inventory. Safe for use by many threads. Throws as
 * {@link Inventory} does.
 */
public final class Access implements AutoCloseable {
    private final Database database;
    private final Tokens tokens;
    private final Sessions sessions;
    private final AuditLog auditLog;

    Access(Database database) {
        this.database = database;
        this.tokens = new Tokens(database);
        this.sessions = new Sessions(database);
        this.auditLog = new AuditLog(database);
    }

    /**
     * Returns what is in {@code file}, a SQLite database that is made if it does not exist. A Kloigos may have it open
     * meanwhile: nothing is touched of what that one does.
     *
     * @throws KloigosException STORE_FAILED if the file cannot be opened, is no inventory, or is of another version than this
     *     program and open elsewhere
     */
    public static Access open(Path file) {
        return new Access(Database.Sqlite.openBeside(file));
    }

    /**
     * Returns what is in a PostgreSQL database, whose tables are made if they do not exist. The data source stays open when
     * this is closed.
     *
     * @throws KloigosException STORE_FAILED if the database cannot be used or is newer than this program
     */
    public static Access open(DataSource source) {
        return new Access(Database.Postgres.open(source));
    }

    /** Returns the API tokens. */
    public Tokens tokens() {
        return tokens;
    }

    /** Returns the sessions of people who logged in. */
    public Sessions sessions() {
        return sessions;
    }

    /** Returns the audit log. */
    public AuditLog auditLog() {
        return auditLog;
    }

    /**
     * Forgets sessions that have ended, and what is old in the audit log.
     *
     * @param oldest the audit log keeps what was done since
     */
    public void forget(Instant now, Instant oldest) {
        sessions.forgetEndedBefore(now);
        auditLog.forgetBefore(oldest);
    }

    /** Releases the database. What is of a Kloigos is released with it. */
    @Override
    public void close() {
        database.close();
    }
}
