package io.kloigos.inventory;

import io.kloigos.model.AuditEntry;
import io.kloigos.model.AuditFilter;
import io.kloigos.model.Role;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** Who did what, and who was refused. Safe for use by many threads. Throws as {@link Inventory} does. */
public final class AuditLog {
    private final Database database;

    AuditLog(Database database) {
        this.database = database;
    }

    /** Writes an entry and returns its number; the entry's own is not looked at. */
    public long add(AuditEntry entry) {
        Role role = entry.role();
        return database.write(handle -> handle.createQuery(
                        "INSERT INTO audit_log (at, who, role, token_id, address, request_id, idempotency_key, action,"
                                + " target, before, after, outcome, detail) VALUES (:at, :who, :role, :token, :address,"
                                + " :request, :key, :action, :target, :before, :after, :outcome, :detail) RETURNING id")
                .bind("at", Rows.text(entry.at()))
                .bind("who", entry.who())
                .bind("role", role == null ? null : role.toString())
                .bind("token", entry.tokenId())
                .bind("address", entry.address())
                .bind("request", entry.requestId())
                .bind("key", entry.idempotencyKey())
                .bind("action", entry.action())
                .bind("target", entry.target())
                .bind("before", entry.before())
                .bind("after", entry.after())
                .bind("outcome", entry.outcome().toString())
                .bind("detail", entry.detail())
                .mapTo(Long.class)
                .one());
    }

    /** Writes down how what was begun has ended. */
    public void end(AuditEntry ended) {
        database.write(handle -> handle.createUpdate("UPDATE audit_log SET target = :target, before = :before,"
                        + " after = :after, outcome = :outcome, detail = :detail WHERE id = :id")
                .bind("target", ended.target())
                .bind("before", ended.before())
                .bind("after", ended.after())
                .bind("outcome", ended.outcome().toString())
                .bind("detail", ended.detail())
                .bind("id", ended.number())
                .execute());
    }

    /**
     * Returns entries, the newest first.
     *
     * @param before only those with lower numbers; null for the newest
     */
    public List<AuditEntry> find(AuditFilter filter, @Nullable Long before, int most) {
        AuditEntry.Outcome outcome = filter.outcome();
        Role role = filter.role();
        Conditions conditions = new Conditions()
                .beginning("who", filter.who())
                .equal("role", role == null ? null : role.toString())
                .beginning("address", filter.address())
                .equal("action", filter.action())
                .beginning("target", filter.target())
                .equal("outcome", outcome == null ? null : outcome.toString());
        Instant since = filter.since();
        if (since != null) {
            conditions.and("at >= ?", List.of(String.valueOf(Rows.text(since))));
        }
        Instant until = filter.until();
        if (until != null) {
            conditions.and("at < ?", List.of(String.valueOf(Rows.text(until))));
        }
        Role without = filter.without();
        if (without != null) {
            conditions.and("(role IS NULL OR role <> ?)", List.of(without.toString()));
        }
        if (before != null) {
            conditions.and("id < ?", List.of(before));
        }
        return database.read(handle -> conditions
                .query(handle, "SELECT * FROM audit_log", "ORDER BY id DESC LIMIT " + most)
                .map(AuditLog::entry)
                .list());
    }

    /** Forgets what was done before {@code time}. */
    int forgetBefore(Instant time) {
        return database.write(handle -> handle.execute("DELETE FROM audit_log WHERE at < ?", Rows.text(time)));
    }

    private static AuditEntry entry(ResultSet row, StatementContext context) throws SQLException {
        String role = row.getString("role");
        return new AuditEntry(
                row.getLong("id"),
                Instant.parse(row.getString("at")),
                row.getString("who"),
                role == null ? null : Rows.named(Role.values(), role),
                row.getString("token_id"),
                row.getString("address"),
                row.getString("request_id"),
                row.getString("idempotency_key"),
                row.getString("action"),
                row.getString("target"),
                row.getString("before"),
                row.getString("after"),
                Rows.named(AuditEntry.Outcome.values(), row.getString("outcome")),
                row.getString("detail"));
    }
}
