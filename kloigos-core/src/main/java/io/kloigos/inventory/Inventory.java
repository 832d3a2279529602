package io.kloigos.inventory;

import com.fasterxml.jackson.core.type.TypeReference;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataVolume;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.PortRange;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.Warning;
import io.kloigos.planner.HostPlanner.DataDisks;
import io.kloigos.rules.Capacity;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * Servers, units and operations in one SQLite database, and every change of their status. Safe for use by many threads.
 *
 * <p>All changes go through one connection, one after the other, each in a transaction that is on the disk when the method
 * returns; readers never wait for it (write-ahead log). Times and ids are given, never made here.
 *
 * @see <a href="https://www.sqlite.org/wal.html">SQLite, Write-Ahead Logging</a>
 */
public final class Inventory implements AutoCloseable {
    private static final int READERS = 4;
    private static final int BUSY_TIMEOUT_MILLIS = 30_000;
    private static final String UNITS =
            "SELECT u.*, s.ip, s.region, s.zone FROM units u JOIN servers s ON s.hostname = u.hostname";

    /** With nine digits after the point always, so that texts sort like times. */
    private static final DateTimeFormatter TIME =
            new DateTimeFormatterBuilder().appendInstant(9).toFormatter(Locale.ROOT);

    private final HikariDataSource writerPool;
    private final HikariDataSource readerPool;
    private final Jdbi writer;
    private final Jdbi reader;

    private Inventory(HikariDataSource writerPool, HikariDataSource readerPool) {
        this.writerPool = writerPool;
        this.readerPool = readerPool;
        this.writer = Jdbi.create(writerPool);
        this.reader = Jdbi.create(readerPool);
    }

    /**
     * Returns the inventory in {@code file}, which is made if it does not exist and brought up to date if it is older.
     *
     * @throws KloigosException STORE_FAILED if the file cannot be opened, is no inventory or is newer than this program
     */
    public static Inventory open(Path file) {
        HikariDataSource writer = null;
        try {
            writer = pool(file, "kloigos-writer", 1, SQLiteConfig.TransactionMode.IMMEDIATE);
            Flyway.configure(Inventory.class.getClassLoader())
                    .dataSource(writer)
                    .locations("classpath:io/kloigos/inventory/migration")
                    // Flyway ignores migrations of newer programs unless told not to.
                    .ignoreMigrationPatterns(new String[0])
                    .load()
                    .migrate();
            return new Inventory(writer, pool(file, "kloigos-reader", READERS, SQLiteConfig.TransactionMode.DEFERRED));
        } catch (FlywayException | com.zaxxer.hikari.pool.HikariPool.PoolInitializationException e) {
            if (writer != null) {
                writer.close();
            }
            throw new KloigosException(
                    ErrorCode.STORE_FAILED,
                    "Cannot open the inventory " + file.toAbsolutePath() + ": " + firstLine(e)
                            + ". Check that its directory exists and is writable and that the file is a Kloigos inventory.",
                    e);
        }
    }

    private static String firstLine(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("");
    }

    private static HikariDataSource pool(Path file, String name, int size, SQLiteConfig.TransactionMode mode) {
        SQLiteConfig sqlite = new SQLiteConfig();
        sqlite.setJournalMode(SQLiteConfig.JournalMode.WAL);
        sqlite.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        sqlite.setBusyTimeout(BUSY_TIMEOUT_MILLIS);
        sqlite.setTransactionMode(mode);
        sqlite.enforceForeignKeys(true);
        SQLiteDataSource source = new SQLiteDataSource(sqlite);
        source.setUrl("jdbc:sqlite:" + file);
        HikariConfig config = new HikariConfig();
        config.setDataSource(source);
        config.setPoolName(name);
        config.setMaximumPoolSize(size);
        config.setConnectionTimeout(BUSY_TIMEOUT_MILLIS);
        return new HikariDataSource(config);
    }

    /** Releases the database. */
    @Override
    public void close() {
        readerPool.close();
        writerPool.close();
    }

