package io.kloigos;

import io.kloigos.inventory.Access;
import io.kloigos.inventory.Inventory;
import io.kloigos.inventory.Operations;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.Deviation;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FleetCounts;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.OperationPlace;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Server;
import io.kloigos.model.ServerFilter;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshEndpoint;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitPlace;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.UnitUsage;
import io.kloigos.planner.DecommissionPlanner;
import io.kloigos.planner.InitPlanner;
import io.kloigos.planner.ReleasePlanner;
import io.kloigos.planner.RepairPlanner;
import io.kloigos.planner.ShrinkCheck;
import io.kloigos.planner.TenancyPlanner;
import io.kloigos.planner.UsageProbe;
import io.kloigos.rules.Bases;
import io.kloigos.rules.Capacity;
import io.kloigos.rules.KnownLimits;
import io.kloigos.rules.ServerLayout;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.Reading;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A fleet that this process manages itself, by a driver and a database. Safe for use by many threads.
 *
 * <pre>{@code
 * try (Kloigos kloigos = Kloigos.builder().driver(driver).database(Path.of("kloigos.db")).build()) {
 *     kloigos.await(kloigos.initServer(request).id());
 *     ComputeUnit unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), key));
 * }
 * }</pre>
 *
 * <p>Every change of a host is an operation, written down before it begins. Operations that a crash cut short are taken up
 * again by {@link KloigosBuilder#build()}. All methods throw {@link KloigosException} only.
 */
public final class Kloigos implements Fleet {
    private static final int UNITS_AT_A_TIME = 500;

    private final Inventory inventory;
    private final HostDriver driver;
    private final Engine engine;
    private final Expiry expiry;
    private final DriftWatch drift;
    private final InstantSource clock;
    private final Supplier<String> ids;
    private final Bases bases;
    private final String manager;
    private final @Nullable Tenant tenant;

    private Kloigos(Kloigos whole, Tenant tenant) {
        this.inventory = whole.inventory;
        this.driver = whole.driver;
        this.engine = whole.engine;
        this.expiry = whole.expiry;
        this.drift = whole.drift;
        this.clock = whole.clock;
        this.ids = whole.ids;
        this.bases = whole.bases;
        this.manager = whole.manager;
        this.tenant = tenant;
    }

    Kloigos(KloigosBuilder builder, Inventory inventory, HostDriver driver) {
        this.tenant = null;
        this.inventory = inventory;
        this.driver = driver;
        this.clock = builder.clock;
        this.ids = builder.ids;
        this.bases = builder.bases;
        this.manager = "kloigos " + inventory.instanceId(builder.ids.get());
        this.expiry = new Expiry(inventory, clock, ids, builder.expiryNotice);
        this.engine = new Engine(
                inventory,
                driver,
                clock,
                manager,
                builder.kept,
                builder.auditKept,
                builder.lease,
                expiry,
                builder.threads);
        this.drift = new DriftWatch(inventory, driver, clock, manager, engine::announce, builder.threads);
        engine.observe(drift::repaired);
    }

    /** Returns a builder; only the driver is required. */
    public static KloigosBuilder builder() {
        return new KloigosBuilder();
    }

    /** Takes up what a crash cut short, and begins to look for drift; for {@link KloigosBuilder}. */
    void start(@Nullable Duration driftChecks, DriftPolicy policy) {
        engine.start();
        if (driftChecks != null) {
            drift.start(driftChecks, policy == DriftPolicy.REPAIR ? this::mend : report -> {});
        }
    }

    /**
     * Returns this fleet as a tenant sees it: of units and of operations only those on its own are there, for those who ask,
     * listen, observe or count, and of drift only what its units differ in; what it allocates is its own. A unit that becomes
     * another tenant's during a call is not touched. What reaches units of others, or tells of them, throws FORBIDDEN:
     * {@link #decommission}, {@link #forget}, {@link #drain}, {@link #repair}, {@link #withdraw} and {@link #putBack} with
     * their previews, {@link #certificate} and {@link #access}. Servers are there as before otherwise, so who may change them is for the
     * caller to decide. Whichever of the two is closed, both are.
     */
    public Kloigos of(Tenant owner) {
        return new Kloigos(this, owner);
    }

    private boolean isVisible(@Nullable Tenant owner) {
        return tenant == null || tenant.equals(owner);
    }

    private void requireWholeFleet(String attempted) {
        if (tenant != null) {
            throw new KloigosException(
                    ErrorCode.FORBIDDEN,
                    "Cannot " + attempted + " as tenant " + tenant
                            + ": it is about what is not the tenant's too. Ask the whole fleet, as an operator.");
        }
    }

    private AllocateRequest owned(AllocateRequest request) {
        return tenant == null ? request : request.ownedBy(tenant);
    }

    private @Nullable IdempotencyKey key(RequestKey key, Object request) {
        return key.forRequest(request, tenant).orElse(null);
    }

    // The four verbs

    @Override
    public Operation initServer(InitServerRequest request, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, request);
        return once(key, () -> {
            Preview preview = previewInit(request);
            Operation operation =
                    newOperation(Operation.Kind.INIT, request.address().hostname(), null);
            inventory.addServer(preview.server(), preview.units(), operation, key);
            return operation;
        });
    }

    private Operation once(@Nullable IdempotencyKey key, Supplier<Operation> begin) {
        return once(key, begin, engine::submit);
    }

    private Operation once(@Nullable IdempotencyKey key, Supplier<Operation> begin, Consumer<Operation> run) {
        return once(
                key,
                begin,
                begun -> {
                    run.accept(begun);
                    return begun;
                },
                Function.identity());
    }

    /**
     * Returns what {@code again} makes of the operation that was begun for the key before, or else what {@code run} makes of what
     * {@code begin} writes down.
     */
    private <B, T> T once(
            @Nullable IdempotencyKey key, Supplier<B> begin, Function<B, T> run, Function<Operation, T> again) {
        Optional<Operation> before = known(key);
        if (before.isPresent()) {
            return again.apply(before.get());
        }
        B begun;
        try {
            begun = begin.get();
        } catch (KloigosException e) {
            // What speaks against it now may be what an equal request did meanwhile.
            return again.apply(known(key).orElseThrow(() -> e));
        }
        return run.apply(begun);
    }

    private Optional<Operation> known(@Nullable IdempotencyKey key) {
        return key == null ? Optional.empty() : inventory.operations().operationOf(key);
    }

    @Override
    public Preview previewInit(InitServerRequest request) {
        inventory
                .server(request.address().hostname())
                .filter(known -> known.status() != ServerStatus.DECOMMISSIONED)
                .ifPresent(known -> {
                    throw Inventory.alreadyManaged(known);
                });
        HostFacts facts;
        try (HostSession session = driver.open(request.address())) {
            facts = session.facts();
        }
        ServerLayout layout = ServerLayout.of(request, facts, bases);
        Server server = new Server(
                request.address().pinned(facts.hostKey().isEmpty() ? null : facts.hostKey()),
                request.region(),
                request.zone(),
                ServerStatus.INITIALIZING,
                "",
                null,
                layout.housekeepingCpus(),
                layout.memoryReserve(),
                layout.volumes(),
                facts,
                Stream.concat(layout.warnings().stream(), KnownLimits.of(facts, layout.portEnforcement()).stream())
                        .toList(),
                clock.instant(),
                null);
        return Preview.of(server, layout.units(), InitPlanner.init("preview", server, layout.units(), manager));
    }

    @Override
    public ComputeUnit allocate(AllocateRequest wanted, RequestKey requestKey) {
        engine.requireOpen();
        AllocateRequest request = owned(wanted);
        IdempotencyKey key = key(requestKey, request);
        return once(
                key,
                () -> claim(request, key),
                begun -> engine.run(begun.claim(), begun.plan())
                        .orElseGet(() -> allocated(begun.claim().operation())),
                this::allocated);
    }

    /** A claimed unit, and what makes it ready. */
    private record Begun(Inventory.Claim claim, HostPlan plan) {}

    private Begun claim(AllocateRequest request, @Nullable IdempotencyKey key) {
        expiry.requirePossible(request.expiresAt());
        AtomicReference<HostPlan> plan = new AtomicReference<>();
        return inventory
                .claim(
                        request,
                        (server, unit) -> {
                            Operation begun = newOperation(Operation.Kind.ALLOCATE, unit.hostname(), unit.id())
                                    .ownedBy(request.owner())
                                    .begun(clock.instant());
                            HostPlan made =
                                    TenancyPlanner.allocate(Engine.planId(begun), server, unit, unit.sshPublicKeys());
                            plan.set(made);
                            return begun.with(Progress.stepsOf(made));
                        },
                        key)
                .map(claim -> new Begun(claim, Objects.requireNonNull(plan.get())))
                .orElseThrow(() -> noCapacity(request));
    }

    private void runUnlessTakenOver(Operation operation) {
        try {
            engine.run(operation);
        } catch (KloigosException e) {
            // Whoever took it over carries on with it.
            if (e.code() != ErrorCode.TAKEN_OVER) {
                throw e;
            }
        }
    }

    private ComputeUnit allocated(Operation begun) {
        Operation operation = await(begun.id());
        ComputeId id = Objects.requireNonNull(operation.computeId());
        requireSuccess(operation, id);
        ComputeUnit unit = unit(id);
        boolean isSameTenancy =
                unit.status() == UnitStatus.ALLOCATED && Objects.equals(unit.startedAt(), operation.endedAt());
        if (!isSameTenancy) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Unit " + id + " was allocated by operation " + operation.id()
                            + " and has been given back since. Use a new idempotency key to allocate another.");
        }
        return unit;
    }

    private void requireSuccess(Operation operation, ComputeId id) {
        switch (operation.state()) {
            case PENDING, RUNNING -> {
                engine.requireOpen();
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Unit " + id + " is not ready yet: the waiting for operation " + operation.id()
                                + " was interrupted. The operation goes on; wait for it, or deallocate the unit then.");
            }
            case FAILED, CANCELLED ->
                throw new KloigosException(
                        Objects.requireNonNullElse(operation.errorCode(), ErrorCode.INTERNAL),
                        String.valueOf(operation.error()));
            case SUCCEEDED -> {}
        }
    }

    @Override
    public Preview previewAllocate(AllocateRequest wanted) {
        AllocateRequest request = owned(wanted);
        expiry.requirePossible(request.expiresAt());
        ComputeUnit unit = inventory.candidate(request).orElseThrow(() -> noCapacity(request));
        Server server = server(unit.hostname());
        return Preview.of(
                server, List.of(unit), TenancyPlanner.allocate("preview", server, unit, request.sshPublicKeys()));
    }

    /** A tenant is told of no servers but those with units of its own: they are the operator's, and others are on them too. */
    private KloigosException noCapacity(AllocateRequest request) {
        List<Server> leftOut = tenant == null ? inventory.outOfService().cordonedWithRoomFor(request) : List.of();
        return new KloigosException(
                ErrorCode.NO_CAPACITY,
                Capacity.refusal(request, inventory.capacity(request), inventory.barred(request))
                        + Capacity.leftOut(leftOut));
    }

    @Override
    public Operation deallocate(ComputeId id, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "deallocate " + id);
        return once(key, () -> {
            ComputeUnit unit = unit(id);
            Operation operation =
                    newOperation(Operation.Kind.DEALLOCATE, unit.hostname(), id).ownedBy(unit.owner());
            inventory.beginDeallocation(id, operation, key);
            return operation;
        });
    }

    @Override
    public Operation forceRelease(ComputeId id, Reason reason, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "force " + id + " " + reason);
        return once(key, () -> {
            ComputeUnit unit = unit(id);
            Operation operation =
                    newOperation(Operation.Kind.DEALLOCATE, unit.hostname(), id).ownedBy(unit.owner());
            inventory.beginForcedRelease(id, operation, reason, key);
            return operation;
        });
    }

    @Override
    public Preview previewDeallocate(ComputeId id) {
        ComputeUnit unit = unit(id);
        if (!unit.status().mayBecome(UnitStatus.DEALLOCATING)) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE, "Unit " + id + " is " + unit.status() + " and cannot be deallocated.");
        }
        inventory.tenancies().requireIdle(unit);
        Server server = server(unit.hostname());
        return Preview.of(server, List.of(unit), ReleasePlanner.deallocate("preview", server, unit));
    }

    @Override
    public Operation decommission(DecommissionRequest request, RequestKey requestKey) {
        requireWholeFleet("decommission " + request.hostname());
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, request);
        return once(key, () -> {
            Operation operation = newOperation(Operation.Kind.DECOMMISSION, request.hostname(), null);
            inventory.beginDecommission(
                    request.hostname(),
                    operation,
                    request.dataDisks(),
                    key,
                    (server, units) -> requireDecommissionable(server, units, request.tenants()));
            return operation;
        });
    }

    @Override
    public Preview previewDecommission(DecommissionRequest request) {
        requireWholeFleet("decommission " + request.hostname());
        Server server = server(request.hostname());
        List<ComputeUnit> units = units(UnitFilter.ofServer(request.hostname()));
        requireDecommissionable(server, units, request.tenants());
        inventory.operations().requireIdle(server, "decommission");
        units.stream()
                .filter(unit -> unit.status() == UnitStatus.ALLOCATED)
                .forEach(inventory.tenancies()::requireIdle);
        return Preview.of(
                server, units, DecommissionPlanner.decommission("preview", server, units, request.dataDisks()));
    }

    private static void requireDecommissionable(Server server, List<ComputeUnit> units, Tenants tenants) {
        String attempted = "Cannot decommission " + server.hostname() + ": ";
        if (server.status() == ServerStatus.DECOMMISSIONED) {
            throw new KloigosException(ErrorCode.WRONG_STATE, attempted + "it is decommissioned already.");
        }
        String busy = named(units.stream().filter(unit -> !unit.status().mayBecome(UnitStatus.DECOMMISSIONING)));
        if (!busy.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE, attempted + "something is under way on " + busy + ". Wait until it ends.");
        }
        String held = named(units.stream().filter(unit -> unit.status().holdsTenant()));
        if (tenants == Tenants.REFUSE && !held.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    attempted + "tenants hold " + held
                            + ". Deallocate these units, or force it to end and erase them.");
        }
    }

    private static String named(Stream<ComputeUnit> units) {
        return units.map(unit -> unit.id() + " (" + unit.status() + ")").collect(Collectors.joining(", "));
    }

    // Changes of units in tenants' hands

    @Override
    public ComputeUnit change(ComputeId id, UnitChange change, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, id + " " + change);
        Supplier<Operation> begin = () -> {
            ComputeUnit present = unit(id);
            requireRoom(present, change.madeTo(present, clock.instant()));
            Operation operation = Operation.asked(
                            ids.get(), change.kind(), present.hostname(), id, notBefore(present.startedAt()))
                    .ownedBy(present.owner());
            inventory.tenancies().begin(id, operation, key, unit -> change.madeTo(unit, operation.createdAt()));
            return operation;
        };
        Operation operation = await(once(key, begin, this::runUnlessTakenOver).id());
        requireSuccess(operation, id);
        ComputeUnit unit = unit(id);
        Instant since = unit.startedAt();
        if (since == null || operation.createdAt().isBefore(since)) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Unit " + id + " was changed by operation " + operation.id() + " and has been given back since.");
        }
        return unit;
    }

    /** Returns the time; another replica's clock, by which the tenant has the unit, may be ahead. */
    private Instant notBefore(@Nullable Instant earliest) {
        Instant now = clock.instant();
        return earliest != null && now.isBefore(earliest) ? earliest : now;
    }

    private void requireRoom(ComputeUnit unit, ComputeUnit wanted) {
        ShrinkCheck check = new ShrinkCheck(unit, wanted);
        List<Reading> readings = check.readings();
        if (!readings.isEmpty()) {
            try (HostSession session = driver.open(server(unit.hostname()).address())) {
                check.requireRoom(session.read(readings));
            }
        }
    }

    @Override
    public Preview previewChange(ComputeId id, UnitChange change) {
        ComputeUnit unit = unit(id);
        ComputeUnit wanted = change.madeTo(unit, clock.instant());
        inventory.tenancies().requireIdle(unit);
        if (change.kind() == Operation.Kind.RESIZE) {
            inventory.tenancies().requireRoom(wanted);
        }
        requireRoom(unit, wanted);
        Server server = server(unit.hostname());
        return Preview.of(
                server, List.of(wanted), TenancyPlanner.change("preview", change.kind(), server, unit, wanted));
    }

    @Override
    public ComputeUnit setTags(ComputeId id, Tags tags) {
        engine.requireOpen();
        return told(inventory.tenancies().setTags(unit(id), tags, clock.instant()));
    }

    @Override
    public ComputeUnit setExpiry(ComputeId id, @Nullable Instant expiresAt) {
        engine.requireOpen();
        expiry.requirePossible(expiresAt);
        return told(inventory.tenancies().setExpiry(unit(id), expiresAt, clock.instant()));
    }

    private ComputeUnit told(ComputeUnit unit) {
        engine.announce(new Event.UnitChanged(unit));
        return unit;
    }

    // Out of service

    @Override
    public Server cordon(String hostname, Reason reason, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "cordon " + hostname + " " + reason);
        return told(inventory.outOfService().cordon(hostname, reason, key, clock.instant()));
    }

    @Override
    public Server uncordon(String hostname, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "uncordon " + hostname);
        return told(inventory.outOfService().uncordon(hostname, key, clock.instant()));
    }

    @Override
    public Server forget(String hostname, Reason reason, RequestKey requestKey) {
        requireWholeFleet("forget " + hostname);
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "forget " + hostname + " " + reason);
        Server gone = told(inventory.outOfService().forget(hostname, reason, key, clock.instant()));
        units(UnitFilter.ofServer(hostname)).forEach(this::told);
        return gone;
    }

    private Server told(Server server) {
        engine.announce(new Event.ServerChanged(server));
        return server;
    }

    @Override
    public List<Operation> drain(DrainRequest request, RequestKey requestKey) {
        requireWholeFleet("drain " + request.hostname());
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, request);
        Optional<Operation> before = known(key);
        if (before.isPresent()) {
            return inventory.operations().begunWith(before.get());
        }
        Instant now = clock.instant();
        Set<String> made = new HashSet<>();
        List<Operation> all = inventory
                .outOfService()
                .drain(
                        request.hostname(),
                        request.reason(),
                        key,
                        now,
                        units -> requireDrainable(request, units),
                        unit -> {
                            Operation operation = Operation.asked(
                                            ids.get(), Operation.Kind.DEALLOCATE, unit.hostname(), unit.id(), now)
                                    .ownedBy(unit.owner());
                            made.add(operation.id());
                            return operation;
                        });
        told(server(request.hostname()));
        // Of those made, the ones of a transaction that was repeated are not there.
        all.stream().filter(operation -> made.contains(operation.id())).forEach(engine::submit);
        return all;
    }

    @Override
    public Preview previewDrain(DrainRequest request) {
        requireWholeFleet("drain " + request.hostname());
        Server server = server(request.hostname());
        List<ComputeUnit> units = units(UnitFilter.ofServer(request.hostname()));
        requireDrainable(request, units);
        List<ComputeUnit> evicted = units.stream()
                .filter(unit -> unit.status().mayBecome(UnitStatus.DEALLOCATING))
                .toList();
        evicted.forEach(inventory.tenancies()::requireIdle);
        return Preview.of(server, evicted, ReleasePlanner.drain("preview", server, evicted));
    }

    private static void requireDrainable(DrainRequest request, List<ComputeUnit> units) {
        String attempted = "Cannot drain " + request.hostname() + ": ";
        String busy = named(units.stream()
                .filter(unit -> unit.status() != UnitStatus.DEALLOCATING
                        && unit.status().holdsTenant()
                        && !unit.status().mayBecome(UnitStatus.DEALLOCATING)));
        if (!busy.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    attempted + "something is under way on " + busy
                            + ". Cordon it, so that nothing new begins, and drain it when that has ended.");
        }
        String held = named(units.stream().filter(unit -> unit.status().mayBecome(UnitStatus.DEALLOCATING)));
        if (request.tenants() == Tenants.REFUSE && !held.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    attempted + "tenants hold " + held
                            + ". Cordon it and deallocate these units, or force it to end and erase them.");
        }
    }

    @Override
    public ComputeUnit withdraw(ComputeId id, Reason reason, RequestKey requestKey) {
        requireWholeFleet("withdraw unit " + id);
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "withdraw " + id + " " + reason);
        return told(inventory.outOfService().withdraw(id, reason, key, clock.instant()));
    }

    @Override
    public ComputeUnit putBack(ComputeId id, RequestKey requestKey) {
        requireWholeFleet("put back unit " + id);
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "put back " + id);
        return told(inventory.outOfService().putBack(id, key, clock.instant()));
    }

    // Drift

    @Override
    public DriftReport checkDrift(String hostname) {
        return visible(drift.look(hostname), own());
    }

    @Override
    public Optional<DriftReport> drift(String hostname) {
        return inventory.drift().find(server(hostname).hostname()).map(report -> visible(report, own()));
    }

    @Override
    public List<DriftReport> driftReports() {
        Set<ComputeId> own = own();
        return inventory.drift().all().stream()
                .map(report -> visible(report, own))
                .toList();
    }

    /** Returns the tenant's units. */
    private Set<ComputeId> own() {
        return tenant == null
                ? Set.of()
                : units(UnitFilter.all()).stream().map(ComputeUnit::id).collect(Collectors.toSet());
    }

    private DriftReport visible(DriftReport report, Set<ComputeId> own) {
        return tenant == null ? report : report.of(own);
    }

    @Override
    public Operation repair(String hostname, RequestKey requestKey) {
        requireWholeFleet("repair " + hostname);
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "repair " + hostname);
        Supplier<Operation> begin = () -> {
            inventory.drift().requireRepairable(hostname);
            return beginRepair(checkDrift(hostname), key);
        };
        return once(key, begin);
    }

    private Operation beginRepair(DriftReport found, @Nullable IdempotencyKey key) {
        Operation operation = newOperation(Operation.Kind.REPAIR, found.hostname(), null);
        inventory.drift().beginRepair(operation, found.repairable(), key);
        return operation;
    }

    @Override
    public Preview previewRepair(String hostname) {
        requireWholeFleet("repair " + hostname);
        inventory.drift().requireRepairable(hostname);
        Server server = server(hostname);
        List<ComputeUnit> units = units(UnitFilter.ofServer(hostname));
        List<Deviation> deviations = checkDrift(hostname).repairable();
        return Preview.of(server, units, RepairPlanner.repair("preview", server, units, manager, deviations));
    }

    private void mend(DriftReport found) {
        if (!found.repairable().isEmpty()) {
            engine.requireOpen();
            engine.submit(beginRepair(found, null));
        }
    }

    // Questions

    @Override
    public UnitUsage usage(ComputeId id) {
        ComputeUnit unit = unit(id);
        Server server = server(unit.hostname());
        UsageProbe probe = new UsageProbe(server.facts(), unit);
        try (HostSession session = driver.open(server.address())) {
            List<String> texts = session.read(probe.readings());
            return probe.usage(texts, clock.instant());
        }
    }

    @Override
    public List<ComputeUnit> units(UnitFilter filter) {
        return visible(filter).map(inventory::units).orElse(List.of());
    }

    /**
     * Returns the units that {@link #units} returns, read some at a time while the stream is consumed, so that any number of
     * them needs little memory. Units that change meanwhile are as they were when they were read.
     *
     * @param after the place after which they come; null for all
     */
    public Stream<ComputeUnit> streamUnits(UnitFilter filter, @Nullable UnitPlace after) {
        return Stream.iterate(
                        unitsAfter(filter, after, UNITS_AT_A_TIME),
                        units -> !units.isEmpty(),
                        units -> units.size() < UNITS_AT_A_TIME
                                ? List.<ComputeUnit>of()
                                : unitsAfter(filter, UnitPlace.of(units.get(units.size() - 1)), UNITS_AT_A_TIME))
                .flatMap(List::stream);
    }

    /**
     * Returns some of the units that {@link #units} returns.
     *
     * @param after the place after which they come; null for the first
     */
    public List<ComputeUnit> unitsAfter(UnitFilter filter, @Nullable UnitPlace after, int most) {
        return visible(filter).map(owned -> inventory.units(owned, after, most)).orElse(List.of());
    }

    /**
     * Returns some of the servers, by host name.
     *
     * @param filter which of them
     * @param after the host name after which they come; empty for the first
     */
    public List<Server> serversAfter(ServerFilter filter, String after, int most) {
        return inventory.servers(filter, after, most);
    }

    /** Returns what {@link Inventory#version} does. */
    public Optional<String> version() {
        return inventory.version();
    }

    /** Returns the filter for what of its units this fleet shows; empty if it shows none of them. */
    private Optional<UnitFilter> visible(UnitFilter filter) {
        Tenant asked = filter.owner();
        if (asked != null && !isVisible(asked)) {
            return Optional.empty();
        }
        return Optional.of(tenant == null ? filter : filter.ownedBy(tenant));
    }

    /** Returns where tenants log in, by the host names of the servers. */
    public Map<String, SshEndpoint> sshEndpoints() {
        return inventory.sshEndpoints();
    }

    /** Returns where tenants log in to units of this server. */
    public SshEndpoint sshEndpoint(String hostname) {
        return inventory.sshEndpoint(hostname);
    }

    @Override
    public ComputeUnit unit(ComputeId id) {
        return inventory.unit(id).filter(unit -> isVisible(unit.owner())).orElseThrow(() -> Inventory.unknownUnit(id));
    }

    @Override
    public ReleaseCertificate certificate(ComputeId id) {
        unit(id);
        requireWholeFleet("see the certificate of " + id);
        return inventory
                .certificates()
                .newest(id)
                .orElseThrow(() -> new KloigosException(
                        ErrorCode.NOT_FOUND, "Unit " + id + " has no certificate: it was never deallocated."));
    }

    @Override
    public List<Server> servers() {
        return inventory.servers();
    }

    @Override
    public Server server(String hostname) {
        return inventory.server(hostname).orElseThrow(() -> Inventory.unknownServer(hostname));
    }

    @Override
    public Operation operation(String id) {
        Operation written = inventory
                .operations()
                .find(id)
                .filter(operation -> isVisible(operation.owner()))
                .orElseThrow(() -> Operations.unknown(id));
        if (written.state().isEnded()) {
            return written;
        }
        return engine.progress(id)
                .filter(progress -> progress.attempt() == written.attempt())
                .orElse(written);
    }

    @Override
    public Optional<Operation> operationOf(String idempotencyKey) {
        return inventory
                .operations()
                .begunBy(IdempotencyKey.of(idempotencyKey, "").ownedBy(tenant));
    }

    @Override
    public List<Operation> operations(int most) {
        return operationsAfter(OperationFilter.all(), null, most);
    }

    /**
     * Returns some of the operations, without their steps, from the newest to the oldest.
     *
     * @param filter which of them
     * @param after the place after which they come; null for the newest
     */
    public List<Operation> operationsAfter(OperationFilter filter, @Nullable OperationPlace after, int most) {
        return inventory.operations().newest(filter, tenant, after, most);
    }

    @Override
    public Operation cancel(String operationId) {
        engine.requireOpen();
        Operation operation =
                inventory.operations().requestCancel(operation(operationId).id());
        try (HostSession session = driver.open(server(operation.hostname()).address())) {
            session.cancel(Engine.planId(operation));
        }
        return operation(operationId);
    }

    @Override
    public Operation retry(String operationId, RequestKey requestKey) {
        engine.requireOpen();
        IdempotencyKey key = key(requestKey, "retry " + operationId);
        return once(key, () -> {
            requireRoomAgain(operation(operationId));
            return inventory.beginRetry(operationId, clock.instant(), key);
        });
    }

    /** The tenant may have filled by now what a resize will take away. */
    private void requireRoomAgain(Operation failed) {
        if (failed.kind() == Operation.Kind.RESIZE) {
            ComputeUnit unit = unit(Objects.requireNonNull(failed.computeId()));
            if (failed.id().equals(unit.operationId())) {
                requireRoom(unit, inventory.tenancies().wanted(failed));
            }
        }
    }

    @Override
    public Operation await(String operationId) {
        engine.await(operationId);
        return operation(operationId);
    }

    /** Returns the API tokens, the sessions and the audit log. They are closed with this Kloigos. */
    public Access access() {
        requireWholeFleet("see tokens and the audit log");
        return inventory.access();
    }

    @Override
    public Registration listen(KloigosListener listener) {
        KloigosListener told = tenant == null
                ? listener
                : event -> {
                    if (event.owner().filter(this::isVisible).isPresent()) {
                        listener.happened(event);
                    }
                };
        engine.add(told);
        return () -> engine.remove(told);
    }

    /** Returns how much of what there is. The database does the counting, so this is cheap for a large fleet too. */
    public FleetCounts counts() {
        return tenant == null ? inventory.census().take() : inventory.census().take(tenant);
    }

    /**
     * From now on tells {@code observer} of every operation that has ended here, on the thread that ran it, until the returned
     * registration is closed. What other replicas ran is not told. Unlike a listener, an observer causes no further work.
     */
    public Registration observe(Consumer<Operation> observer) {
        Consumer<Operation> told = operation -> {
            if (isVisible(operation.owner())) {
                observer.accept(operation);
            }
        };
        engine.observe(told);
        return () -> engine.stopObserving(told);
    }

    /**
     * Makes sure that new work can be taken: the database takes changes, operations are looked after, and this is not closed.
     *
     * @throws KloigosException SHUTTING_DOWN; STORE_FAILED; WRONG_STATE if operations could not be looked after lately
     */
    public void requireReady() {
        engine.requireOpen();
        inventory.requireWritable();
        engine.requireAlive();
    }

    private Operation newOperation(Operation.Kind kind, String hostname, @Nullable ComputeId unit) {
        engine.requireOpen();
        return Operation.asked(ids.get(), kind, hostname, unit, clock.instant());
    }

    /**
     * Takes no new work, gives what is under way a few seconds to end, and releases the driver and the database. What did not
     * end is taken up again by the next {@link KloigosBuilder#build()} on this database, or by another replica. Closing twice does
     * nothing.
     */
    @Override
    public void close() {
        if (!engine.close()) {
            return;
        }
        drift.close();
        driver.close();
        engine.awaitEnd();
        try {
            inventory.operations().release();
        } finally {
            inventory.close();
        }
    }
}
