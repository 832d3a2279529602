package io.kloigos.command;

import io.kloigos.Kloigos;
import io.kloigos.inventory.Inventory;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostFacts;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.UnitFilter;
import io.kloigos.planner.InitPlanner;
import io.kloigos.planner.TenancyPlanner;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.StepReport;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.FakeHostBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A fleet of simulated hosts in six places. Name, address and hardware of a host depend on its place in the fleet only, so
 * that every start makes the same hosts.
 */
final class SimulatedFleet {
    private static final List<String> REGIONS = List.of("eu", "us");
    private static final List<String> ZONES = List.of("a", "b", "c");
    private static final ByteSize MEMORY_PER_CPU = ByteSize.parse("4G");
    private static final ByteSize DISK_PER_CPU = ByteSize.parse("16G");
    private static final int LEAST_CPUS_FOR_NODES = 64;
    private static final int PLANS_KEPT = 100;
    private static final Duration RESTORING = Duration.ofSeconds(20);

    private final FleetSize size;
    private final Map<String, InitServerRequest> requests;
    private final FakeFleet fleet;

    private SimulatedFleet(FleetSize size, List<Machine> machines) {
        this.size = size;
        this.requests = machines.stream()
                .map(Machine::request)
                .collect(Collectors.toMap(
                        request -> request.address().hostname(),
                        Function.identity(),
                        (first, second) -> first,
                        TreeMap::new));
        this.fleet = FakeFleet.of(machines.stream().map(Machine::host).toArray(FakeHost[]::new));
    }

    /** A host and how it is cut into units. */
    private record Machine(FakeHost host, InitServerRequest request) {}

    static SimulatedFleet of(FleetSize size) {
        return new SimulatedFleet(
                size,
                IntStream.range(0, size.servers())
                        .mapToObj(index -> machine(size, index))
                        .toList());
    }

    private static Machine machine(FleetSize size, int index) {
        String region = REGIONS.get(index / ZONES.size() % REGIONS.size());
        String zone = ZONES.get(index % ZONES.size());
        int rack = index / (REGIONS.size() * ZONES.size());
        // 198.18.0.0/15 is kept for tests of networks (RFC 2544): no real host has such an address.
        String ip = "198.18." + (index + 1) / 256 + "." + (index + 1) % 256;
        int threads = size.cpus() >= LEAST_CPUS_FOR_NODES && size.cpus() % 2 == 0 ? 2 : 1;
        FakeHostBuilder builder = FakeHost.builder(String.format("%s-%s-%03d", region, zone, rack + 1), ip)
                .cpus(size.cpus())
                .threadsPerCore(threads)
                .nodes(nodes(size.cpus() / threads, rack))
                .memory(MEMORY_PER_CPU.times(size.cpus(), 1))
                .fileSystem(
                        "/",
                        "/dev/sda1",
                        "ext4",
                        DISK_PER_CPU.times(size.cpus(), 1),
                        "rw",
                        "relatime",
                        "usrquota",
                        "prjquota")
                .disk("/dev/sda", DISK_PER_CPU.times(size.cpus(), 1), "parts")
                .disk("/dev/sdb", DISK_PER_CPU.times(size.cpus(), 1))
                .plansKept(PLANS_KEPT);
        if (region.equals("us")) {
            builder.systemd(252).without(Capability.SYSTEMD_BPF);
        }
        FakeHost host = builder.build();
        return new Machine(host, InitServerRequest.of(host.address(), region, zone, units(size, threads)));
    }

    /** Large servers have two NUMA nodes or four, whichever the cores can be spread over; small ones have one. */
    private static int nodes(int cores, int rack) {
        return Stream.of(rack % 2 == 0 ? 2 : 4, 2)
                .filter(nodes -> cores * 2 >= LEAST_CPUS_FOR_NODES && cores % nodes == 0)
                .findFirst()
                .orElse(1);
    }

    /** Units have whole cores where that can be: with two threads a core, CPU 0 of 64 shares its core with CPU 32. */
    private static List<CpuSet> units(FleetSize size, int threads) {
        int spans = size.cpusPerUnit() % threads == 0 ? threads : 1;
        int length = size.cpusPerUnit() / spans;
        int stride = size.cpus() / spans;
        List<CpuSet> units = new ArrayList<>();
        for (int unit = 0; unit < size.unitsPerServer(); unit++) {
            int first = unit * length;
            units.add(IntStream.range(0, spans)
                    .mapToObj(thread -> CpuSet.range(first + thread * stride, first + thread * stride + length - 1))
                    .reduce(CpuSet.empty(), CpuSet::union));
        }
        return units;
    }

