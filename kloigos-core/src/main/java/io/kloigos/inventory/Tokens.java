package io.kloigos.inventory;

import io.kloigos.model.ApiToken;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.TokenSecret;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * The API tokens, of whose secrets only hashes are kept. Those that were revoked or have expired stay, so that the audit log
 * can be understood. Safe for use by many threads. Throws as {@link Inventory} does.
 */
public final class Tokens {
    private static final Duration USE_IS_NOTED_EVERY = Duration.ofMinutes(1);

    private final Database database;

    Tokens(Database database) {
        this.database = database;
    }

    /** Tells whether there has ever been a token. */
    public boolean areInUse() {
        return database.read(
                handle -> handle.createQuery("SELECT COUNT(*) FROM (SELECT 1 FROM tokens LIMIT 1) AS any_token")
                                .mapTo(Integer.class)
                                .one()
                        > 0);
    }

    /**
     * Keeps a new token.
     *
     * @throws KloigosException WRONG_STATE if another that was not revoked has its name
     */
    public void add(ApiToken token, TokenSecret secret) {
        database.write(handle -> {
            int sameName = handle.createQuery("SELECT COUNT(*) FROM tokens WHERE name = :name AND revoked_at IS NULL")
                    .bind("name", token.name())
                    .mapTo(Integer.class)
                    .one();
            if (sameName > 0) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot make a token named " + token.name()
                                + ": there is one that was not revoked. Revoke it first, or choose another name.");
            }
            return handle.createUpdate("INSERT INTO tokens (id, hash, name, role, tenant, created_by, created_at,"
                            + " expires_at) VALUES (:id, :hash, :name, :role, :tenant, :by, :at, :expiresAt)")
                    .bind("id", token.id())
                    .bind("hash", secret.hash())
                    .bind("name", token.name())
                    .bind("role", token.role().toString())
                    .bind("tenant", Rows.text(token.tenant()))
                    .bind("by", token.createdBy())
                    .bind("at", Rows.text(token.createdAt()))
                    .bind("expiresAt", Rows.text(token.expiresAt()))
                    .execute();
        });
    }

    /** Returns the tokens, the newest first. */
    public List<ApiToken> all() {
        return database.read(handle -> handle.createQuery("SELECT * FROM tokens ORDER BY created_at DESC, id")
                .map(Tokens::token)
                .list());
    }

    /**
     * Returns the token of this public id.
     *
     * @throws KloigosException NOT_FOUND
     */
    public ApiToken get(String id) {
        return database.read(handle -> find(handle, id)).orElseThrow(() -> unknown(id));
    }

    private static Optional<ApiToken> find(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM tokens WHERE id = :id")
                .bind("id", id)
                .map(Tokens::token)
                .findOne();
    }

    private static KloigosException unknown(String id) {
        return new KloigosException(
                ErrorCode.NOT_FOUND, "There is no token " + id + "; list the tokens to see their ids.");
    }

    /** A token and what is kept of its secret. */
    private record Kept(ApiToken token, String hash) {}

    /** Returns the token that the secret opens, if it is accepted now, and notes that it was used. */
    public Optional<ApiToken> open(TokenSecret secret, Instant now) {
        Optional<ApiToken> token = database.read(handle -> handle.createQuery("SELECT * FROM tokens WHERE id = :id")
                        .bind("id", secret.id())
                        .map((row, context) -> new Kept(token(row, context), row.getString("hash")))
                        .findOne())
                .filter(kept -> secret.matches(kept.hash()))
                .map(Kept::token)
                .filter(found -> found.isValid(now));
        token.ifPresent(found -> noteUse(found, now));
        return token;
    }

    /** Not at every use, since each would be written to the disk. */
    private void noteUse(ApiToken token, Instant now) {
        Instant last = token.lastUsedAt();
        if (last == null || last.isBefore(now.minus(USE_IS_NOTED_EVERY))) {
            database.write(handle ->
                    handle.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", Rows.text(now), token.id()));
        }
    }

    /**
     * Lets a token be refused from now on, ends the sessions that were begun with it, and returns it.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it was revoked before
     */
    public ApiToken revoke(String id, Instant now) {
        return database.write(handle -> {
            ApiToken token = find(handle, id).orElseThrow(() -> unknown(id));
            int changed = handle.execute(
                    "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", Rows.text(now), id);
            if (changed != 1) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Token " + id + " (" + token.name() + ") was revoked at " + token.revokedAt() + " already.");
            }
            handle.execute("DELETE FROM sessions WHERE token_id = ?", id);
            return find(handle, id).orElseThrow();
        });
    }

    private static ApiToken token(ResultSet row, StatementContext context) throws SQLException {
        return new ApiToken(
                row.getString("id"),
                row.getString("name"),
                Rows.named(Role.values(), row.getString("role")),
                Rows.tenant(row.getString("tenant")),
                row.getString("created_by"),
                Instant.parse(row.getString("created_at")),
                Rows.instant(row.getString("expires_at")),
                Rows.instant(row.getString("last_used_at")),
                Rows.instant(row.getString("revoked_at")));
    }
}
