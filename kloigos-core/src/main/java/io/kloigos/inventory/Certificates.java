package io.kloigos.inventory;

import com.fasterxml.jackson.core.type.TypeReference;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.ReleaseCertificate.Discard;
import io.kloigos.model.ReleaseCertificate.Finding;
import io.kloigos.model.Trace;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** What deallocations left known of tenants, and which were forced. Safe for use by many threads. Throws as {@link Inventory} does. */
public final class Certificates {
    private final Database database;

    Certificates(Database database) {
        this.database = database;
    }

    /** Returns the newest certificate of a unit. */
    public Optional<ReleaseCertificate> newest(ComputeId unit) {
        return database.read(handle -> newest(handle, unit));
    }

    static Optional<ReleaseCertificate> newest(Handle handle, ComputeId unit) {
        return handle.createQuery("SELECT * FROM certificates WHERE compute_id = :unit ORDER BY id DESC LIMIT 1")
                .bind("unit", unit.value())
                .map((row, context) -> new ReleaseCertificate(
                        new ComputeId(row.getString("compute_id")),
                        row.getString("operation_id"),
                        Instant.parse(row.getString("at")),
                        Json.read(row.getString("findings"), new TypeReference<List<Finding>>() {}),
                        Json.read(row.getString("obstacles"), new TypeReference<Set<Trace>>() {}),
                        discard(row.getString("discard")),
                        forcedRelease(row.getString("forced"))))
                .findOne();
    }

    private static @Nullable Discard discard(@Nullable String name) {
        return name == null ? null : Discard.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static @Nullable ForcedRelease forcedRelease(@Nullable String json) {
        return json == null ? null : Json.read(json, new TypeReference<ForcedRelease>() {});
    }

    /** Returns the word under which the operation releases its unit; empty if it is not forced. */
    public Optional<ForcedRelease> forced(String operationId) {
        return database.read(handle -> handle.createQuery("SELECT forced FROM forced_releases WHERE operation_id = :id")
                .bind("id", operationId)
                .map((row, context) -> Json.read(row.getString(1), new TypeReference<ForcedRelease>() {}))
                .findOne());
    }

    static void insertForced(Handle handle, String operationId, ForcedRelease forced) {
        handle.execute("INSERT INTO forced_releases VALUES (?, ?)", operationId, Json.write(forced));
    }

    /** The newest attempt at an operation has the last word. */
    static void insert(Handle handle, ReleaseCertificate certificate) {
        ForcedRelease forced = certificate.forced();
        handle.execute("DELETE FROM certificates WHERE operation_id = ?", certificate.operationId());
        handle.execute(
                "INSERT INTO certificates (compute_id, operation_id, at, findings, obstacles, discard, forced)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?)",
                certificate.computeId().value(),
                certificate.operationId(),
                Rows.text(certificate.at()),
                Json.write(certificate.findings()),
                Json.write(certificate.obstacles()),
                certificate.discard() == null ? null : certificate.discard().toString(),
                forced == null ? null : Json.write(forced));
    }

    /** Forgets what is older than {@code time}, but for the newest of each unit. */
    static void forgetBefore(Handle handle, Instant time) {
        handle.execute(
                "DELETE FROM certificates WHERE at < ? AND id NOT IN (SELECT MAX(id) FROM certificates GROUP BY compute_id)",
                Rows.text(time));
    }

    /** Forgets the certificates of a server's units. */
    static void forget(Handle handle, String hostname) {
        handle.execute(
                "DELETE FROM certificates WHERE compute_id IN (SELECT compute_id FROM units WHERE hostname = ?)",
                hostname);
    }
}
