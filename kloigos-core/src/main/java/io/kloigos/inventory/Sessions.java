package io.kloigos.inventory;

import io.kloigos.model.Caller;
import io.kloigos.model.Role;
import io.kloigos.model.TokenSecret;
import java.time.Instant;
import java.util.Optional;

/**
 * The sessions of people who logged in by a browser, of whose secrets only hashes are kept; every replica knows them. Safe
 * for use by many threads. Throws as {@link Inventory} does.
 */
public final class Sessions {
    private final Database database;

    Sessions(Database database) {
        this.database = database;
    }

    /**
     * A session.
     *
     * @param caller who logged in
     * @param expiresAt when it ends
     */
    public record Session(Caller caller, Instant expiresAt) {}

    /** Keeps a new session. */
    public void begin(Session session, TokenSecret secret) {
        Caller caller = session.caller();
        database.write(handle -> handle.createUpdate(
                        "INSERT INTO sessions VALUES (:id, :hash, :subject, :role, :tenant," + " :token, :expiresAt)")
                .bind("id", secret.id())
                .bind("hash", secret.hash())
                .bind("subject", caller.subject())
                .bind("role", caller.role().toString())
                .bind("tenant", Rows.text(caller.tenant()))
                .bind("token", caller.tokenId())
                .bind("expiresAt", Rows.text(session.expiresAt()))
                .execute());
    }

    /** A session and what is kept of its secret. */
    private record Kept(Session session, String hash) {}

    /** Returns the session that the secret opens, if it has not ended. */
    public Optional<Session> open(TokenSecret secret, Instant now) {
        return database.read(handle -> handle.createQuery("SELECT * FROM sessions WHERE id = :id AND expires_at > :now"
                                // It may have been revoked while the session began.
                                + " AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = sessions.token_id"
                                + " AND tokens.revoked_at IS NOT NULL)")
                        .bind("id", secret.id())
                        .bind("now", Rows.text(now))
                        .map((row, context) -> new Kept(
                                new Session(
                                        new Caller(
                                                row.getString("subject"),
                                                Rows.named(Role.values(), row.getString("role")),
                                                Rows.tenant(row.getString("tenant")),
                                                row.getString("token_id")),
                                        Instant.parse(row.getString("expires_at"))),
                                row.getString("hash")))
                        .findOne())
                .filter(kept -> secret.matches(kept.hash()))
                .map(Kept::session);
    }

    /** Ends a session, if there is one. */
    public void end(TokenSecret secret) {
        database.write(
                handle -> handle.execute("DELETE FROM sessions WHERE id = ? AND hash = ?", secret.id(), secret.hash()));
    }

    /** Forgets sessions that ended before {@code time}. */
    int forgetEndedBefore(Instant time) {
        return database.write(handle -> handle.execute("DELETE FROM sessions WHERE expires_at < ?", Rows.text(time)));
    }
}