    private <T> T write(Function<Handle, T> change) {
        return guarded(() -> writer.inTransaction(change::apply));
    }

    private <T> T read(Function<Handle, T> query) {
        return guarded(() -> reader.withHandle(query::apply));
    }

    private static <T> T guarded(java.util.function.Supplier<T> access) {
        try {
            return access.get();
        } catch (JdbiException e) {
            throw new KloigosException(
                    ErrorCode.STORE_FAILED,
                    "The inventory's database failed: " + firstLine(e) + ". Nothing was changed.",
                    e);
        }
    }

    /** Returns the id of this inventory; {@code fresh} becomes it if it has none yet. */
    public String instanceId(String fresh) {
        return write(handle -> {
            handle.createUpdate("INSERT INTO instance (id) SELECT :id WHERE NOT EXISTS (SELECT 1 FROM instance)")
                    .bind("id", fresh)
                    .execute();
            return handle.createQuery("SELECT id FROM instance")
                    .mapTo(String.class)
                    .one();
        });
    }

    // Servers and units

    /** Returns the servers, by host name. */
    public List<Server> servers() {
        return read(handle -> handle.createQuery("SELECT * FROM servers ORDER BY hostname")
                .map(Inventory::server)
                .list());
    }

    /** Returns the server of this name. */
    public Optional<Server> server(String hostname) {
        return read(handle -> findServer(handle, hostname));
    }

    private static Optional<Server> findServer(Handle handle, String hostname) {
        return handle.createQuery("SELECT * FROM servers WHERE hostname = :hostname")
                .bind("hostname", hostname)
                .map(Inventory::server)
                .findOne();
    }

    /** Returns the units that pass the filter, by server and by their order on it. */
    public List<ComputeUnit> units(UnitFilter filter) {
        Map<String, @Nullable Object> conditions = new LinkedHashMap<>();
        conditions.put("u.compute_id", filter.computeId());
        conditions.put("u.hostname", filter.hostname());
        conditions.put("s.region", filter.region());
        conditions.put("s.zone", filter.zone());
        conditions.put("u.cpu_count", filter.cpuCount());
        conditions.put("u.deployment_id", filter.deploymentId());
        UnitStatus status = filter.status();
        conditions.put("u.status", status == null ? null : status.toString());
        return read(handle -> {
            Query query = matching(handle, UNITS, conditions, "ORDER BY u.hostname, u.ordinal");
            return query.map(Inventory::unit).list();
        });
    }

    /** Returns the query {@code select} with a WHERE for each condition that has a value. */
    private static Query matching(
            Handle handle, String select, Map<String, ? extends @Nullable Object> conditions, String rest) {
        StringBuilder sql = new StringBuilder(select);
        List<Object> values = new ArrayList<>();
        conditions.forEach((column, value) -> {
            if (value != null) {
                sql.append(values.isEmpty() ? " WHERE " : " AND ")
                        .append(column)
                        .append(" = ?");
                values.add(value);
            }
        });
        Query query = handle.createQuery(sql.append(' ').append(rest).toString());
        for (int i = 0; i < values.size(); i++) {
            query.bind(i, values.get(i));
        }
        return query;
    }

    /** Returns the unit of this name. */
    public Optional<ComputeUnit> unit(ComputeId id) {
        return read(handle -> findUnit(handle, id));
    }

    private static Optional<ComputeUnit> findUnit(Handle handle, ComputeId id) {
        return handle.createQuery(UNITS + " WHERE u.compute_id = :id")
                .bind("id", id.value())
                .map(Inventory::unit)
                .findOne();
    }

