package io.kloigos;

import io.kloigos.DecommissionRequest.Tenants;
import io.kloigos.inventory.Inventory;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostFacts;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.planner.HostPlanner;
import io.kloigos.rules.Bases;
import io.kloigos.rules.Capacity;
import io.kloigos.rules.ServerLayout;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostSession;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A fleet of servers cut into compute units: the four verbs, and what can be asked. Safe for use by many threads.
 *
 * <pre>{@code
 * try (Kloigos kloigos = Kloigos.builder().driver(driver).database(Path.of("kloigos.db")).build()) {
 *     kloigos.await(kloigos.initServer(request).id());
 *     ComputeUnit unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), key));
 * }
 * }</pre>
 *
 * <p>Every change of a host is an operation, written down before it begins. Operations that a crash cut short are taken up
 * again by {@link Builder#build()}. All methods throw {@link KloigosException} only.
 */
public final class Kloigos implements AutoCloseable {
    private final Inventory inventory;
    private final HostDriver driver;
    private final Engine engine;
    private final InstantSource clock;
    private final Supplier<String> ids;
    private final Bases bases;
    private final String manager;

    private Kloigos(Builder builder, Inventory inventory, HostDriver driver) {
        this.inventory = inventory;
        this.driver = driver;
        this.clock = builder.clock;
        this.ids = builder.ids;
        this.bases = builder.bases;
        this.manager = "kloigos " + inventory.instanceId(builder.ids.get());
        this.engine = new Engine(inventory, driver, clock, manager);
    }

    /** Returns a builder; only the driver is required. */
    public static Builder builder() {
        return new Builder();
    }

    // The four verbs

    /**
     * Brings a host under management and returns the operation that prepares it, which goes on in the background. The host is
     * reached and its facts are checked first, so what speaks against it is thrown before anything is written or touched.
     *
     * @throws KloigosException ALREADY_MANAGED; HOST_UNSUITABLE with every fault; codes of kind HOST if it cannot be reached
     */
    public Operation initServer(InitServerRequest request) {
        engine.requireOpen();
        Preview preview = previewInit(request);
        Operation operation =
                newOperation(Operation.Kind.INIT, request.address().hostname(), null);
        inventory.addServer(preview.server(), preview.units(), operation);
        engine.submit(operation);
        return operation;
    }

    /** Returns what {@link #initServer} would do, and throws what it would throw. */
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
                layout.housekeepingCpus(),
                layout.volumes(),
                facts,
                layout.warnings(),
                clock.instant(),
                null);
        return new Preview(server, layout.units(), HostPlanner.init("preview", server, layout.units(), manager));
    }

    /**
     * Hands a free unit to a tenant and returns it when the tenant can log in.
     *
     * @throws KloigosException NO_CAPACITY with what would fit; codes of kind HOST if the host could not be made ready, after
     *     which the unit is allocation_fail
     */
    public ComputeUnit allocate(AllocateRequest request) {
        engine.requireOpen();
        ComputeUnit unit = inventory
                .claim(request, chosen -> newOperation(Operation.Kind.ALLOCATE, chosen.hostname(), chosen.id()))
                .orElseThrow(() -> noCapacity(request));
        engine.run(operation(Objects.requireNonNull(unit.operationId())));
        return unit(unit.id());
    }

    /** Returns what {@link #allocate} would do now, and throws what it would throw. */
    public Preview previewAllocate(AllocateRequest request) {
        ComputeUnit unit = inventory.candidate(request).orElseThrow(() -> noCapacity(request));
        Server server = server(unit.hostname());
        return new Preview(
                server, List.of(unit), HostPlanner.allocate("preview", server, unit, request.sshPublicKey()));
    }

    private KloigosException noCapacity(AllocateRequest request) {
        return new KloigosException(ErrorCode.NO_CAPACITY, Capacity.refusal(request, inventory.capacity()));
    }

    /**
     * Takes a unit back and returns the operation that erases its tenant, which goes on in the background.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is in no tenant's hands
     */
    public Operation deallocate(ComputeId id) {
        engine.requireOpen();
        ComputeUnit unit = unit(id);
        Operation operation = newOperation(Operation.Kind.DEALLOCATE, unit.hostname(), id);
        inventory.beginDeallocation(id, operation);
        engine.submit(operation);
        return operation;
    }

    /** Returns what {@link #deallocate} would do now, and throws what it would throw. */
    public Preview previewDeallocate(ComputeId id) {
        ComputeUnit unit = unit(id);
        if (!unit.status().mayBecome(UnitStatus.DEALLOCATING)) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE, "Unit " + id + " is " + unit.status() + " and cannot be deallocated.");
        }
        Server server = server(unit.hostname());
        return new Preview(server, List.of(unit), HostPlanner.deallocate("preview", server, unit));
    }

    /**
     * Gives a server back and returns the operation that removes every trace of Kloigos from it, which goes on in the
     * background.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if units are allocated and the request does not evict, or if something
     *     is under way on the server
     */
    public Operation decommission(DecommissionRequest request) {
        Operation operation = newOperation(Operation.Kind.DECOMMISSION, request.hostname(), null);
        inventory.beginDecommission(
                request.hostname(),
                operation,
                request.dataDisks(),
                (server, units) -> requireDecommissionable(server, units, request.tenants()));
        engine.submit(operation);
        return operation;
    }

    /** Returns what {@link #decommission} would do now, and throws what it would throw. */
    public Preview previewDecommission(DecommissionRequest request) {
        Server server = server(request.hostname());
        List<ComputeUnit> units = units(UnitFilter.ofServer(request.hostname()));
        requireDecommissionable(server, units, request.tenants());
        return new Preview(server, units, HostPlanner.decommission("preview", server, units, request.dataDisks()));
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

    private static String named(java.util.stream.Stream<ComputeUnit> units) {
        return units.map(unit -> unit.id() + " (" + unit.status() + ")").collect(Collectors.joining(", "));
    }

    // Questions

    /** Returns the units that pass the filter, by server and by their order on it. */
    public List<ComputeUnit> units(UnitFilter filter) {
        return inventory.units(filter);
    }

    /**
     * Returns the unit of this name.
     *
     * @throws KloigosException NOT_FOUND
     */
    public ComputeUnit unit(ComputeId id) {
        return inventory.unit(id).orElseThrow(() -> Inventory.unknownUnit(id));
    }

    /** Returns the servers, by host name. */
    public List<Server> servers() {
        return inventory.servers();
    }

    /**
     * Returns the server of this name.
     *
     * @throws KloigosException NOT_FOUND
     */
    public Server server(String hostname) {
        return inventory.server(hostname).orElseThrow(() -> Inventory.unknownServer(hostname));
    }

    /**
     * Returns the operation of this id, with its steps as they now are.
     *
     * @throws KloigosException NOT_FOUND
     */
    public Operation operation(String id) {
        return engine.progress(id)
                .or(() -> inventory.operation(id))
                .orElseThrow(() -> new KloigosException(
                        ErrorCode.NOT_FOUND,
                        "There is no operation " + id + "; list the operations to see their ids."));
    }

    /** Returns the newest operations, without their steps. */
    public List<Operation> operations(int most) {
        return inventory.operations(most);
    }

    /** Returns the operation once it has ended; waits for it. */
    public Operation await(String operationId) {
        engine.await(operationId);
        return operation(operationId);
    }

    /** From now on tells {@code listener} of every event, until the returned registration is closed. */
    public Registration listen(KloigosListener listener) {
        engine.add(listener);
        return () -> engine.remove(listener);
    }

    /** A listener's registration. */
    @FunctionalInterface
    public interface Registration extends AutoCloseable {
        /** The listener is told no more. */
        @Override
        void close();
    }

    private Operation newOperation(Operation.Kind kind, String hostname, @Nullable ComputeId unit) {
        engine.requireOpen();
        Instant now = clock.instant();
        return new Operation(
                ids.get(), kind, hostname, unit, Operation.State.PENDING, 1, null, null, now, null, null, List.of());
    }

    /**
     * Takes no new work, gives what is under way a few seconds to end, and releases the driver and the database. What did not
     * end is taken up again by the next {@link Builder#build()} on this database.
     */
    @Override
    public void close() {
        engine.close();
        driver.close();
        engine.awaitEnd();
        inventory.close();
    }

    /** Settings of a {@link Kloigos}. */
    public static final class Builder {
        private @Nullable HostDriver driver;
        private Path database = Path.of("kloigos.db");
        private InstantSource clock = InstantSource.system();
        private Supplier<String> ids = () -> UUID.randomUUID().toString();
        private Bases bases = Bases.defaults();

        private Builder() {}

        /** Sets how hosts are reached. The driver is closed with the Kloigos. */
        public Builder driver(HostDriver hostDriver) {
            this.driver = hostDriver;
            return this;
        }

        /** Sets the SQLite database file; without this, {@code kloigos.db} in the working directory. */
        public Builder database(Path file) {
            this.database = file;
            return this;
        }

        /** Sets the clock; without this, the system's. */
        public Builder clock(InstantSource source) {
            this.clock = source;
            return this;
        }

        /** Sets where unique ids of operations come from; without this, random UUIDs. */
        public Builder ids(Supplier<String> source) {
            this.ids = source;
            return this;
        }

        /** Sets where user ids and ports begin; without this, {@link Bases#defaults()}. */
        public Builder bases(Bases unitBases) {
            this.bases = unitBases;
            return this;
        }

        /**
         * Opens the database, takes up what a crash cut short, and returns the fleet.
         *
         * @throws KloigosException STORE_FAILED if the database cannot be opened
         */
        public Kloigos build() {
            HostDriver hostDriver = Objects.requireNonNull(driver, "Kloigos needs a driver: builder().driver(...)");
            Kloigos kloigos = new Kloigos(this, Inventory.open(database), hostDriver);
            kloigos.inventory.unfinished().forEach(kloigos.engine::submit);
            return kloigos;
        }
    }
}
