package io.kloigos.inventory;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.HostAddress;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.Server;
import io.kloigos.model.ServerFilter;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshEndpoint;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Tenant;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitPlace;
import io.kloigos.model.UnitStatus;
import io.kloigos.rules.Capacity;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Servers, units and operations in one database, and every change of their status, as one replica of Kloigos sees and makes
 * them. Safe for use by many threads.
 *
 * <p>Every change is a transaction that is on the disk when the method returns. Times and ids are given, never made here; only
 * leases go by the database's own clock, which all replicas share. All methods throw {@link KloigosException} only, with
 * STORE_FAILED if the database fails.
 */
public final class Inventory implements AutoCloseable {
    static final String UNITS = "SELECT " + Rows.UNIT + " FROM units u JOIN servers s ON s.hostname = u.hostname";

    private final Database database;
    private final String replica;
    private final Operations operations;
    private final Tenancies tenancies;
    private final OutOfService outOfService;
    private final Drift drift;
    private final Placements placements;
    private final Certificates certificates;
    private final Access access;
    private final Census census;

    private Inventory(Database database, String replica, Duration lease) {
        this.database = database;
        this.replica = replica;
        this.operations = new Operations(database, replica, lease);
        this.placements = new Placements(database);
        this.tenancies = new Tenancies(database, this, operations, placements);
        this.outOfService = new OutOfService(database, this, operations);
        this.drift = new Drift(database, this, operations);
        this.certificates = new Certificates(database);
        this.access = new Access(database);
        this.census = new Census(database);
    }

    /**
     * Returns the inventory in {@code file}, a SQLite database that is made if it does not exist and brought up to date if it
     * is older. It belongs to this process alone until it is closed.
     *
     * @param replica names this process, unlike any before
     * @param lease how long a replica that does not renew its leases keeps its operations
     * @throws KloigosException STORE_FAILED if the file cannot be opened, is open elsewhere, is no inventory or is newer than
     *     this program
     */
    public static Inventory open(Path file, String replica, Duration lease) {
        Inventory inventory = new Inventory(Database.Sqlite.open(file), replica, lease);
        try {
            // Whoever had leases is gone, or the file could not be opened.
            inventory.write(
                    handle -> handle.execute("UPDATE operations SET lease_until = 0 WHERE " + Operations.UNFINISHED));
            return inventory;
        } catch (KloigosException e) {
            inventory.close();
            throw e;
        }
    }

    /**
     * Returns the inventory in a PostgreSQL database, whose tables are made if they do not exist and brought up to date if
     * they are older. Many replicas may share it. The data source stays open when the inventory is closed.
     *
     * @param replica names this process, unlike any other now or before
     * @param lease how long a replica that does not renew its leases keeps its operations
     * @throws KloigosException STORE_FAILED if the database cannot be used or is newer than this program
     */
    public static Inventory open(DataSource source, String replica, Duration lease) {
        return new Inventory(Database.Postgres.open(source), replica, lease);
    }

    /** Releases the database. */
    @Override
    public void close() {
        database.close();
    }

    /** Returns the operations in this inventory. */
    public Operations operations() {
        return operations;
    }

    /** Returns what changes of units while tenants have them. */
    public Tenancies tenancies() {
        return tenancies;
    }

    /** Returns what operators take out of service. */
    public OutOfService outOfService() {
        return outOfService;
    }

    /** Returns how servers were found to differ from this inventory. */
    public Drift drift() {
        return drift;
    }

    /** Returns what deallocations left known of tenants. */
    public Certificates certificates() {
        return certificates;
    }

    /** Returns who may ask over the network, and who did what. */
    public Access access() {
        return access;
    }

    /** Returns what counts what is in this inventory. */
    public Census census() {
        return census;
    }

    /**
     * Makes sure that changes can be written down, by a transaction that changes nothing.
     *
     * @throws KloigosException STORE_FAILED if they cannot
     */
    public void requireWritable() {
        write(handle -> handle.execute("UPDATE instance SET id = id"));
    }

    /** Tells whether other replicas may use the same inventory at the same time. */
    public boolean isShared() {
        return database.isShared();
    }

    private <T> T write(Function<Handle, T> change) {
        return database.write(change);
    }

    private <T> T read(Function<Handle, T> query) {
        return database.read(query);
    }