    /** Returns what could be allocated now. */
    public List<Capacity> capacity() {
        return read(handle -> handle.createQuery(
                        "SELECT s.region, s.zone, u.cpu_count, COUNT(*) AS units, MIN(u.compute_id) AS example"
                                + " FROM units u JOIN servers s ON s.hostname = u.hostname"
                                + " WHERE u.status = :free AND s.status = :ready GROUP BY s.region, s.zone, u.cpu_count")
                .bind("free", UnitStatus.FREE.toString())
                .bind("ready", ServerStatus.READY.toString())
                .map((row, context) -> new Capacity(
                        row.getString("region"),
                        row.getString("zone"),
                        row.getInt("cpu_count"),
                        row.getInt("units"),
                        new ComputeId(row.getString("example"))))
                .list());
    }

    /**
     * Adds a server and its units, all initializing, with the operation that will prepare them. A server of the same name
     * that was decommissioned is forgotten.
     *
     * @throws KloigosException ALREADY_MANAGED if the name is in use
     */
    public void addServer(Server server, List<ComputeUnit> units, Operation operation) {
        write(handle -> {
            findServer(handle, server.hostname()).ifPresent(known -> {
                if (known.status() != ServerStatus.DECOMMISSIONED) {
                    throw alreadyManaged(known);
                }
                handle.execute("DELETE FROM units WHERE hostname = ?", server.hostname());
                handle.execute("DELETE FROM servers WHERE hostname = ?", server.hostname());
            });
            insertServer(handle, server, operation.id());
            for (int ordinal = 0; ordinal < units.size(); ordinal++) {
                insertUnit(handle, units.get(ordinal), ordinal, operation.id());
            }
            insertOperation(handle, operation, DataDisks.KEEP);
            return server;
        });
    }

    /** Returns the refusal to manage a host name twice. */
    public static KloigosException alreadyManaged(Server known) {
        return new KloigosException(
                ErrorCode.ALREADY_MANAGED,
                "Cannot init " + known.hostname() + ": a server of this name is managed already, at "
                        + known.address().ip() + " and with status " + known.status()
                        + ". Decommission it first or choose another host name.");
    }

    private static void insertServer(Handle handle, Server server, String operationId) {
        HostAddress address = server.address();
        handle.createUpdate(
                        "INSERT INTO servers VALUES (:hostname, :ip, :sshPort, :sshUser, :hostKey, :region, :zone, :status,"
                                + " :reason, :housekeeping, :volumes, :facts, :warnings, :createdAt, :operation)")
                .bind("hostname", server.hostname())
                .bind("ip", address.ip())
                .bind("sshPort", address.sshPort())
                .bind("sshUser", address.sshUser())
                .bind("hostKey", address.hostKey())
                .bind("region", server.region())
                .bind("zone", server.zone())
                .bind("status", server.status().toString())
                .bind("reason", server.reason())
                .bind("housekeeping", server.housekeepingCpus().toString())
                .bind("volumes", Json.write(server.volumes()))
                .bind("facts", server.facts().toString())
                .bind("warnings", Json.write(server.warnings()))
                .bind("createdAt", text(server.createdAt()))
                .bind("operation", operationId)
                .execute();
        audit(
                handle,
                server.hostname(),
                operationId,
                server.createdAt(),
                "",
                server.status().toString(),
                "");
    }

    private static void insertUnit(Handle handle, ComputeUnit unit, int ordinal, String operationId) {
        handle.createUpdate(
                        "INSERT INTO units VALUES (:id, :hostname, :ordinal, :cpus, :cpuCount, :uid, :firstPort, :endPort,"
                                + " :limits, :dataDirectory, :status, '', '{}', NULL, NULL, NULL, :operation)")
                .bind("id", unit.id().value())
                .bind("hostname", unit.hostname())
                .bind("ordinal", ordinal)
                .bind("cpus", unit.cpus().toString())
                .bind("cpuCount", unit.cpus().count())
                .bind("uid", unit.uid())
                .bind("firstPort", unit.ports().start())
                .bind("endPort", unit.ports().end())
                .bind("limits", Json.write(unit.limits()))
                .bind("dataDirectory", unit.dataDirectory())
                .bind("status", unit.status().toString())
                .bind("operation", operationId)
                .execute();
        var cpus = handle.prepareBatch("INSERT INTO unit_cpus (hostname, cpu, compute_id) VALUES (?, ?, ?)");
        unit.cpus().stream()
                .forEach(cpu -> cpus.add(unit.hostname(), cpu, unit.id().value()));
        cpus.execute();
    }

