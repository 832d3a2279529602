package io.kloigos.testkit;

import io.kloigos.Kloigos;
import io.kloigos.model.CpuSet;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Gives each test a {@link Kloigos} of its own, on an empty temporary database, before fresh fake hosts. After the test it is
 * closed; if the test failed, the plans that each host was asked to apply and the state of each host are printed on standard
 * error.
 *
 * <pre>{@code
 * @RegisterExtension
 * final FakeFleetExtension fake = FakeFleetExtension.of(FakeHost.builder("host1", "10.0.0.1").cpus(16));
 * }</pre>
 *
 * <p>Register it in an instance field: it holds the hosts of one test at a time.
 */
public final class FakeFleetExtension implements BeforeEachCallback, AfterEachCallback {
    /** A tenant's key. */
    public static final SshPublicKey KEY = new SshPublicKey(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant@example.org");

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final List<FakeHostBuilder> builders;
    private @Nullable Stage stage;

    /** What one test has. */
    private record Stage(FakeFleet fleet, SettableClock clock, Path directory, Kloigos kloigos) {}

    private FakeFleetExtension(List<FakeHostBuilder> builders) {
        this.builders = builders;
    }

    /** Returns an extension that builds a fleet of these hosts for each test. */
    public static FakeFleetExtension of(FakeHostBuilder... hosts) {
        return new FakeFleetExtension(List.of(hosts));
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        FakeFleet fleet =
                FakeFleet.of(builders.stream().map(FakeHostBuilder::build).toArray(FakeHost[]::new));
        SettableClock clock = SettableClock.at(START);
        Path directory = Files.createTempDirectory("kloigos-test-");
        Kloigos kloigos = Kloigos.builder()
                .driver(fleet.driver())
                .database(directory.resolve("kloigos.db"))
                .clock(clock)
                .build();
        stage = new Stage(fleet, clock, directory, kloigos);
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        Stage used = stage();
        stage = null;
        if (context.getExecutionException().isPresent()) {
            System.err.println(describe(context.getDisplayName(), used.fleet));
        }
        used.fleet.hosts().forEach(FakeHost::heal);
        used.kloigos.close();
        try (Stream<Path> files = Files.list(used.directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(used.directory);
    }

    private static String describe(String test, FakeFleet fleet) {
        StringBuilder out = new StringBuilder(test).append(" failed.\n");
        for (FakeHost host : fleet.hosts()) {
            out.append('\n').append(host).append(" applied\n");
            host.applied().forEach(plan -> out.append("  ").append(plan).append('\n'));
            out.append("and holds\n").append(host.state().indent(2));
        }
        return out.toString();
    }

    private Stage stage() {
        return Objects.requireNonNull(stage, "no test is under way: register this extension in an instance field");
    }

    /** Returns this test's Kloigos. Its ids are random; its clock is {@link #clock()}. */
    public Kloigos kloigos() {
        return stage().kloigos;
    }

    /** Returns this test's hosts. */
    public FakeFleet fleet() {
        return stage().fleet;
    }

    /** Returns this test's host of that name. */
    public FakeHost host(String hostname) {
        return fleet().host(hostname);
    }

    /** Returns the clock, which stands at the first moment of 2026 when a test begins. */
    public SettableClock clock() {
        return stage().clock;
    }

    /**
     * Brings a host under management, in region eu and zone a, and returns the server when its units are free.
     *
     * @param cpuRanges the CPUs of each unit, e.g. {@code 4-7}
     * @throws AssertionError if the host could not be prepared
     */
    public Server init(String hostname, String... cpuRanges) {
        Kloigos kloigos = kloigos();
        List<CpuSet> ranges = Stream.of(cpuRanges).map(CpuSet::parse).toList();
        Operation init = kloigos.await(
                kloigos.initServer(InitServerRequest.of(host(hostname).address(), "eu", "a", ranges))
                        .id());
        if (init.state() != Operation.State.SUCCEEDED) {
            throw new AssertionError("init of " + hostname + " " + init.state() + ": " + init.error());
        }
        return kloigos.server(hostname);
    }
}
