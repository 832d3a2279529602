import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kloigos.Kloigos;
import io.kloigos.model.*;
import io.kloigos.testkit.*;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AllocateTest {
    @Test
    void aTenantGetsAUnit(@TempDir Path directory) {
        FakeHost host = FakeHost.builder("host1", "10.0.0.1").build();
        try (Kloigos kloigos = Kloigos.builder()
                .driver(FakeFleet.of(host).driver())
                .database(directory.resolve("kloigos.db"))
                .build()) {
            var init = InitServerRequest.of(host.address(), "eu", "a", List.of(CpuSet.parse("4-7")));
            kloigos.await(kloigos.initServer(init).id());
            var key = new SshPublicKey(
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDc6KL3e9j3FbCj6kNhl0mQyV0z1H5m2jzJp8tq0bY5k");
            assertEquals(
                    "u4-7",
                    kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), key))
                            .user());
        }
    }
}