    // Changes of status

    /**
     * Gives a free unit that matches to the tenant: its status becomes allocating and {@code operation} is written. Returns
     * empty if none is free.
     *
     * @param operation makes the operation for the chosen unit
     */
    public Optional<ComputeUnit> claim(AllocateRequest request, Function<ComputeUnit, Operation> operation) {
        return write(handle -> findFree(handle, request).map(unit -> {
            Operation written = operation.apply(unit);
            change(handle, unit, UnitStatus.ALLOCATING, "", written.id(), written.createdAt());
            handle.createUpdate("UPDATE units SET tags = :tags, deployment_id = :deployment, ssh_public_key = :key"
                            + " WHERE compute_id = :id")
                    .bind("tags", Json.write(request.tags().values()))
                    .bind("deployment", request.tags().deploymentId().orElse(null))
                    .bind("key", request.sshPublicKey().line())
                    .bind("id", unit.id().value())
                    .execute();
            insertOperation(handle, written, DataDisks.KEEP);
            return findUnit(handle, unit.id()).orElseThrow();
        }));
    }

    /** Returns the unit that {@link #claim} would give now. */
    public Optional<ComputeUnit> candidate(AllocateRequest request) {
        return read(handle -> findFree(handle, request));
    }

    /** Small units first, so that large ones stay whole for those who need them; then server by server. */
    private static Optional<ComputeUnit> findFree(Handle handle, AllocateRequest request) {
        Map<String, @Nullable Object> conditions = new LinkedHashMap<>();
        conditions.put("u.status", UnitStatus.FREE.toString());
        conditions.put("s.status", ServerStatus.READY.toString());
        conditions.put("u.cpu_count", request.cpuCount());
        conditions.put("s.region", request.region());
        conditions.put("s.zone", request.zone());
        return matching(handle, UNITS, conditions, "ORDER BY u.cpu_count, u.hostname, u.ordinal LIMIT 1")
                .map(Inventory::unit)
                .findOne();
    }

    /**
     * Begins to take a unit back and writes {@code operation}. Returns the unit as it now is.
     *
     * @throws KloigosException NOT_FOUND, or WRONG_STATE if the unit is in no tenant's hands
     */
    public ComputeUnit beginDeallocation(ComputeId id, Operation operation) {
        return write(handle -> {
            ComputeUnit unit = findUnit(handle, id).orElseThrow(() -> unknownUnit(id));
            change(handle, unit, UnitStatus.DEALLOCATING, "", operation.id(), operation.createdAt());
            insertOperation(handle, operation, DataDisks.KEEP);
            return unit.in(UnitStatus.DEALLOCATING, "");
        });
    }

    /**
     * Begins to give a server back and writes {@code operation}.
     *
     * @param check looks at the server and its units first and throws if they may not go
     * @throws KloigosException NOT_FOUND, or WRONG_STATE if something is under way on the server
     */
    public void beginDecommission(
            String hostname,
            Operation operation,
            DataDisks dataDisks,
            java.util.function.BiConsumer<Server, List<ComputeUnit>> check) {
        write(handle -> {
            Server server = findServer(handle, hostname).orElseThrow(() -> unknownServer(hostname));
            List<ComputeUnit> units = unitsOf(handle, hostname);
            check.accept(server, units);
            units.forEach(unit ->
                    change(handle, unit, UnitStatus.DECOMMISSIONING, "", operation.id(), operation.createdAt()));
            change(handle, server, ServerStatus.DECOMMISSIONING, "", operation.id(), operation.createdAt());
            insertOperation(handle, operation, dataDisks);
            return server;
        });
    }

