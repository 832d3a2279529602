package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostSession;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is asked for before a program ends in an orderly way is done by the next one. */
@Timeout(120)
class RestartTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");
    private static final int UNITS = 40;

    private final FakeHost one =
            FakeHost.builder("host1", "10.0.0.1").cpus(UNITS + 4).build();
    private final FakeHost two =
            FakeHost.builder("host2", "10.0.0.2").cpus(UNITS + 4).build();
    private final FakeFleet fleet = FakeFleet.of(one, two);

    @TempDir
    Path directory;

    private Kloigos start(HostDriver driver) {
        return Kloigos.builder()
                .driver(driver)
                .database(directory.resolve("kloigos.db"))
                .neverCheckDrift()
                .build();
    }

    /** Hosts carry on with what they are at only after the driver was closed, so whatever waits for them still waits then. */
    private HostDriver thatHealsWhenClosed() {
        HostDriver driver = fleet.driver();
        return new HostDriver() {
            @Override
            public HostSession open(HostAddress address) {
                return driver.open(address);
            }

            @Override
            public void close() {
                driver.close();
                one.heal();
                two.heal();
            }
        };
    }

    private static void fill(Kloigos kloigos, FakeHost host) {
        List<CpuSet> ranges = IntStream.range(4, UNITS + 4)
                .mapToObj(cpu -> CpuSet.range(cpu, cpu))
                .toList();
        kloigos.await(kloigos.initServer(InitServerRequest.of(host.address(), "eu", "a", ranges))
                .id());
        for (int unit = 0; unit < UNITS; unit++) {
            kloigos.allocate(new AllocateRequest(1, "eu", null, Tags.none(), KEY));
        }
        for (int unit = 0; unit < UNITS; unit++) {
            host.inject(new HostFailure.Stall(0));
        }
    }

    private static List<Operation> drain(Kloigos kloigos, FakeHost host) {
        return kloigos.drain(new DrainRequest(host.address().hostname(), new Reason("moving out"), Tenants.EVICT));
    }

    @Test
    void moreThanCanBeUnderWayAtOnceIsCompletedByTheNextStart() {
        List<Operation> asked;
        try (Kloigos first = start(thatHealsWhenClosed())) {
            fill(first, one);
            fill(first, two);
            asked = Stream.of(drain(first, one), drain(first, two))
                    .flatMap(List::stream)
                    .toList();
        }
        assertThat(asked).hasSize(2 * UNITS);

        try (Kloigos next = start(fleet.driver())) {
            for (Operation operation : asked) {
                assertThat(next.await(operation.id()))
                        .as("of %s", operation.computeId())
                        .returns(Operation.State.SUCCEEDED, Operation::state)
                        .returns(1, Operation::attempt);
            }
            assertThat(next.units(UnitFilter.all()))
                    .hasSize(2 * UNITS)
                    .extracting(ComputeUnit::status)
                    .containsOnly(UnitStatus.FREE);
        }
    }
}
