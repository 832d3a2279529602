package io.kloigos.http.bench;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.Deviation;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.planner.DriftCheck;
import io.kloigos.planner.InitPlanner;
import io.kloigos.rules.Bases;
import io.kloigos.rules.ServerLayout;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * What is computed for a host without asking anybody, measured by JMH: for hosts of many units beside one of few, so that what grows
 * faster than the host is seen.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class RulesBench {
    private static final String MANAGER = "kloigos bench";
    private static final String FEW = "8";
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");

    /** Of one CPU each, all allocated. */
    @Param({FEW, "63", "252"})
    private int units;

    private InitServerRequest request;
    private Server server;
    private List<ComputeUnit> allocated;
    private List<String> answers;

    public static void main(String[] arguments) throws RunnerException {
        boolean quick = List.of(arguments).contains("--quick");
        Collection<RunResult> results = new Runner(new OptionsBuilder()
                        .include(RulesBench.class.getName())
                        .verbosity(VerboseMode.SILENT)
                        .forks(quick ? 1 : 3)
                        .warmupIterations(3)
                        .warmupTime(TimeValue.seconds(2))
                        .measurementIterations(quick ? 3 : 5)
                        .measurementTime(TimeValue.seconds(2))
                        .build())
                .run();
        System.out.printf("%-14s %6s %12s %12s %22s%n", "", "units", "us", "us a unit", "a unit : with " + FEW);
        for (RunResult result : results) {
            double perUnit = perUnit(result);
            double withFew = results.stream()
                    .filter(other -> name(other).equals(name(result)) && units(other) == Integer.parseInt(FEW))
                    .mapToDouble(RulesBench::perUnit)
                    .findFirst()
                    .orElseThrow();
            System.out.printf(
                    Locale.ROOT,
                    "%-14s %6d %12.1f %12.2f %22.2f%n",
                    name(result),
                    units(result),
                    result.getPrimaryResult().getScore(),
                    perUnit,
                    perUnit / withFew);
        }
    }

    private static String name(RunResult result) {
        return result.getPrimaryResult().getLabel();
    }

    private static int units(RunResult result) {
        return Integer.parseInt(result.getParams().getParam("units"));
    }

    private static double perUnit(RunResult result) {
        return result.getPrimaryResult().getScore() / units(result);
    }

    @Setup
    public void initAndAllocate() throws IOException {
        FakeHost host = FakeHost.builder("host0", "198.18.0.1")
                .cpus(256)
                .threadsPerCore(2)
                .nodes(4)
                .build();
        request = InitServerRequest.of(
                new HostAddress("host0", "198.18.0.1", null, null, null),
                "eu",
                "a",
                IntStream.range(4, 4 + units)
                        .mapToObj(cpu -> CpuSet.range(cpu, cpu))
                        .toList());
        HostDriver driver = FakeFleet.of(host).driver();
        try (BenchDirectory directory = BenchDirectory.create();
                Kloigos kloigos = Kloigos.builder()
                        .driver(driver)
                        .database(directory.resolve("rules.db"))
                        .neverCheckDrift()
                        .build()) {
            kloigos.await(kloigos.initServer(request).id());
            for (int unit = 0; unit < units; unit++) {
                kloigos.allocate(new AllocateRequest(1, null, null, Tags.none(), KEY));
            }
            server = kloigos.server("host0");
            allocated = kloigos.units(UnitFilter.ofServer("host0"));
            try (HostSession session = driver.open(request.address())) {
                answers = session.read(DriftCheck.of(server, allocated, MANAGER).readings());
            }
        }
    }

    @Benchmark
    public ServerLayout layout() {
        return ServerLayout.of(request, server.facts(), Bases.defaults());
    }

    @Benchmark
    public HostPlan planOfInit() {
        return InitPlanner.init("init.1", server, allocated, MANAGER);
    }

    @Benchmark
    public List<Deviation> driftCheck() {
        return DriftCheck.of(server, allocated, MANAGER).compare(answers);
    }
}
