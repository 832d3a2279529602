package io.kloigos.http.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The benchmarks' fleet is of the tables that Kloigos has now: its copies can be allocated, and made free again. */
class BenchFleetTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");

    @Test
    void isHandedOutAndMadeFreeAgain(@TempDir Path directory) throws SQLException {
        BenchFleet fleet = BenchFleet.ofServers(directory.resolve("fleet.db"), 2);
        try (Kloigos kloigos = Kloigos.builder()
                .driver(new InstantDriver(Duration.ZERO))
                .database(fleet.file())
                .neverCheckDrift()
                .build()) {
            ComputeUnit unit =
                    kloigos.allocate(new AllocateRequest(4, null, null, new Tags(Map.of("deployment_id", "x")), KEY));

            fleet.reset();

            assertThat(kloigos.units(UnitFilter.all()))
                    .hasSize(fleet.units())
                    .allMatch(each -> each.status() == UnitStatus.FREE);
            assertThat(kloigos.unit(unit.id()).tags()).isEqualTo(Tags.none());
            kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), KEY));
        }
    }
}
