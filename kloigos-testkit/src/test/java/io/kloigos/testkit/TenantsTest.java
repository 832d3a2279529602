package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Placement;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
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
    void eachHasIdempotencyKeysOfItsOwn() {
        ComputeUnit theirs = other.allocate(request(), "key");
        ComputeUnit mine = acme.allocate(request(), "key");

        assertThat(mine.id()).isNotEqualTo(theirs.id());
        assertThat(acme.allocate(request(), "key")).isEqualTo(mine);
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
