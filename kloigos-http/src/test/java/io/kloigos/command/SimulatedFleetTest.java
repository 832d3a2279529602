package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.Warning;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimulatedFleetTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");

    @TempDir
    private Path directory;

    private Kloigos start(SimulatedFleet fleet) {
        Path database = directory.resolve("kloigos.db");
        fleet.restore(database);
        Kloigos kloigos =
                Kloigos.builder().driver(fleet.driver()).database(database).build();
        fleet.init(kloigos);
        return kloigos;
    }

    @ParameterizedTest
    @ValueSource(strings = {"1x1x1", "7x2x1", "7x65x4", "7x66x4", "2x100x7", "13x128x32", "1x300x1", "1x1024x1000"})
    void everyServerOfEveryFleetIsReady(String text) {
        FleetSize size = FleetSize.parse(text);
        try (Kloigos kloigos = start(SimulatedFleet.of(size))) {
            assertThat(kloigos.servers())
                    .hasSize(size.servers())
                    .allSatisfy(server -> assertThat(server.status()).hasToString("ready"))
                    .allSatisfy(
                            server -> assertThat(server.facts().isSimulated()).isTrue());
            assertThat(kloigos.units(UnitFilter.all()))
                    .hasSize(size.servers() * size.unitsPerServer())
                    .allSatisfy(unit -> assertThat(unit.status()).isEqualTo(UnitStatus.FREE))
                    .allSatisfy(unit -> assertThat(unit.cpus().count()).isEqualTo(size.cpusPerUnit()));
        }
    }

    @Test
    void largeServersAreOfSeveralKindsAndTheirUnitsHaveWholeCores() {
        try (Kloigos kloigos = start(SimulatedFleet.of(FleetSize.parse("12x256x16")))) {
            List<Server> servers = kloigos.servers();
            assertThat(servers.stream().map(server -> server.region() + server.zone()))
                    .containsOnly("eua", "eub", "euc", "usa", "usb", "usc");
            assertThat(servers.stream().map(server -> server.facts().nodes().size()))
                    .containsOnly(2, 4);
            assertThat(servers.stream().map(server -> server.facts().os())).containsOnly("debian 12", "debian 13");
            assertThat(servers.stream()
                            .flatMap(server -> server.warnings().stream())
                            .map(Warning::type))
                    .doesNotContain("core_split", "numa_straddle");
            assertThat(kloigos.units(UnitFilter.all()))
                    .first()
                    .satisfies(unit -> assertThat(unit.cpus()).isEqualTo(CpuSet.parse("0-7,128-135")));
        }
    }

    @Test
    void whatADatabaseHoldsIsMadeAgain() {
        FleetSize size = FleetSize.parse("2x16x4");
        ComputeUnit held;
        try (Kloigos kloigos = start(SimulatedFleet.of(size))) {
            held = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), KEY));
        }
        SimulatedFleet again = SimulatedFleet.of(size);
        try (Kloigos kloigos = start(again)) {
            again.host(held.hostname()).assertAllocated(held);
            kloigos.await(kloigos.deallocate(held.id()).id());
            again.host(held.hostname()).assertClean(held);
            assertThat(kloigos.unit(held.id()).status()).isEqualTo(UnitStatus.FREE);
        }
        try (Kloigos larger = start(SimulatedFleet.of(FleetSize.parse("5x16x4")))) {
            assertThat(larger.units(UnitFilter.all())).hasSize(20);
        }
        assertThatThrownBy(() -> start(SimulatedFleet.of(FleetSize.parse("1x16x4"))))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("it holds eu-b-001 (198.18.0.2) with 16 CPUs, which is not of this fleet");
    }
}
