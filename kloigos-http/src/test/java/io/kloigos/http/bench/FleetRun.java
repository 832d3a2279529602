package io.kloigos.http.bench;

import io.kloigos.DriftPolicy;
import io.kloigos.Kloigos;
import io.kloigos.KloigosBuilder;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitChange;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** A new fleet with what is done on all of it. Each server has 64 CPUs in four units, of which a tenant has the first. */
final class FleetRun implements AutoCloseable {
    static final int SLOW = 10;
    static final int DEAD = 10;
    static final Duration TIMEOUT = Duration.ofSeconds(10);

    private static final List<CpuSet> RANGES =
            List.of(CpuSet.range(4, 18), CpuSet.range(19, 33), CpuSet.range(34, 48), CpuSet.range(49, 63));
    private static final String UNIT = "_4-18";
    private static final SshPublicKey KEY = key("first");

    private final Path database;
    private final Map<String, FakeHost> hosts = new LinkedHashMap<>();
    private final ServiceTimes driver;
    private final Map<String, Long> ended = new ConcurrentHashMap<>();
    private final Map<String, Operation> inits = new ConcurrentHashMap<>();
    private Kloigos kloigos;

    /**
     * How long it took until the last one had ended.
     *
     * @param others of the hosts that are never slow or dead, in milliseconds
     * @param all of all, in milliseconds
     */
    record Took(double others, double all) {}

    FleetRun(Path database, int servers) {
        this.database = database;
        for (int host = 0; host < servers; host++) {
            String name = host < SLOW ? "slow" + host : host < SLOW + DEAD ? "dead" + host : "host" + host;
            hosts.put(
                    name,
                    FakeHost.builder(name, "198.18." + host / 250 + "." + (host % 250 + 1))
                            .cpus(64)
                            .nodes(2)
                            .memory(ByteSize.parse("256G"))
                            .build());
        }
        FakeFleet fleet = FakeFleet.of(hosts.values().toArray(FakeHost[]::new));
        this.driver = new ServiceTimes(fleet.driver(), TIMEOUT);
        this.kloigos = open(Kloigos.builder().neverCheckDrift());
    }

    private static SshPublicKey key(String comment) {
        return new SshPublicKey(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f " + comment);
    }

    private Kloigos open(KloigosBuilder builder) {
        Kloigos opened = builder.driver(driver).database(database).build();
        opened.observe(operation -> ended.put(operation.hostname(), System.nanoTime()));
        return opened;
    }

    Kloigos kloigos() {
        return kloigos;
    }

    ServiceTimes driver() {
        return driver;
    }

    List<String> hostnames() {
        return List.copyOf(hosts.keySet());
    }

    private interface Task {
        void run() throws Exception;
    }

    /** Does these on so many threads. */
    private static void all(int threads, List<Task> tasks) throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> results = new ArrayList<>();
            for (Task task : tasks) {
                results.add(callers.submit(() -> {
                    task.run();
                    return null;
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        } finally {
            callers.shutdown();
        }
    }

    private static Took took(long begin, Map<String, Long> ends) {
        return new Took(millis(begin, ends, "host"), millis(begin, ends, ""));
    }

    private static double millis(long begin, Map<String, Long> ends, String prefix) {
        long last = ends.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(prefix))
                .mapToLong(Map.Entry::getValue)
                .max()
                .orElseThrow();
        return (last - begin) / 1e6;
    }

    /** Has all hosts prepared; those that may be slow or dead are asked for first. */
    Took init() throws Exception {
        ended.clear();
        List<Task> tasks = new ArrayList<>();
        hosts.forEach((name, host) -> tasks.add(
                () -> inits.put(name, kloigos.initServer(InitServerRequest.of(host.address(), "eu", name, RANGES)))));
        long begin = System.nanoTime();
        all(4, tasks);
        inits.values().forEach(init -> kloigos.await(init.id()));
        return took(begin, ended);
    }

    /** Prepares those that were dead, and has a unit of each host allocated: of so many for one tenant, of the others for another. */
    void allocate(int large) throws Exception {
        driver.well(Duration.ZERO);
        for (Operation init : inits.values()) {
            if (kloigos.operation(init.id()).state() == Operation.State.FAILED) {
                kloigos.await(kloigos.retry(init.id()).id());
            }
        }
        allocate(hostnames().subList(0, large), new Tenant("large"));
        allocate(hostnames().subList(large, hosts.size()), new Tenant("small"));
    }

    void allocate(List<String> names, Tenant tenant) throws Exception {
        Kloigos own = kloigos.of(tenant);
        all(
                4,
                names.stream()
                        .<Task>map(name -> () -> own.allocate(new AllocateRequest(15, null, name, Tags.none(), KEY)))
                        .toList());
    }

    /** Has the watch for drift look at all hosts, from its first look. */
    Took drift() throws InterruptedException {
        kloigos.close();
        kloigos = open(Kloigos.builder().checkDrift(Duration.ofSeconds(1), DriftPolicy.REPORT));
        Map<String, Long> looked = driver.looked();
        while (looked.size() < hosts.size()) {
            TimeUnit.MILLISECONDS.sleep(5);
        }
        Took took = took(driver.firstLook(), looked);
        kloigos.close();
        kloigos = open(Kloigos.builder().neverCheckDrift());
        return took;
    }

    /** Has the keys of the units of these hosts replaced by so many callers; whoever asks for what is slow or dead is one more. */
    Took rotate(List<String> names, int callers) throws Exception {
        List<String> others =
                names.stream().filter(name -> name.startsWith("host")).toList();
        List<String> mayBeSlow =
                names.stream().filter(name -> !name.startsWith("host")).toList();
        Map<String, Long> ends = new ConcurrentHashMap<>();
        UnitChange change = new UnitChange.RotateKeys(List.of(key("second"), KEY));
        long begin = System.nanoTime();
        Task theirs = () -> all(
                Math.max(1, mayBeSlow.size()),
                mayBeSlow.stream()
                        .<Task>map(name -> () -> rotate(name, change, ends))
                        .toList());
        Task own = () -> all(
                callers,
                others.stream()
                        .<Task>map(name -> () -> rotate(name, change, ends))
                        .toList());
        all(2, List.of(theirs, own));
        return took(begin, ends);
    }

    private void rotate(String name, UnitChange change, Map<String, Long> ends) {
        try {
            kloigos.change(new ComputeId(name + UNIT), change);
        } catch (KloigosException e) {
            if (e.code() != ErrorCode.HOST_UNREACHABLE) {
                throw e;
            }
        }
        ends.put(name, System.nanoTime());
    }

    /** Asks for the units of these hosts to be deallocated, and returns the operations. */
    List<Operation> deallocate(List<String> names) {
        ended.clear();
        return names.stream()
                .map(name -> kloigos.deallocate(new ComputeId(name + UNIT)))
                .toList();
    }

    @Override
    public void close() {
        kloigos.close();
    }
}