    /** Returns the id of this inventory; {@code fresh} becomes it if it has none yet. */
    public String instanceId(String fresh) {
        return write(handle -> {
            handle.createUpdate(
                            "INSERT INTO instance (one, id) SELECT 1, :id WHERE NOT EXISTS (SELECT 1 FROM instance)")
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
                .map(Rows::server)
                .list());
    }

    /**
     * Returns some of the servers, by host name.
     *
     * @param filter which of them
     * @param after the host name after which they come; empty for the first
     */
    public List<Server> servers(ServerFilter filter, String after, int most) {
        ServerStatus status = filter.status();
        return read(handle -> new Conditions()
                .equal("region", filter.region())
                .equal("zone", filter.zone())
                .equal("status", status == null ? null : status.toString())
                .and("hostname > ?", List.of(after))
                .query(handle, "SELECT * FROM servers", "ORDER BY hostname LIMIT " + most)
                .map(Rows::server)
                .list());
    }

    /**
     * Returns a name for the servers and units as they now are, unlike any that they had before, at whatever replica: what is
     * read from now on is so, or newer. Empty while it cannot be told, because somebody is changing something.
     */
    public Optional<String> version() {
        String newest = read(handle -> handle.createQuery("SELECT id, written_at FROM changes ORDER BY id DESC LIMIT 1")
                .map((row, context) -> row.getLong(1) + "." + row.getLong(2))
                .findOne()
                .orElse(""));
        // In this order: whatever has a lower number must be there for those who read later.
        boolean settled = read(handle -> handle.createQuery("SELECT " + database.isSettled("changes"))
                .mapTo(Boolean.class)
                .one());
        return settled ? Optional.of(newest) : Optional.empty();
    }

    /** Returns the server of this name. */
    public Optional<Server> server(String hostname) {
        return read(handle -> findServer(handle, hostname));
    }

    static Optional<Server> findServer(Handle handle, String hostname) {
        return handle.createQuery("SELECT * FROM servers WHERE hostname = :hostname")
                .bind("hostname", hostname)
                .map(Rows::server)
                .findOne();
    }

    /** Returns the units that pass the filter, by server and by their order on it. */
    public List<ComputeUnit> units(UnitFilter filter) {
        return read(handle -> passing(filter)
                .query(handle, UNITS, "ORDER BY u.hostname, u.ordinal")
                .map(Rows::unit)
                .list());
    }

    /**
     * Returns some of the units that pass the filter, by server and user id.
     *
     * @param after the place after which they come; null for the first
     */
    public List<ComputeUnit> units(UnitFilter filter, @Nullable UnitPlace after, int most) {
        Conditions conditions = passing(filter);
        if (after != null) {
            conditions.and("(u.hostname, u.uid) > (?, ?)", List.of(after.hostname(), after.uid()));
        }
        return read(handle -> conditions
                .query(handle, UNITS, "ORDER BY u.hostname, u.uid LIMIT " + most)
                .map(Rows::unit)
                .list());
    }

    /** Returns where tenants log in, by the host names of the servers. */
    public Map<String, SshEndpoint> sshEndpoints() {
        Map<String, SshEndpoint> endpoints = new HashMap<>();
        read(handle -> handle.createQuery("SELECT ssh_port, host_key, hostname FROM servers")
                        .map((row, context) -> Map.entry(row.getString("hostname"), endpoint(row)))
                        .list())
                .forEach(endpoint -> endpoints.put(endpoint.getKey(), endpoint.getValue()));
        return endpoints;
    }

    /** Returns where tenants log in to units of this server. */
    public SshEndpoint sshEndpoint(String hostname) {
        return read(handle -> handle.createQuery("SELECT ssh_port, host_key FROM servers WHERE hostname = ?")
                .bind(0, hostname)
                .map((row, context) -> endpoint(row))
                .findOne()
                .orElse(SshEndpoint.UNKNOWN));
    }

    private static SshEndpoint endpoint(ResultSet row) throws SQLException {
        int port = row.getInt("ssh_port");
        return new SshEndpoint(port == 0 ? null : Integer.valueOf(port), row.getString("host_key"));
    }

    private static Conditions passing(UnitFilter filter) {
        UnitStatus status = filter.status();
        return new Conditions()
                .equal("u.compute_id", filter.computeId())
                .equal("u.hostname", filter.hostname())
                .equal("s.region", filter.region())
                .equal("s.zone", filter.zone())
                .equal("u.cpu_count", filter.cpuCount())
                .equal("u.deployment_id", filter.deploymentId())
                .equal("u.status", status == null ? null : status.toString())
                .equal("u.owner", Rows.text(filter.owner()));
    }

    /** Returns the unit of this name. */
    public Optional<ComputeUnit> unit(ComputeId id) {
        return read(handle -> findUnit(handle, id));
    }

    static Optional<ComputeUnit> findUnit(Handle handle, ComputeId id) {
        return unit(handle, id, "");
    }

    Optional<ComputeUnit> lockUnit(Handle handle, ComputeId id) {
        return unit(handle, id, database.locking("u"));
    }

    private static Optional<ComputeUnit> unit(Handle handle, ComputeId id, String locking) {
        return handle.createQuery(UNITS + " WHERE u.compute_id = :id" + locking)
                .bind("id", id.value())
                .map(Rows::unit)
                .findOne();
    }

    /** Returns what is free where the anti-affinity of the request does not rule it out, in whatever size and place. */
    public List<Capacity> capacity(AllocateRequest request) {
        return read(handle -> placements.capacity(handle, request));
    }

    /** Returns what is free and matches the request but for its anti-affinity. */
    public Capacity.Barred barred(AllocateRequest request) {
        return read(handle -> placements.barred(handle, request));
    }

    /**
     * Adds a server and its units, all initializing, with the operation that will prepare them. A server of the same name
     * that was decommissioned is forgotten.
     *
     * @throws KloigosException ALREADY_MANAGED if the name is in use, or the host is managed under another name; KEY_IN_USE
     */
    public void addServer(Server server, List<ComputeUnit> units, Operation operation, @Nullable IdempotencyKey key) {
        write(handle -> {
            long fence = Operations.nextFence(handle, operation, operation.createdAt());
            findSameHost(handle, server).ifPresent(known -> {
                throw sameHost(server, known);
            });
            findServer(handle, server.hostname()).ifPresent(known -> {
                if (known.status() != ServerStatus.DECOMMISSIONED) {
                    throw alreadyManaged(known);
                }
                Certificates.forget(handle, server.hostname());
                handle.execute("DELETE FROM units WHERE hostname = ?", server.hostname());
                handle.execute("DELETE FROM servers WHERE hostname = ?", server.hostname());
            });
            insertServer(handle, server, operation.id(), fence);
            placements.add(handle, server.hostname(), units);
            for (int ordinal = 0; ordinal < units.size(); ordinal++) {
                insertUnit(handle, units.get(ordinal), ordinal, operation.id());
            }
            operations.insert(handle, operation, DataDisks.KEEP, fence, key);
            return server;
        });
    }

    /** What is erased in the name of one server would be another's. */
    private static Optional<Server> findSameHost(Handle handle, Server server) {
        HostAddress address = server.address();
        return handle.createQuery(
                        "SELECT * FROM servers WHERE ip = :ip AND hostname <> :hostname AND status <> :gone"
                                + " AND COALESCE(ssh_port, 0) = COALESCE(:port, 0) AND COALESCE(host_key, '') = COALESCE(:key, '')")
                .bind("ip", address.ip())
                .bind("hostname", server.hostname())
                .bind("gone", ServerStatus.DECOMMISSIONED.toString())
                .bind("port", address.sshPort())
                .bind("key", address.hostKey())
                .map(Rows::server)
                .findFirst();
    }

    private static KloigosException sameHost(Server wanted, Server known) {
        return new KloigosException(
                ErrorCode.ALREADY_MANAGED,
                "Cannot init " + wanted.hostname() + ": the host at "
                        + known.address().ip()
                        + " is in the inventory already, as " + known.hostname() + " with status " + known.status()
                        + ". Decommission that first.");
    }

    /** Returns the refusal to manage a host name twice. */
    public static KloigosException alreadyManaged(Server known) {
        return new KloigosException(
                ErrorCode.ALREADY_MANAGED,
                "Cannot init " + known.hostname() + ": a server of this name is managed already, at "
                        + known.address().ip() + " and with status " + known.status()
                        + ". Decommission it first or choose another host name.");
    }

    private void insertServer(Handle handle, Server server, String operationId, long fence) {
        HostAddress address = server.address();
        handle.createUpdate(
                        "INSERT INTO servers VALUES (:hostname, :ip, :sshPort, :sshUser, :hostKey, :region, :zone, :status,"
                                + " :reason, :housekeeping, :memoryReserve, :volumes, :facts, :warnings, :createdAt, :operation,"
                                + " :fence, 0, NULL)")
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
                .bind("memoryReserve", server.memoryReserve().bytes())
                .bind("volumes", Json.write(server.volumes()))
                .bind("facts", server.facts().toString())
                .bind("warnings", Json.write(server.warnings()))
                .bind("createdAt", Rows.text(server.createdAt()))
                .bind("operation", operationId)
                .bind("fence", fence)
                .execute();
        noteChange(
                handle,
                server.hostname(),
                operationId,
                server.createdAt(),
                "",
                server.status().toString(),
                "");
    }

    private void insertUnit(Handle handle, ComputeUnit unit, int ordinal, String operationId) {
        handle.createUpdate("INSERT INTO units VALUES (:id, :hostname, :ordinal, :cpus, :cpuCount, :uid, :firstPort,"
                        + " :endPort, :limits, :dataDirectory, :status, '', '{}', NULL, '[]', NULL, :operation, 0,"
                        + " NULL, 0, NULL, :numaNodes, NULL, NULL)")
                .bind("id", unit.id().value())
                .bind("hostname", unit.hostname())
                .bind("ordinal", ordinal)
                .bind("cpus", unit.cpus().toString())
                .bind("cpuCount", unit.cpus().count())
                .bind("uid", unit.uid())
                .bind("firstPort", unit.ports().start())
                .bind("endPort", unit.ports().end())
                .bind("limits", Json.write(unit.baseLimits()))
                .bind("numaNodes", unit.limits().memoryNodes().toString())
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
     * A unit in the hands of a tenant, who cannot log in yet.
     *
     * @param operation makes the unit ready, under the fence
     */
    public record Claim(Server server, ComputeUnit unit, Operation operation, long fence) {}

    /**
     * Gives a free unit that matches to the tenant: its status becomes allocating and {@code operation} is written. Returns
     * empty if none is free.
     *
     * @param operation makes the operation for the unit, as it will be, on its server; it may be under way already
     * @throws KloigosException KEY_IN_USE
     */
    public Optional<Claim> claim(
            AllocateRequest request,
            BiFunction<Server, ComputeUnit, Operation> operation,
            @Nullable IdempotencyKey key) {
        return write(handle -> placements.lock(handle, request).map(free -> {
            Server server = findServer(handle, free.hostname()).orElseThrow();
            ComputeUnit unit = free.in(UnitStatus.ALLOCATING, "").with(Tenancy.beginning(request));
            Operation written = operation.apply(server, unit);
            long fence = Operations.nextFence(handle, written, written.createdAt());
            give(handle, unit, written, fence);
            note(handle, free, UnitStatus.ALLOCATING, "", written.id(), written.createdAt());
            operations.insert(handle, written, DataDisks.KEEP, fence, key);
            placements.tag(handle, unit, request.tags());
            return new Claim(server, unit.under(written.id()), written, fence);
        }));
    }

    private static void give(Handle handle, ComputeUnit unit, Operation operation, long fence) {
        Tenancy tenancy = unit.tenancy();
        int changed = handle.createUpdate("UPDATE units SET status = :next, reason = '', operation_id = :operation,"
                        + " fence = :fence, tags = :tags, deployment_id = :deployment, ssh_public_keys = :keys,"
                        + " expires_at = :expiresAt, expiry_told = 0, owner = :owner"
                        + " WHERE compute_id = :id AND status = :free")
                .bind("next", unit.status().toString())
                .bind("operation", operation.id())
                .bind("fence", fence)
                .bind("tags", Json.write(tenancy.tags().values()))
                .bind("deployment", tenancy.tags().deploymentId().orElse(null))
                .bind("keys", Json.write(tenancy.sshPublicKeys()))
                .bind("expiresAt", Rows.text(tenancy.expiresAt()))
                .bind("owner", Rows.text(tenancy.owner()))
                .bind("id", unit.id().value())
                .bind("free", UnitStatus.FREE.toString())
                .execute();
        requireOne(changed, unit.id().value());
    }

    /** Returns the unit that {@link #claim} would give now. */
    public Optional<ComputeUnit> candidate(AllocateRequest request) {
        return read(handle -> placements.candidate(handle, request));
    }

    /**
     * Begins to take a unit back and writes {@code operation}. Returns the unit as it now is.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is in no tenant's hands, or no longer in those of the
     *     operation's owner; KEY_IN_USE
     */
    public ComputeUnit beginDeallocation(ComputeId id, Operation operation, @Nullable IdempotencyKey key) {
        return write(handle -> {
            ComputeUnit unit = lockUnit(handle, id).orElseThrow(() -> unknownUnit(id));
            requireOwner(unit, operation.owner());
            change(handle, unit, UnitStatus.DEALLOCATING, "", operation.id(), operation.createdAt());
            operations.insertFenced(handle, operation, DataDisks.KEEP, key);
            return unit.in(UnitStatus.DEALLOCATING, "");
        });
    }

    /**
     * Begins to release a quarantined unit by an operator's word and writes {@code operation}.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not quarantined, if nothing is known of what stands in the
     *     way, or if processes of its tenant are left; KEY_IN_USE
     */
    public void beginForcedRelease(ComputeId id, Operation operation, Reason reason, @Nullable IdempotencyKey key) {
        write(handle -> {
            ComputeUnit unit = lockUnit(handle, id).orElseThrow(() -> unknownUnit(id));
            requireOwner(unit, operation.owner());
            ForcedRelease forced = new ForcedRelease(reason, obstacles(unit, Certificates.newest(handle, id)));
            change(handle, unit, UnitStatus.DEALLOCATING, forced.remark(), operation.id(), operation.createdAt());
            operations.insertFenced(handle, operation, DataDisks.KEEP, key);
            Certificates.insertForced(handle, operation.id(), forced);
            return unit;
        });
    }

    private static Set<Trace> obstacles(ComputeUnit unit, Optional<ReleaseCertificate> newest) {
        if (unit.status() != UnitStatus.DEALLOCATION_FAIL) {
            throw notForced(unit, "it is " + unit.status() + ", not " + UnitStatus.DEALLOCATION_FAIL + ".");
        }
        ReleaseCertificate certificate = newest.filter(
                        known -> known.operationId().equals(unit.operationId()))
                .orElseThrow(() -> notForced(unit, "nothing is known of its deallocation. Deallocate it again."));
        if (certificate.obstacles().contains(Trace.PROCESSES)) {
            throw notForced(
                    unit,
                    "processes of its tenant are left: " + certificate.remarks()
                            + ". End them, and deallocate it again.");
        }
        if (certificate.obstacles().isEmpty()) {
            throw notForced(
                    unit,
                    "it is no trace of its tenant that stood in the way, but: " + unit.reason()
                            + " Mend that, and deallocate it again.");
        }
        ForcedRelease before = certificate.forced();
        Set<Trace> obstacles = EnumSet.copyOf(certificate.obstacles());
        if (before != null) {
            obstacles.addAll(before.accepted());
        }
        return obstacles;
    }

    private static KloigosException notForced(ComputeUnit unit, String why) {
        return new KloigosException(ErrorCode.WRONG_STATE, "Cannot force the release of " + unit.id() + ": " + why);
    }

    /**
     * Begins to give a server back and writes {@code operation}.
     *
     * @param check looks at the server and its units first and throws if they may not go
     * @throws KloigosException NOT_FOUND; WRONG_STATE if something is under way on the server; KEY_IN_USE
     */
    public void beginDecommission(
            String hostname,
            Operation operation,
            DataDisks dataDisks,
            @Nullable IdempotencyKey key,
            BiConsumer<Server, List<ComputeUnit>> check) {
        write(handle -> {
            // The locks come first: whoever repairs the server has them too, and is seen afterwards.
            List<ComputeUnit> units = lockUnitsOf(handle, hostname);
            Server server = findServer(handle, hostname).orElseThrow(() -> unknownServer(hostname));
            check.accept(server, units);
            Operations.requireIdle(handle, server, "decommission");
            units.forEach(unit ->
                    change(handle, unit, UnitStatus.DECOMMISSIONING, "", operation.id(), operation.createdAt()));
            change(handle, server, ServerStatus.DECOMMISSIONING, "", operation.id(), operation.createdAt());
            operations.insertFenced(handle, operation, dataDisks, key);
            return server;
        });
    }

    List<ComputeUnit> lockUnitsOf(Handle handle, String hostname) {
        return findUnitsOf(handle, hostname, database.locking("u"));
    }

    static List<ComputeUnit> findUnitsOf(Handle handle, String hostname, String locking) {
        return handle.createQuery(UNITS + " WHERE u.hostname = :hostname ORDER BY u.ordinal" + locking)
                .bind("hostname", hostname)
                .map(Rows::unit)
                .list();
    }

    /**
     * Ends an allocation that succeeded, and returns the unit as it now is.
     *
     * @param ended the operation as it is to be kept
     * @param unit as it was claimed
     */
    public ComputeUnit endAllocation(Operation ended, ComputeUnit unit, Instant now) {
        return write(handle -> {
            operations.end(handle, ended);
            int changed = handle.createUpdate("UPDATE units SET status = :next, reason = '', started_at = :now"
                            + " WHERE compute_id = :id AND status = :before")
                    .bind("next", UnitStatus.ALLOCATED.toString())
                    .bind("now", Rows.text(now))
                    .bind("id", unit.id().value())
                    .bind("before", UnitStatus.ALLOCATING.toString())
                    .execute();
            requireOne(changed, unit.id().value());
            note(handle, unit, UnitStatus.ALLOCATED, "", ended.id(), now);
            return unit.in(UnitStatus.ALLOCATED, "").with(unit.tenancy().started(now));
        });
    }

    /**
     * Ends an operation on one unit, other than an allocation that succeeded. The unit gets {@code status}; if it is free
     * afterwards, it has forgotten its tenant.
     *
     * @param ended the operation as it is to be kept
     */
    public void endOnUnit(Operation ended, ComputeId id, UnitStatus status, String reason, Instant now) {
        write(handle -> {
            endOnUnit(handle, ended, id, status, reason, now);
            return ended;
        });
    }

    /**
     * Ends a deallocation, with what is now known of the tenant. A unit that is free afterwards has forgotten its tenant.
     *
     * @param ended the operation as it is to be kept
     */
    public void endRelease(Operation ended, UnitStatus status, String reason, ReleaseCertificate certificate) {
        write(handle -> {
            endOnUnit(handle, ended, certificate.computeId(), status, reason, certificate.at());
            Certificates.insert(handle, certificate);
            return ended;
        });
    }

    private void endOnUnit(
            Handle handle, Operation ended, ComputeId id, UnitStatus status, String reason, Instant now) {
        operations.end(handle, ended);
        ComputeUnit unit = lockUnit(handle, id).orElseThrow(() -> unknownUnit(id));
        change(handle, unit, status, reason, ended.id(), now);
        if (status == UnitStatus.FREE) {
            forgetTenant(handle, id);
        }
    }

    static void forgetTenant(Handle handle, ComputeId id) {
        handle.execute(
                "UPDATE units SET tags = '{}', deployment_id = NULL, ssh_public_keys = '[]', started_at = NULL,"
                        + " expires_at = NULL, stopped_at = NULL, resized_limits = NULL, owner = NULL"
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
            operations.end(handle, ended);
            Server server = findServer(handle, ended.hostname()).orElseThrow(() -> unknownServer(ended.hostname()));
            for (ComputeUnit unit : lockUnitsOf(handle, ended.hostname())) {
                change(handle, unit, unitStatus, reason, ended.id(), now);
                if (unitStatus == UnitStatus.DECOMMISSIONED) {
                    forgetTenant(handle, unit.id());
                }
            }
            change(handle, server, serverStatus, reason, ended.id(), now);
            return ended;
        });
    }

    void change(Handle handle, ComputeUnit unit, UnitStatus next, String reason, String operationId, Instant now) {
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
        if (unit.status() == UnitStatus.ALLOCATED) {
            // What is changed of a unit in a tenant's hands does not show in its status.
            Tenancies.requireIdle(handle, unit);
        }
        int changed = handle.createUpdate("UPDATE units SET status = :next, reason = :reason,"
                        + " operation_id = COALESCE(NULLIF(:operation, ''), operation_id)"
                        + " WHERE compute_id = :id AND status = :before")
                .bind("next", next.toString())
                .bind("reason", reason)
                .bind("operation", operationId)
                .bind("id", unit.id().value())
                .bind("before", unit.status().toString())
                .execute();
        requireOne(changed, unit.id().value());
        note(handle, unit, next, reason, operationId, now);
    }

    private void note(
            Handle handle, ComputeUnit unit, UnitStatus next, String reason, String operationId, Instant now) {
        placements.change(handle, unit, next);
        noteChange(handle, unit.id().value(), operationId, now, unit.status().toString(), next.toString(), reason);
    }

    void change(Handle handle, Server server, ServerStatus next, String reason, String operationId, Instant now) {
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
        noteChange(handle, server.hostname(), operationId, now, server.status().toString(), next.toString(), reason);
    }

    static void requireOne(int changed, String subject) {
        if (changed != 1) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    subject + " was changed by somebody else meanwhile; look at it and try again.");
        }
    }

    void noteChange(
            Handle handle, String subject, String operationId, Instant at, String before, String after, String reason) {
        handle.createUpdate(
                        "INSERT INTO changes (at, subject, operation_id, before, after, reason, replica, written_at)"
                                + " VALUES (:at, :subject, :operation, :before, :after, :reason, :replica, "
                                + database.now()
                                + ")")
                .bind("at", Rows.text(at))
                .bind("subject", subject)
                .bind("operation", operationId)
                .bind("before", before)
                .bind("after", after)
                .bind("reason", reason)
                .bind("replica", replica)
                .execute();
    }

    /** A unit may have gone from one tenant to another between the look at it and the lock. */
    static void requireOwner(ComputeUnit unit, @Nullable Tenant owner) {
        requireOne(Objects.equals(unit.owner(), owner) ? 1 : 0, "Unit " + unit.id());
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

    // Further attempts

    /**
     * Begins another attempt at an operation that failed or was cancelled, and returns it as it now is.
     *
     * @throws KloigosException NOT_FOUND if there is no such operation, or its unit is gone; WRONG_STATE if it did not fail,
     *     or if something else was done since; INVALID_REQUEST if a resize has no room by now; KEY_IN_USE
     */
    public Operation beginRetry(String operationId, Instant now, @Nullable IdempotencyKey key) {
        return write(handle -> {
            Operation operation =
                    Operations.find(handle, operationId).orElseThrow(() -> Operations.unknown(operationId));
            requireFailed(operation);
            lockSubjects(handle, operation).forEach(unit -> {
                requireNewest(operation, unit.id().value(), unit.operationId());
                UnitStatus next = underWay(operation.kind());
                if (next == UnitStatus.ALLOCATED) {
                    tenancies.beginRetry(handle, unit, operation, now);
                } else {
                    change(handle, unit, next, "", operation.id(), now);
                }
            });
            if (operation.computeId() == null) {
                Server server =
                        findServer(handle, operation.hostname()).orElseThrow(() -> unknownServer(operation.hostname()));
                requireNewest(operation, server.hostname(), server.operationId());
                ServerStatus next = operation.kind() == Operation.Kind.INIT
                        ? ServerStatus.INITIALIZING
                        : ServerStatus.DECOMMISSIONING;
                change(handle, server, next, "", operation.id(), now);
            }
            operations.begin(handle, operation, now, key);
            return Operations.find(handle, operationId).orElseThrow();
        });
    }

    private static void requireFailed(Operation operation) {
        if (operation.state() != Operation.State.FAILED && operation.state() != Operation.State.CANCELLED) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot retry operation " + operation.id() + ": it is " + operation.state()
                            + "; only what failed or was cancelled can be tried again.");
        }
        if (operation.kind() == Operation.Kind.REPAIR) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot retry operation " + operation.id() + ": what differs on " + operation.hostname()
                            + " may be something else by now. Repair the server again, which looks anew.");
        }
    }

    private static void requireNewest(Operation operation, String subject, @Nullable String newest) {
        if (!operation.id().equals(newest)) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot retry operation " + operation.id() + ": operation " + newest + " has been at " + subject
                            + " since.");
        }
    }

    private List<ComputeUnit> lockSubjects(Handle handle, Operation operation) {
        ComputeId unit = operation.computeId();
        return unit == null
                ? lockUnitsOf(handle, operation.hostname())
                : List.of(lockUnit(handle, unit).orElseThrow(() -> unknownUnit(unit)));
    }

    private static UnitStatus underWay(Operation.Kind kind) {
        return switch (kind) {
            case INIT -> UnitStatus.INITIALIZING;
            case ALLOCATE -> UnitStatus.ALLOCATING;
            case DEALLOCATE -> UnitStatus.DEALLOCATING;
            case DECOMMISSION -> UnitStatus.DECOMMISSIONING;
            case ROTATE_KEYS, STOP, START, RESIZE -> UnitStatus.ALLOCATED;
            case REPAIR -> throw new IllegalArgumentException("a repair is of no unit");
        };
    }
}