    private static List<ComputeUnit> unitsOf(Handle handle, String hostname) {
        return handle.createQuery(UNITS + " WHERE u.hostname = :hostname ORDER BY u.ordinal")
                .bind("hostname", hostname)
                .map(Inventory::unit)
                .list();
    }

    /**
     * Ends an operation on one unit, which gets {@code status}. A unit that is free afterwards has forgotten its tenant.
     *
     * @param ended the operation as it is to be kept
     */
    public void endOnUnit(Operation ended, ComputeId id, UnitStatus status, String reason, Instant now) {
        write(handle -> {
            ComputeUnit unit = findUnit(handle, id).orElseThrow(() -> unknownUnit(id));
            change(handle, unit, status, reason, ended.id(), now);
            if (status == UnitStatus.ALLOCATED) {
                handle.execute("UPDATE units SET started_at = ? WHERE compute_id = ?", text(now), id.value());
            } else if (status == UnitStatus.FREE) {
                forgetTenant(handle, id);
            }
            return endOperation(handle, ended);
        });
    }

    private static void forgetTenant(Handle handle, ComputeId id) {
        handle.execute(
                "UPDATE units SET tags = '{}', deployment_id = NULL, ssh_public_key = NULL, started_at = NULL"
                        + " WHERE compute_id = ?",
                id.value());
    }

    /**
     * Ends an operation on a server, which gets {@code serverStatus}, as its units get {@code unitStatus}.
     *
     * @param ended the operation as it is to be kept
     */
    public void endOnServer(
            Operation ended, ServerStatus serverStatus, UnitStatus unitStatus, String reason, Instant now) {
        write(handle -> {
            Server server = findServer(handle, ended.hostname()).orElseThrow(() -> unknownServer(ended.hostname()));
            for (ComputeUnit unit : unitsOf(handle, ended.hostname())) {
                change(handle, unit, unitStatus, reason, ended.id(), now);
                if (unitStatus == UnitStatus.DECOMMISSIONED) {
                    forgetTenant(handle, unit.id());
                }
            }
            change(handle, server, serverStatus, reason, ended.id(), now);
            return endOperation(handle, ended);
        });
    }

