package io.kloigos.inventory;

import com.fasterxml.jackson.core.type.TypeReference;
import io.kloigos.model.ComputeId;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.OperationPlace;
import io.kloigos.model.Server;
import io.kloigos.model.Tenant;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * The operations in an inventory: who is at which of them under which fence, how they ended, and which request began them.
 * Safe for use by many threads. Throws as {@link Inventory} does.
 */
public final class Operations {
    /** Stands for the operation where something was changed without one, as no host was. */
    static final String NONE = "";

    static final String UNFINISHED = "state IN ('pending', 'running')";

    /** An attempt at an operation that nobody else has taken over, tried again or ended. */
    private static final String MINE =
            " WHERE id = :id AND attempt = :attempt AND replica = :replica AND " + UNFINISHED;

    private final Database database;
    private final String replica;
    private final Duration lease;

    Operations(Database database, String replica, Duration lease) {
        this.database = database;
        this.replica = replica;
        this.lease = lease;
    }

    /** Returns the operation of this id. */
    public Optional<Operation> find(String id) {
        return database.read(handle -> find(handle, id));
    }

    static Optional<Operation> find(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM operations WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> Rows.operation(row))
                .findOne();
    }

    /** Tells whether the operation has ended, or is not there. */
    public boolean isEnded(String id) {
        return database.read(
                handle -> handle.createQuery("SELECT COUNT(*) FROM operations WHERE id = :id AND " + UNFINISHED)
                                .bind("id", id)
                                .mapTo(Integer.class)
                                .one()
                        == 0);
    }

    /**
     * Makes sure that no operation on the server itself is under way. A repair is one that shows in no status.
     *
     * @param attempted what is to be done to the server, for the message
     * @throws KloigosException WRONG_STATE if there is one
     */
    public void requireIdle(Server server, String attempted) {
        database.read(handle -> {
            requireIdle(handle, server, attempted);
            return server;
        });
    }

    static void requireIdle(Handle handle, Server server, String attempted) {
        underWay(handle, server.operationId()).ifPresent(operation -> {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot " + attempted + " " + server.hostname() + " now: operation " + operation.id() + " ("
                            + operation.kind() + ") is under way on it. Wait until it ends, or cancel it.");
        });
    }

    /** Returns the newest operation on something, unless it has ended. */
    static Optional<Operation> underWay(Handle handle, @Nullable String newest) {
        return Optional.ofNullable(newest)
                .flatMap(id -> find(handle, id))
                .filter(operation -> !operation.state().isEnded());
    }

    /** Returns the refusal to act on an operation that is not there. */
    public static KloigosException unknown(String id) {
        return new KloigosException(
                ErrorCode.NOT_FOUND, "There is no operation " + id + "; list the operations to see their ids.");
    }

    /**
     * Returns operations without their steps, the newest first.
     *
     * @param filter which of them
     * @param owner on whose units they are, whatever the filter says; null for everybody's, and those on servers
     * @param after the place after which they come; null for the newest
     */
    public List<Operation> newest(
            OperationFilter filter, @Nullable Tenant owner, @Nullable OperationPlace after, int most) {
        Operation.Kind kind = filter.kind();
        Operation.State state = filter.state();
        Conditions conditions = new Conditions()
                .equal("compute_id", filter.computeId())
                .equal("hostname", filter.hostname())
                .equal("kind", kind == null ? null : kind.toString())
                .equal("state", state == null ? null : state.toString())
                .equal("owner", Rows.text(filter.owner()))
                .equal("owner", Rows.text(owner));
        if (after != null) {
            String time = String.valueOf(Rows.text(after.createdAt()));
            // The first of these alone can be found by an index.
            conditions.and("created_at <= ?", List.of(time));
            conditions.and("(created_at < ? OR id > ?)", List.of(time, after.id()));
        }
        return database.read(handle -> conditions
                .query(handle, "SELECT * FROM operations", "ORDER BY created_at DESC, id LIMIT " + most)
                .map((row, context) -> Rows.withoutSteps(row))
                .list());
    }

    /** Returns what a decommission was told to do with data disks. */
    public DataDisks dataDisks(String operationId) {
        return database.read(handle -> handle.createQuery("SELECT data_disks FROM operations WHERE id = :id")
                .bind("id", operationId)
                .map((row, context) -> DataDisks.valueOf(row.getString(1)))
                .one());
    }

    static void want(Handle handle, String operationId, Object wanted) {
        handle.execute("UPDATE operations SET wanted = ? WHERE id = ?", Json.write(wanted), operationId);
    }

    static <T> T wanted(Handle handle, String operationId, TypeReference<T> type) {
        return handle.createQuery("SELECT wanted FROM operations WHERE id = :id")
                .bind("id", operationId)
                .map((row, context) -> Json.read(row.getString(1), type))
                .one();
    }

    /** Returns the operations that were begun at once with this one, itself among them, by unit. */
    public List<Operation> begunWith(Operation operation) {
        return database.read(handle -> handle.createQuery("SELECT * FROM operations WHERE created_at = :createdAt"
                        + " AND hostname = :hostname AND kind = :kind ORDER BY compute_id")
                .bind("createdAt", Rows.text(operation.createdAt()))
                .bind("hostname", operation.hostname())
                .bind("kind", operation.kind().toString())
                .map((row, context) -> Rows.withoutSteps(row))
                .list());
    }

    /** What an operation needs to begin. */
    public record Start(long fence, boolean isCancelled) {}

    /**
     * Notes that the operation is under way, with the steps that it will take, and returns under which fence.
     *
     * @throws KloigosException TAKEN_OVER if another replica has it, or another attempt has begun
     */
    public Start start(Operation started) {
        return database.write(handle -> {
            int changed = handle.createUpdate(
                            "UPDATE operations SET state = :state, steps = :steps, started_at = :startedAt" + MINE)
                    .bind("state", started.state().toString())
                    .bind("steps", Json.write(started.steps()))
                    .bind("startedAt", Rows.text(started.startedAt()))
                    .bind("id", started.id())
                    .bind("attempt", started.attempt())
                    .bind("replica", replica)
                    .execute();
            requireMine(changed, started);
            return handle.createQuery("SELECT fence, cancel_requested FROM operations WHERE id = :id")
                    .bind("id", started.id())
                    .map((row, context) -> new Start(row.getLong(1), row.getInt(2) != 0))
                    .one();
        });
    }

    private static void requireMine(int changed, Operation operation) {
        if (changed != 1) {
            throw new KloigosException(
                    ErrorCode.TAKEN_OVER,
                    "Operation " + operation.id() + " (" + operation.kind() + " on " + operation.hostname()
                            + ") was taken over by another replica, or has ended; its record says how it stands.");
        }
    }

    /** Writes the operation and stamps what it is about with the fence under which hosts will accept its plans. */
    void insertFenced(Handle handle, Operation operation, DataDisks dataDisks, @Nullable IdempotencyKey key) {
        long fence = nextFence(handle, operation, operation.createdAt());
        insert(handle, operation, dataDisks, fence, key);
        stamp(handle, operation, fence);
    }

    /**
     * Returns a number above every fence of the server and of its units. It is no lower than the time, so that an inventory
     * restored from a backup soon passes what hosts have seen.
     */
    static long nextFence(Handle handle, Operation operation, Instant now) {
        long highest = handle.createQuery("SELECT COALESCE(MAX(fence), 0) FROM"
                        + " (SELECT fence FROM servers WHERE hostname = :hostname"
                        + " UNION ALL SELECT fence FROM units WHERE hostname = :hostname) AS fences")
                .bind("hostname", operation.hostname())
                .mapTo(Long.class)
                .one();
        return Math.max(highest + 1, now.toEpochMilli());
    }

    private static void stamp(Handle handle, Operation operation, long fence) {
        ComputeId unit = operation.computeId();
        if (unit == null) {
            handle.execute("UPDATE servers SET fence = ? WHERE hostname = ?", fence, operation.hostname());
        } else {
            handle.execute("UPDATE units SET fence = ? WHERE compute_id = ?", fence, unit.value());
        }
    }

    void insert(Handle handle, Operation operation, DataDisks dataDisks, long fence, @Nullable IdempotencyKey key) {
        ComputeId unit = operation.computeId();
        handle.createUpdate("INSERT INTO operations VALUES (:id, :kind, :hostname, :computeId, :dataDisks, :state,"
                        + " :attempt, NULL, NULL, :createdAt, :startedAt, NULL, :steps, 0, :fence, :replica, "
                        + leaseEnd()
                        + ", NULL, :owner)")
                .bind("id", operation.id())
                .bind("kind", operation.kind().toString())
                .bind("hostname", operation.hostname())
                .bind("computeId", unit == null ? null : unit.value())
                .bind("dataDisks", dataDisks.name())
                .bind("state", operation.state().toString())
                .bind("attempt", operation.attempt())
                .bind("createdAt", Rows.text(operation.createdAt()))
                .bind("startedAt", Rows.text(operation.startedAt()))
                .bind("steps", Json.write(operation.steps()))
                .bind("fence", fence)
                .bind("replica", replica)
                .bind("owner", Rows.text(operation.owner()))
                .execute();
        if (key != null) {
            remember(handle, key, operation.id());
        }
    }

    /** Writes down that another attempt at an operation that failed or was cancelled begins. */
    void begin(Handle handle, Operation failed, Instant now, @Nullable IdempotencyKey key) {
        long fence = nextFence(handle, failed, now);
        stamp(handle, failed, fence);
        int changed = handle.createUpdate("UPDATE operations SET state = 'pending', attempt = attempt + 1,"
                        + " error = NULL, error_code = NULL, started_at = NULL, ended_at = NULL,"
                        + " cancel_requested = 0, fence = :fence, replica = :replica, lease_until = " + leaseEnd()
                        + " WHERE id = :id AND attempt = :attempt")
                .bind("fence", fence)
                .bind("replica", replica)
                .bind("id", failed.id())
                .bind("attempt", failed.attempt())
                .execute();
        Inventory.requireOne(changed, "Operation " + failed.id());
        if (key != null) {
            remember(handle, key, failed.id());
        }
    }

    private String leaseEnd() {
        return database.now() + " + " + lease.toMillis();
    }

    void end(Handle handle, Operation ended) {
        ErrorCode code = ended.errorCode();
        int changed = handle.createUpdate("UPDATE operations SET state = :state, steps = :steps, error = :error,"
                        + " error_code = :code, ended_at = :endedAt" + MINE)
                .bind("state", ended.state().toString())
                .bind("steps", Json.write(ended.steps()))
                .bind("error", ended.error())
                .bind("code", code == null ? null : code.name())
                .bind("endedAt", Rows.text(ended.endedAt()))
                .bind("id", ended.id())
                .bind("attempt", ended.attempt())
                .bind("replica", replica)
                .execute();
        requireMine(changed, ended);
    }

    // Leases

    /**
     * Puts off the end of this replica's leases and writes down how far its operations are, for clients of other replicas.
     *
     * @param running the operations that this replica runs
     */
    public void renew(Collection<Operation> running) {
        if (running.isEmpty()) {
            return;
        }
        database.write(handle -> {
            var batch = handle.prepareBatch("UPDATE operations SET steps = :steps, lease_until = " + leaseEnd() + MINE);
            for (Operation operation : running) {
                batch.bind("steps", Json.write(operation.steps()))
                        .bind("id", operation.id())
                        .bind("attempt", operation.attempt())
                        .bind("replica", replica)
                        .add();
            }
            return batch.execute();
        });
    }

    /**
     * Takes over the operations whose leases have run out, and returns them, the oldest first. Each has a higher fence than
     * before, so that hosts refuse whoever had it.
     *
     * @param now becomes part of the fence
     */
    public List<Operation> takeOver(Instant now) {
        return database.write(handle -> {
            List<Operation> abandoned = handle.createQuery("SELECT o.* FROM operations o WHERE o.lease_until < "
                            + database.now() + " AND o." + UNFINISHED + " ORDER BY o.created_at, o.id"
                            + database.lockingUnlocked("o"))
                    .map((row, context) -> Rows.withoutSteps(row))
                    .list();
            for (Operation operation : abandoned) {
                long fence = nextFence(handle, operation, now);
                handle.createUpdate("UPDATE operations SET replica = :replica, fence = :fence, lease_until = "
                                + leaseEnd() + " WHERE id = :id")
                        .bind("replica", replica)
                        .bind("fence", fence)
                        .bind("id", operation.id())
                        .execute();
                stamp(handle, operation, fence);
            }
            return abandoned;
        });
    }

    /** Gives up this replica's leases, so that others need not wait until they run out. */
    public void release() {
        database.write(handle ->
                handle.execute("UPDATE operations SET lease_until = 0 WHERE replica = ? AND " + UNFINISHED, replica));
    }

    /**
     * Something that a replica changed.
     *
     * @param number its number among all changes
     * @param subject the unit or server
     * @param operationId in which operation; empty if no host was changed
     * @param reason what was noted beside the change
     */
    public record Change(long number, String subject, String operationId, String reason) {
        /** Returns what is the same for changes that belong together. */
        public String cause() {
            return operationId.equals(NONE) ? subject + " " + reason : operationId;
        }
    }

    /**
     * Returns what other replicas changed within the last seconds. A change may be written before another with a lower
     * number, so whoever follows changes asks for more seconds than have passed and leaves out what it knows.
     */
    public List<Change> changesOfOthers(Duration within) {
        return database.read(handle -> handle.createQuery(
                        "SELECT id, subject, operation_id, reason FROM changes WHERE written_at > " + database.now()
                                + " - :millis AND replica <> :replica ORDER BY id")
                .bind("millis", within.toMillis())
                .bind("replica", replica)
                .map((row, context) -> new Change(row.getLong(1), row.getString(2), row.getString(3), row.getString(4)))
                .list());
    }

    // Requests

    /**
     * Returns the operation that an earlier request with this key began.
     *
     * @throws KloigosException KEY_REUSED if that was another request
     */
    public Optional<Operation> operationOf(IdempotencyKey key) {
        return database.read(handle -> request(handle, key))
                .flatMap(request -> Optional.ofNullable(request.operationId()))
                .flatMap(this::find);
    }

    /** Returns the operation that was begun by the first request with this key, whatever that asked for. */
    public Optional<Operation> begunBy(IdempotencyKey key) {
        return database.read(
                        handle -> handle.createQuery("SELECT operation_id FROM requests WHERE idempotency_key = :key"
                                        + " AND operation_id IS NOT NULL")
                                .bind("key", key.unique())
                                .mapTo(String.class)
                                .findOne())
                .flatMap(this::find);
    }

    /**
     * Tells whether a request with this key was done before without an operation.
     *
     * @throws KloigosException KEY_REUSED if that was another request
     */
    static boolean isDone(Handle handle, IdempotencyKey key) {
        return request(handle, key).isPresent();
    }

    /** A request that came before; of one that took no operation, without that. */
    private record Request(String fingerprint, @Nullable String operationId) {}

    private static Optional<Request> request(Handle handle, IdempotencyKey key) {
        Optional<Request> known = handle.createQuery("SELECT * FROM requests WHERE idempotency_key = :key")
                .bind("key", key.unique())
                .map((row, context) -> new Request(row.getString("fingerprint"), row.getString("operation_id")))
                .findOne();
        known.filter(request -> !request.fingerprint().equals(key.fingerprint()))
                .ifPresent(request -> {
                    String id = request.operationId();
                    throw new KloigosException(
                            ErrorCode.KEY_REUSED,
                            "The idempotency key \"" + key.value() + "\" was used for another request"
                                    + (id == null ? "" : ", which began operation " + id)
                                    + ". Choose a new key for every new request.");
                });
        return known;
    }

    /** Keeps the key of a request that was done without an operation. */
    static void remember(Handle handle, IdempotencyKey key, Instant doneAt) {
        handle.execute(
                "INSERT INTO requests (idempotency_key, fingerprint, done_at) VALUES (?, ?, ?)",
                key.unique(),
                key.fingerprint(),
                Rows.text(doneAt));
    }

    private static void remember(Handle handle, IdempotencyKey key, String operationId) {
        int used = handle.createQuery("SELECT COUNT(*) FROM requests WHERE idempotency_key = :key")
                .bind("key", key.unique())
                .mapTo(Integer.class)
                .one();
        if (used > 0) {
            throw new KloigosException(
                    ErrorCode.KEY_IN_USE,
                    "A request with the idempotency key \"" + key.value() + "\" came a moment ago; send it again.");
        }
        handle.execute(
                "INSERT INTO requests (idempotency_key, fingerprint, operation_id) VALUES (?, ?, ?)",
                key.unique(),
                key.fingerprint(),
                operationId);
    }

    /**
     * Asks whoever runs the operation to cancel it, and returns it as it now is.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it has ended
     */
    public Operation requestCancel(String operationId) {
        return database.write(handle -> {
            Operation operation = find(handle, operationId).orElseThrow(() -> unknown(operationId));
            int changed = handle.execute(
                    "UPDATE operations SET cancel_requested = 1 WHERE id = ? AND " + UNFINISHED, operationId);
            if (changed != 1) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot cancel operation " + operationId + ": it has ended, it is " + operation.state() + ".");
            }
            return operation;
        });
    }

    /**
     * Forgets operations that ended before {@code time}, with their steps and keys, but for the last one of each unit and
     * server, and changes that were made before, but for the newest. Returns how many operations that were.
     */
    public int forgetEndedBefore(Instant time) {
        return database.write(handle -> {
            Certificates.forgetBefore(handle, time);
            handle.execute("DELETE FROM requests WHERE done_at < ?", Rows.text(time));
            // The newest names the version of the inventory.
            handle.execute("DELETE FROM changes WHERE at < ? AND id < (SELECT MAX(id) FROM changes)", Rows.text(time));
            return handle.execute(
                    "DELETE FROM operations WHERE ended_at < ? AND NOT " + UNFINISHED
                            + " AND id NOT IN (SELECT operation_id FROM units WHERE operation_id IS NOT NULL)"
                            + " AND id NOT IN (SELECT operation_id FROM servers WHERE operation_id IS NOT NULL)",
                    Rows.text(time));
        });
    }
}
