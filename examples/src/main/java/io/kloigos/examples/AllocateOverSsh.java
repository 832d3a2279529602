package io.kloigos.examples;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Cuts a real host into two units and hands one out. Arguments: IP address, private key for root, tenant's public key. */
public final class AllocateOverSsh {
    private AllocateOverSsh() {}

    /** Runs the example. */
    public static void main(String[] arguments) throws IOException {
        Path privateKey = Path.of(arguments[1]);
        SshPublicKey tenant = new SshPublicKey(Files.readString(Path.of(arguments[2])));
        try (Kloigos kloigos = Kloigos.builder()
                .driver(new SshHostDriver(SshSettings.withKey(privateKey)))
                .build()) {
            HostAddress address = new HostAddress("host1", arguments[0], null, null, null);
            List<CpuSet> ranges = List.of(CpuSet.parse("2-3"), CpuSet.parse("4-7"));
            kloigos.await(kloigos.initServer(InitServerRequest.of(address, "eu", "a", ranges))
                    .id());
            ComputeUnit unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), tenant));
            System.out.println("ssh " + unit.user() + "@" + unit.ip());
        }
    }
}
