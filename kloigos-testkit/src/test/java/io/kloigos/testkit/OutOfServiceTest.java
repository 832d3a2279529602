package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What operators take out of service. */
@Timeout(120)
class OutOfServiceTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");
    private static final ComputeId UNIT = new ComputeId("host1_4-7");
    private static final Reason FAILING = new Reason("disk 2 is failing");

    private final FakeHost host = FakeHost.builder("host1", "10.0.0.1").cpus(16).build();
    private final Kloigos kloigos;

    OutOfServiceTest(@TempDir Path directory) {
        kloigos = Kloigos.builder()
                .driver(FakeFleet.of(host).driver())
                .database(directory.resolve("kloigos.db"))
                .build();
    }

    @BeforeEach
    void init() {
        kloigos.await(kloigos.initServer(InitServerRequest.of(
                        host.address(),
                        "eu",
                        "a",
                        List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"), CpuSet.parse("12-15"))))
                .id());
    }

    @AfterEach
    void close() {
        kloigos.close();
    }

    private ComputeUnit allocate() {
        return kloigos.allocate(new AllocateRequest(4, "eu", null, Tags.none(), KEY));
    }

    private List<UnitStatus> statuses() {
        return kloigos.units(UnitFilter.all()).stream().map(ComputeUnit::status).toList();
    }

    private static DrainRequest drain(Tenants tenants) {
        return new DrainRequest("host1", FAILING, tenants);
    }

    @Test
    void aServerWhoseHostIsGoneIsForgottenWithItsTenants() {
        ComputeUnit unit = allocate();
        assertThatThrownBy(() -> kloigos.forget("host1", FAILING))
                .hasMessageContaining("Cannot forget host1: it is ready. Decommission it");
        host.inject(new HostFailure.RefuseConnection());
        Operation failed =
                kloigos.await(kloigos.decommission(new DecommissionRequest("host1", Tenants.EVICT, DataDisks.KEEP))
                        .id());
        assertThat(failed.errorCode()).isEqualTo(ErrorCode.HOST_UNREACHABLE);
        assertThat(kloigos.unit(unit.id()).status()).isEqualTo(UnitStatus.DECOMMISSION_FAIL);

        Server gone = kloigos.forget("host1", FAILING, RequestKey.of("once"));

        assertThat(gone.status()).isEqualTo(ServerStatus.DECOMMISSIONED);
        assertThat(gone.reason()).isEqualTo(FAILING.text());
        assertThat(kloigos.forget("host1", FAILING, RequestKey.of("once"))).isEqualTo(gone);
        assertThat(statuses()).containsOnly(UnitStatus.DECOMMISSIONED);
        assertThat(kloigos.unit(unit.id()).tenancy()).isEqualTo(Tenancy.none());
        assertThatThrownBy(() -> kloigos.retry(failed.id())).isInstanceOf(KloigosException.class);
    }

    // Cordon and drain

    @Test
    void aCordonedServerGetsNoNewTenantsAndIsNamedToWhoAsks() {
        ComputeUnit unit = allocate();
        assertThat(kloigos.cordon("host1", FAILING).cordon()).isEqualTo(FAILING);

        assertThat(kloigos.server("host1").status()).isEqualTo(ServerStatus.READY);
        assertThatThrownBy(this::allocate)
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("no unit is free")
                .hasMessageEndingWith("Left out, as they are cordoned, are host1 (disk 2 is failing).");
        assertThatThrownBy(() -> kloigos.allocate(new AllocateRequest(8, null, null, Tags.none(), KEY)))
                .message()
                .doesNotContain("cordoned");
        host.assertAllocated(unit);

        assertThat(kloigos.uncordon("host1").cordon()).isNull();
        assertThat(allocate().status()).isEqualTo(UnitStatus.ALLOCATED);
    }

    @Test
    void aDrainIsRefusedAsAWholeUnlessItMayEvict() {
        allocate();
        assertThatThrownBy(() -> kloigos.drain(drain(Tenants.REFUSE)))
                .hasMessageContaining("tenants hold host1_4-7 (allocated)")
                .hasMessageContaining("force");

        assertThat(kloigos.server("host1").cordon()).isNull();
        assertThat(statuses()).containsExactly(UnitStatus.ALLOCATED, UnitStatus.FREE, UnitStatus.FREE);
    }

    @Test
    void aDrainErasesEveryTenantAndKeepsNewOnesOff() {
        ComputeUnit first = allocate();
        allocate();
        assertThat(kloigos.previewDrain(drain(Tenants.EVICT)).units()).hasSize(2);
        List<Operation> operations = kloigos.drain(drain(Tenants.EVICT));

        assertThat(operations).hasSize(2).extracting(Operation::kind).containsOnly(Operation.Kind.DEALLOCATE);
        operations.forEach(
                operation -> assertThat(kloigos.await(operation.id()).error()).isNull());
        assertThat(statuses()).containsOnly(UnitStatus.FREE);
        host.assertClean(first);
        assertThatThrownBy(this::allocate).hasMessageContaining("cordoned");
        assertThat(kloigos.drain(drain(Tenants.REFUSE))).isEmpty();
    }

    @Test
    void aDrainWithAKeyEvictsOnce() {
        allocate();
        allocate();
        List<Operation> first = kloigos.drain(drain(Tenants.EVICT), RequestKey.of("once"));
        first.forEach(operation -> kloigos.await(operation.id()));
        kloigos.uncordon("host1");
        ComputeUnit next = allocate();

        assertThat(kloigos.drain(drain(Tenants.EVICT), RequestKey.of("once")))
                .extracting(Operation::id)
                .containsExactlyElementsOf(first.stream().map(Operation::id).toList());
        host.assertAllocated(next);
    }

    @Test
    void aDrainThatIsRepeatedNamesWhatIsUnderWay() throws InterruptedException {
        allocate();
        host.inject(new HostFailure.Stall(0));
        List<Operation> first = kloigos.drain(drain(Tenants.EVICT));
        host.awaitStalled(1);

        assertThat(kloigos.drain(drain(Tenants.REFUSE)))
                .extracting(Operation::id)
                .containsExactly(first.get(0).id());
        host.heal();
        assertThat(kloigos.await(first.get(0).id()).error()).isNull();
        host.assertClean(kloigos.unit(UNIT));
    }

    // Units

    @Test
    void aWithdrawnUnitIsHandedToNobodyUntilItIsPutBack() {
        ComputeUnit withdrawn = kloigos.withdraw(UNIT, new Reason("CPU 5 throttles"));
        assertThat(withdrawn.status()).isEqualTo(UnitStatus.UNAVAILABLE);
        assertThat(withdrawn.reason()).isEqualTo("CPU 5 throttles");
        allocate();
        allocate();
        assertThatThrownBy(this::allocate).hasMessageContaining("no unit is free");
        assertThatThrownBy(() -> kloigos.deallocate(UNIT)).hasMessageContaining("is unavailable");

        ComputeUnit free = kloigos.putBack(UNIT);
        assertThat(free.status()).isEqualTo(UnitStatus.FREE);
        assertThat(free.reason()).isEmpty();
        assertThat(allocate().id()).isEqualTo(UNIT);
    }

    @Test
    void onlyAFreeUnitIsWithdrawnAndOnlyAWithdrawnOneIsPutBack() {
        assertThatThrownBy(() -> kloigos.putBack(UNIT)).hasMessageContaining("it is free, not unavailable");
        allocate();
        assertThatThrownBy(() -> kloigos.withdraw(UNIT, FAILING))
                .hasMessageContaining("it is allocated")
                .hasMessageContaining("deallocate it first");
    }
}