    private static void change(
            Handle handle, ComputeUnit unit, UnitStatus next, String reason, String operationId, Instant now) {
        if (!unit.status().mayBecome(next)) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Unit " + unit.id() + " is " + unit.status() + " and cannot become " + next
                            + "; from there it can become "
                            + unit.status().next().stream()
                                    .map(UnitStatus::toString)
                                    .sorted()
                                    .toList() + ".");
        }
        int changed = handle.createUpdate("UPDATE units SET status = :next, reason = :reason, operation_id = :operation"
                        + " WHERE compute_id = :id AND status = :before")
                .bind("next", next.toString())
                .bind("reason", reason)
                .bind("operation", operationId)
                .bind("id", unit.id().value())
                .bind("before", unit.status().toString())
                .execute();
        requireOne(changed, unit.id().value());
        audit(handle, unit.id().value(), operationId, now, unit.status().toString(), next.toString(), reason);
    }

    private static void change(
            Handle handle, Server server, ServerStatus next, String reason, String operationId, Instant now) {
        int changed = handle.createUpdate(
                        "UPDATE servers SET status = :next, reason = :reason, operation_id = :operation"
                                + " WHERE hostname = :hostname AND status = :before")
                .bind("next", next.toString())
                .bind("reason", reason)
                .bind("operation", operationId)
                .bind("hostname", server.hostname())
                .bind("before", server.status().toString())
                .execute();
        requireOne(changed, server.hostname());
        audit(handle, server.hostname(), operationId, now, server.status().toString(), next.toString(), reason);
    }

    private static void requireOne(int changed, String subject) {
        if (changed != 1) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    subject + " was changed by somebody else meanwhile; look at it and try again.");
        }
    }

    private static void audit(
            Handle handle,
            String subject,
            @Nullable String operationId,
            Instant at,
            String before,
            String after,
            String reason) {
        handle.execute(
                "INSERT INTO audit (at, subject, operation_id, before, after, reason) VALUES (?, ?, ?, ?, ?, ?)",
                text(at),
                subject,
                operationId,
                before,
                after,
                reason);
    }

    /** Returns the refusal to act on a unit that is not there. */
    public static KloigosException unknownUnit(ComputeId id) {
        return new KloigosException(
                ErrorCode.NOT_FOUND, "There is no unit " + id + "; list the units to see their names.");
    }

    /** Returns the refusal to act on a server that is not there. */
    public static KloigosException unknownServer(String hostname) {
        return new KloigosException(
                ErrorCode.NOT_FOUND, "There is no server " + hostname + "; list the servers to see their names.");
    }

    // Operations

    /** Returns the operation of this id. */
    public Optional<Operation> operation(String id) {
        return read(handle -> handle.createQuery("SELECT * FROM operations WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> operation(row, steps(handle, id)))
                .findOne());
    }

    /** Returns operations without their steps, the newest first. */
    public List<Operation> operations(int most) {
        return read(handle -> handle.createQuery("SELECT * FROM operations ORDER BY created_at DESC, id LIMIT :most")
                .bind("most", most)
                .map((row, context) -> operation(row, List.of()))
                .list());
    }

    /** Returns the operations that have not ended, the oldest first: after a crash, what is to be done again. */
    public List<Operation> unfinished() {
        return read(handle -> handle.createQuery(
                        "SELECT * FROM operations WHERE state IN ('pending', 'running') ORDER BY created_at, id")
                .map((row, context) -> operation(row, List.of()))
                .list());
    }

    /** Returns what a decommission was told to do with data disks. */
    public DataDisks dataDisks(String operationId) {
        return read(handle -> handle.createQuery("SELECT data_disks FROM operations WHERE id = :id")
                .bind("id", operationId)
                .map((row, context) -> DataDisks.valueOf(row.getString(1)))
                .one());
    }

    /** Notes that the operation is under way, with the steps that it will take. */
    public void start(Operation started) {
        write(handle -> {
            handle.createUpdate(
                            "UPDATE operations SET state = :state, attempt = :attempt, started_at = :startedAt WHERE id = :id")
                    .bind("state", started.state().toString())
                    .bind("attempt", started.attempt())
                    .bind("startedAt", text(started.startedAt()))
                    .bind("id", started.id())
                    .execute();
            return writeSteps(handle, started);
        });
    }

    private static void insertOperation(Handle handle, Operation operation, DataDisks dataDisks) {
        ComputeId unit = operation.computeId();
        handle.createUpdate(
                        "INSERT INTO operations VALUES (:id, :kind, :hostname, :computeId, :dataDisks, :state, :attempt,"
                                + " NULL, NULL, :createdAt, NULL, NULL)")
                .bind("id", operation.id())
                .bind("kind", operation.kind().toString())
                .bind("hostname", operation.hostname())
                .bind("computeId", unit == null ? null : unit.value())
                .bind("dataDisks", dataDisks.name())
                .bind("state", operation.state().toString())
                .bind("attempt", operation.attempt())
                .bind("createdAt", text(operation.createdAt()))
                .execute();
    }

    private static int endOperation(Handle handle, Operation ended) {
        ErrorCode code = ended.errorCode();
        int changed = handle.createUpdate("UPDATE operations SET state = :state, error = :error, error_code = :code,"
                        + " ended_at = :endedAt WHERE id = :id AND state IN ('pending', 'running')")
                .bind("state", ended.state().toString())
                .bind("error", ended.error())
                .bind("code", code == null ? null : code.name())
                .bind("endedAt", text(ended.endedAt()))
                .bind("id", ended.id())
                .execute();
        requireOne(changed, "Operation " + ended.id());
        return writeSteps(handle, ended);
    }

    private static int writeSteps(Handle handle, Operation operation) {
        handle.execute("DELETE FROM operation_steps WHERE operation_id = ?", operation.id());
        if (operation.steps().isEmpty()) {
            return 0;
        }
        var batch = handle.prepareBatch("INSERT INTO operation_steps VALUES (?, ?, ?, ?, ?, ?)");
        for (int i = 0; i < operation.steps().size(); i++) {
            Operation.Step step = operation.steps().get(i);
            batch.add(operation.id(), i, step.description(), step.state().toString(), step.millis(), step.detail());
        }
        return batch.execute().length;
    }

    private static List<Operation.Step> steps(Handle handle, String operationId) {
        return handle.createQuery("SELECT * FROM operation_steps WHERE operation_id = :id ORDER BY ordinal")
                .bind("id", operationId)
                .map((row, context) -> new Operation.Step(
                        row.getString("description"),
                        named(Operation.StepState.values(), row.getString("state")),
                        row.getLong("millis"),
                        row.getString("detail")))
                .list();
    }

    // Rows

    private static Server server(ResultSet row, StatementContext context) throws SQLException {
        Object port = row.getObject("ssh_port");
        return new Server(
                new HostAddress(
                        row.getString("hostname"),
                        row.getString("ip"),
                        port == null ? null : ((Number) port).intValue(),
                        row.getString("ssh_user"),
                        row.getString("host_key")),
                row.getString("region"),
                row.getString("zone"),
                named(ServerStatus.values(), row.getString("status")),
                row.getString("reason"),
                CpuSet.parse(row.getString("housekeeping_cpus")),
                Json.read(row.getString("volumes"), new TypeReference<List<DataVolume>>() {}),
                HostFacts.parse(row.getString("facts")),
                Json.read(row.getString("warnings"), new TypeReference<List<Warning>>() {}),
                Instant.parse(row.getString("created_at")),
                row.getString("operation_id"));
    }

    private static ComputeUnit unit(ResultSet row, StatementContext context) throws SQLException {
        String key = row.getString("ssh_public_key");
        return new ComputeUnit(
                new ComputeId(row.getString("compute_id")),
                row.getString("hostname"),
                row.getString("ip"),
                row.getString("region"),
                row.getString("zone"),
                CpuSet.parse(row.getString("cpus")),
                row.getInt("uid"),
                new PortRange(row.getInt("first_port"), row.getInt("end_port")),
                Json.read(row.getString("limits"), new TypeReference<UnitLimits>() {}),
                row.getString("data_directory"),
                UnitStatus.parse(row.getString("status")),
                row.getString("reason"),
                new Tags(Json.read(row.getString("tags"), new TypeReference<Map<String, Object>>() {})),
                key == null ? null : new SshPublicKey(key),
                instant(row.getString("started_at")),
                row.getString("operation_id"));
    }

    private static Operation operation(ResultSet row, List<Operation.Step> steps) throws SQLException {
        String unit = row.getString("compute_id");
        String code = row.getString("error_code");
        return new Operation(
                row.getString("id"),
                named(Operation.Kind.values(), row.getString("kind")),
                row.getString("hostname"),
                unit == null ? null : new ComputeId(unit),
                named(Operation.State.values(), row.getString("state")),
                row.getInt("attempt"),
                row.getString("error"),
                code == null ? null : ErrorCode.valueOf(code),
                Instant.parse(row.getString("created_at")),
                instant(row.getString("started_at")),
                instant(row.getString("ended_at")),
                steps);
    }

    private static <E extends Enum<E>> E named(E[] values, String name) {
        for (E value : values) {
            if (value.toString().equals(name)) {
                return value;
            }
        }
        throw new KloigosException(ErrorCode.STORE_FAILED, "The inventory holds the unknown word \"" + name + "\".");
    }

    private static @Nullable Instant instant(@Nullable String text) {
        return text == null ? null : Instant.parse(text);
    }

    private static @Nullable String text(@Nullable Instant instant) {
        return instant == null ? null : TIME.format(instant);
    }
}
