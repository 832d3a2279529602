package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Event;
import io.kloigos.Fleet;
import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.Deviation;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FleetCounts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Placement;
import io.kloigos.model.Reason;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A fleet as its tenants see it. */
class TenantsTest {
    private static final Tenant ACME = new Tenant("acme");
    private static final Tenant OTHER = new Tenant("other");

    @RegisterExtension
    final FakeFleetExtension fake =
            FakeFleetExtension.of(FakeHost.builder("host1", "10.0.0.1").cpus(16));

    private Kloigos all;
    private Kloigos acme;
    private Kloigos other;

    @BeforeEach
    void init() {
        fake.init("host1", "4-7", "8-11", "12-15");
        all = fake.kloigos();
        acme = all.of(ACME);
        other = all.of(OTHER);
    }

    private static AllocateRequest request() {
        return new AllocateRequest(4, null, null, Tags.none(), FakeFleetExtension.KEY);
    }

    @Test
    void aUnitBelongsToWhoAllocatedItUntilItIsGivenBack() {
        ComputeUnit unit = acme.allocate(request());
        assertThat(unit.owner()).isEqualTo(ACME);
        assertThat(all.unit(unit.id()).owner()).isEqualTo(ACME);
        assertThat(all.allocate(request()).owner()).isNull();

        Operation release = acme.deallocate(unit.id());
        all.await(release.id());
        assertThat(all.unit(unit.id()).owner()).isNull();
        assertThat(acme.units(UnitFilter.all())).isEmpty();
        assertThat(acme.operation(release.id()).owner())
                .as("what was done stays known to its tenant")
                .isEqualTo(ACME);
    }

    @Test
    void eachSeesItsOwnUnitsAndOperationsOnly() {
        ComputeUnit mine = acme.allocate(request());
        ComputeUnit theirs = other.allocate(request());

        assertThat(acme.units(UnitFilter.all())).extracting(ComputeUnit::id).containsExactly(mine.id());
        assertThat(acme.units(UnitFilter.all().ownedBy(OTHER))).isEmpty();
        assertThat(all.units(UnitFilter.all().ownedBy(OTHER)))
                .extracting(ComputeUnit::id)
                .containsExactly(theirs.id());
        assertThat(acme.operations(100)).extracting(Operation::computeId).containsExactly(mine.id());
        assertThat(all.operations(100)).hasSize(3);
        assertThat(acme.operation(String.valueOf(mine.operationId())).owner()).isEqualTo(ACME);
    }

    @Test
    void aForeignUnitIsAnsweredLikeAnUnknownOne() {
        ComputeUnit theirs = other.allocate(request());
        String operation = String.valueOf(theirs.operationId());
        ComputeId unknown = new ComputeId("host9_4-7");
        List<Consumer<ComputeId>> attempts = List.of(
                acme::unit,
                acme::deallocate,
                acme::previewDeallocate,
                id -> acme.change(id, new UnitChange.Stop()),
                id -> acme.previewChange(id, new UnitChange.Stop()),
                id -> acme.setTags(id, Tags.none()),
                id -> acme.setExpiry(id, null));
        for (Consumer<ComputeId> attempt : attempts) {
            assertThat(refusal(() -> attempt.accept(theirs.id())))
                    .isEqualTo(refusal(() -> attempt.accept(unknown))
                            .replace("host9_4-7", theirs.id().value()));
        }
        for (Consumer<String> attempt :
                List.<Consumer<String>>of(acme::operation, acme::cancel, acme::retry, acme::await)) {
            assertThat(refusal(() -> attempt.accept(operation)))
                    .isEqualTo(refusal(() -> attempt.accept("none")).replace("none", operation));
        }
        assertThat(all.unit(theirs.id())).isEqualTo(theirs);
    }

    private static String refusal(Runnable attempt) {
        StringBuilder message = new StringBuilder();
        assertThatThrownBy(attempt::run).satisfies(e -> {
            assertThat(((KloigosException) e).code()).isEqualTo(ErrorCode.NOT_FOUND);
            message.append(e.getMessage());
        });
        return message.toString();
    }

    @Test
    void whoListensOrObservesIsToldOfOwnUnitsAndOperationsOnly() {
        List<Event> told = new CopyOnWriteArrayList<>();
        List<Operation> ended = new CopyOnWriteArrayList<>();
        Fleet.Registration listening = acme.listen(told::add);
        Fleet.Registration observing = acme.observe(ended::add);
        ComputeUnit theirs = other.allocate(request());
        all.cordon("host1", new Reason("disk 2 fails"));
        all.uncordon("host1");
        all.checkDrift("host1");
        assertThat(told).isEmpty();
        assertThat(ended).isEmpty();

        ComputeUnit mine = acme.allocate(request());
        all.await(all.deallocate(theirs.id()).id());

        assertThat(told)
                .contains(new Event.UnitChanged(mine))
                .allSatisfy(event -> assertThat(event.owner()).contains(ACME));
        assertThat(ended).extracting(Operation::id).containsExactly(mine.operationId());
        listening.close();
        observing.close();
        int before = told.size();
        all.await(acme.deallocate(mine.id()).id());
        assertThat(told).hasSize(before);
        assertThat(ended).hasSize(1);
    }