    HostDriver driver() {
        return fleet.driver();
    }

    FakeHost host(String hostname) {
        return fleet.host(hostname);
    }

    /**
     * Makes the hosts hold what the database of an earlier run says, since they were in that run's memory: its units, and
     * the tenants in them. What tenants had left there is gone.
     *
     * @throws KloigosException WRONG_STATE if the database holds a server that is not of this fleet
     */
    void restore(Path database) {
        if (!Files.exists(database)) {
            return;
        }
        try (Inventory inventory = Inventory.open(database, "restore-" + UUID.randomUUID(), RESTORING);
                HostDriver driver = fleet.driver()) {
            List<Server> servers = inventory.servers();
            servers.forEach(server -> requireOfThisFleet(server, database));
            String manager = "kloigos " + inventory.instanceId(UUID.randomUUID().toString());
            servers.parallelStream()
                    .filter(server -> isPrepared(server.status()))
                    .forEach(server ->
                            restore(driver, server, inventory.units(UnitFilter.ofServer(server.hostname())), manager));
        }
    }

    private void requireOfThisFleet(Server server, Path database) {
        InitServerRequest request = requests.get(server.hostname());
        if (request == null || !isSame(server, host(server.hostname()))) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot use " + database.toAbsolutePath() + " for the simulated fleet " + size + ": it holds "
                            + server.address() + " with "
                            + server.facts().onlineCpus().count()
                            + " CPUs, which is not of this fleet. Name another database by --database, or the fleet with"
                            + " which this one was made by --fleet.");
        }
    }

    private static boolean isSame(Server server, FakeHost host) {
        HostFacts facts = host.facts();
        return server.address().ip().equals(host.address().ip())
                && host.hostKey().equals(server.address().hostKey())
                && server.facts().topology().equals(facts.topology())
                && server.facts().nodes().equals(facts.nodes());
    }

    /** The other ones were not begun or are given back; an init that was cut short is taken up by Kloigos. */
    private static boolean isPrepared(ServerStatus status) {
        return switch (status) {
            case READY, DECOMMISSIONING, DECOMMISSION_FAIL -> true;
            case INITIALIZING, INIT_FAIL, DECOMMISSIONED -> false;
        };
    }

    private static void restore(HostDriver driver, Server server, List<ComputeUnit> units, String manager) {
        try (HostSession session = driver.open(server.address())) {
            apply(session, InitPlanner.init("restore", server, units, manager));
            for (ComputeUnit unit : units) {
                List<SshPublicKey> keys = unit.sshPublicKeys();
                if (!keys.isEmpty() && unit.status().holdsTenant()) {
                    apply(session, TenancyPlanner.allocate("restore-" + unit.uid(), server, unit, keys));
                    if (unit.isStopped()) {
                        apply(
                                session,
                                TenancyPlanner.change("stop-" + unit.uid(), Operation.Kind.STOP, server, unit, unit));
                    }
                }
            }
        }
    }

    private static void apply(HostSession session, HostPlan plan) {
        StepReport failure = session.apply(plan, PlanListener.none()).failure().orElse(null);
        if (failure != null) {
            throw new KloigosException(
                    ErrorCode.INTERNAL,
                    "Cannot restore a simulated host: step "
                            + plan.steps().get(failure.index()).describe() + " failed: " + failure.detail());
        }
    }

    /**
     * Brings under management what is not, and waits until all of it is ready.
     *
     * @throws KloigosException if a server could not be prepared
     */
    void init(Kloigos kloigos) {
        Set<String> known = kloigos.servers().stream().map(Server::hostname).collect(Collectors.toSet());
        List<Operation> inits = requests.values().parallelStream()
                .filter(request -> !known.contains(request.address().hostname()))
                .map(kloigos::initServer)
                .toList();
        for (Operation init : inits) {
            Operation ended = kloigos.await(init.id());
            if (ended.state() != Operation.State.SUCCEEDED) {
                throw new KloigosException(
                        ErrorCode.INTERNAL,
                        "Cannot prepare the simulated host " + init.hostname() + ": " + ended.error());
            }
        }
    }

    /** Makes every plan take this long from now on. */
    void latency(Duration perPlan) {
        fleet.hosts().forEach(host -> host.latency(perPlan));
    }
}
