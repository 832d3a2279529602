package io.kloigos.examples;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.spi.HostDriver;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.util.List;

/**
 * The whole life of a unit on a fake host, so that it runs anywhere. For a real host take an {@code SshHostDriver}: see {@link
 * AllocateOverSsh}.
 */
public final class FiveMinuteTour {
    static final SshPublicKey KEY = new SshPublicKey(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDc6KL3e9j3FbCj6kNhl0mQyV0z1H5m2jzJp8tq0bY5k ann@example.org");

    private FiveMinuteTour() {}

    /** Prints what happens; the only argument is a directory for the database. */
    public static void main(String[] arguments) {
        FakeHost host = FakeHost.builder("host1", "10.0.0.1").cpus(16).nodes(2).build();
        tour(FakeFleet.of(host).driver(), Path.of(arguments[0], "kloigos.db"));
    }

    private static void tour(HostDriver driver, Path database) {
        try (Kloigos kloigos =
                Kloigos.builder().driver(driver).database(database).build()) {
            kloigos.listen(event -> System.out.println(event.getClass().getSimpleName()));

            HostAddress address = new HostAddress("host1", "10.0.0.1", null, null, null);
            List<CpuSet> ranges = List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"), CpuSet.parse("12-15"));
            kloigos.await(kloigos.initServer(InitServerRequest.of(address, "eu", "a", ranges))
                    .id());

            ComputeUnit unit = kloigos.allocate(new AllocateRequest(4, "eu", null, Tags.none(), KEY));
            System.out.println("ssh " + unit.user() + "@" + unit.ip() + ", ports " + unit.ports());

            kloigos.await(kloigos.deallocate(unit.id()).id());
            kloigos.units(UnitFilter.all()).forEach(free -> System.out.println(free.id() + " " + free.status()));
        }
    }
}