    @Test
    void eachCountsItsOwnUnitsAndOperationsOnly() throws InterruptedException {
        acme.allocate(request());
        ComputeUnit theirs = other.allocate(request());
        fake.host("host1").inject(new HostFailure.Stall(0));
        Operation theirRelease = other.deallocate(theirs.id());
        fake.host("host1").awaitStalled(1);
        all.checkDrift("host1");

        FleetCounts counts = acme.counts();
        assertThat(counts.units())
                .singleElement()
                .returns(UnitStatus.ALLOCATED, FleetCounts.UnitCount::status)
                .returns(1L, FleetCounts.UnitCount::units)
                .returns(4L, FleetCounts.UnitCount::cpus);
        assertThat(counts.unfinished()).isEmpty();
        assertThat(counts.drift()).isEmpty();
        assertThat(counts.servers()).isEqualTo(all.counts().servers());
        assertThat(other.counts().unfinished()).hasSize(1);
        assertThat(all.counts().units()).hasSize(3);
        assertThat(all.counts().drift()).hasSize(1);
        fake.host("host1").heal();
        all.await(theirRelease.id());
    }

    @Test
    void ofDriftEachSeesWhereItsOwnUnitsDiffer() {
        ComputeUnit mine = acme.allocate(request());
        ComputeUnit theirs = other.allocate(request());
        FakeHost host = fake.host("host1");
        host.write("/etc/kloigos/managed-by", "somebody else\n");
        for (ComputeUnit unit : List.of(mine, theirs)) {
            host.run("rm", "-f", "/var/lib/systemd/linger/" + unit.user());
        }
        assertThat(all.checkDrift("host1").deviations())
                .extracting(Deviation::computeId)
                .contains(null, mine.id(), theirs.id());

        for (DriftReport report :
                List.of(acme.drift("host1").orElseThrow(), acme.driftReports().get(0), acme.checkDrift("host1"))) {
            assertThat(report.deviations())
                    .isNotEmpty()
                    .extracting(Deviation::computeId)
                    .containsOnly(mine.id());
        }
    }

    @Test
    void whatReachesUnitsOfOthersOrTellsOfThemIsRefused() {
        ComputeUnit theirs = other.allocate(request());
        other.await(other.deallocate(theirs.id()).id());
        ComputeUnit mine = acme.allocate(request());
        assertThat(mine.id()).isEqualTo(theirs.id());
        ComputeUnit stays = other.allocate(request());
        ComputeId free = new ComputeId("host1_12-15");
        Reason reason = new Reason("disk 2 fails");
        DrainRequest drain = new DrainRequest("host1", reason, Tenants.EVICT);
        DecommissionRequest decommission = new DecommissionRequest("host1", Tenants.EVICT, DataDisks.KEEP);
        String host = fake.host("host1").state();

        for (ThrowingCallable attempt : List.<ThrowingCallable>of(
                () -> acme.certificate(mine.id()),
                () -> acme.drain(drain),
                () -> acme.drain(drain, RequestKey.of("key")),
                () -> acme.previewDrain(drain),
                () -> acme.decommission(decommission),
                () -> acme.previewDecommission(decommission),
                () -> acme.repair("host1"),
                () -> acme.previewRepair("host1"),
                () -> acme.withdraw(free, reason),
                () -> acme.putBack(free),
                acme::access)) {
            assertThatThrownBy(attempt)
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FORBIDDEN))
                    .hasMessageContaining("as tenant acme");
        }
        assertThat(all.unit(stays.id())).isEqualTo(stays);
        assertThat(all.certificate(mine.id()).computeId()).isEqualTo(mine.id());
        assertThat(fake.host("host1").state()).isEqualTo(host);
    }

    @Test
    void eachHasIdempotencyKeysOfItsOwn() {
        ComputeUnit theirs = other.allocate(request(), RequestKey.of("key"));
        ComputeUnit mine = acme.allocate(request(), RequestKey.of("key"));

        assertThat(mine.id()).isNotEqualTo(theirs.id());
        assertThat(acme.allocate(request(), RequestKey.of("key"))).isEqualTo(mine);
    }

    @Test
    void whatOneTenantNotesKeepsNoOtherAway() {
        AllocateRequest apart = new AllocateRequest(
                4,
                null,
                null,
                new Tags(Map.of("deployment_id", "web")),
                List.of(FakeFleetExtension.KEY),
                null,
                Placement.PACK,
                new AntiAffinity("deployment_id", AntiAffinity.Scope.SERVER));
        acme.allocate(apart);
        other.allocate(apart);

        assertThatThrownBy(() -> acme.allocate(apart))
                .satisfies(e -> assertThat(((KloigosException) e).code()).isEqualTo(ErrorCode.NO_CAPACITY));
    }
}
