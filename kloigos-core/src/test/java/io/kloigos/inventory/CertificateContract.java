package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.ReleaseCertificate.Finding;
import io.kloigos.model.Tags;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitStatus;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is kept of the release of a unit. */
interface CertificateContract extends InventoryFixture {
    private ReleaseCertificate release(ComputeUnit unit, String operationId, Instant at, Finding finding) {
        inventory()
                .beginDeallocation(
                        unit.id(),
                        SampleFleet.operation(operationId, Operation.Kind.DEALLOCATE, unit.hostname(), unit, at),
                        null);
        ReleaseCertificate certificate = new ReleaseCertificate(
                unit.id(),
                operationId,
                at,
                List.of(finding),
                Set.of(finding.trace()),
                ReleaseCertificate.Discard.UNSUPPORTED,
                null);
        inventory()
                .endRelease(
                        SampleFleet.ended(operationId, Operation.Kind.DEALLOCATE, unit.hostname(), unit),
                        UnitStatus.DEALLOCATION_FAIL,
                        "why",
                        certificate);
        return certificate;
    }

    @Test
    default void theNewestCertificateOfAUnitIsKept() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(new AllocateRequest(null, null, null, Tags.none(), SampleFleet.KEY), "a");
        assertThat(inventory().certificates().newest(unit.id())).isEmpty();

        ReleaseCertificate first = release(unit, "d1", NOON, Finding.found(Trace.MAIL, "/var/mail/u4-7"));
        assertThat(inventory().certificates().newest(unit.id())).contains(first);

        ReleaseCertificate second = release(unit, "d2", NOON, Finding.unknown(Trace.MAIL, "who knows?"));
        inventory().operations().forgetEndedBefore(NOON.plusSeconds(60));
        assertThat(inventory().certificates().newest(unit.id())).contains(second);
        assertThat(inventory().unit(unit.id()).orElseThrow().reason()).isEqualTo("why");
    }

    @Test
    default void aForcedReleaseIsKeptWithItsOperation() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(new AllocateRequest(null, null, null, Tags.none(), SampleFleet.KEY), "a");
        Operation forced = SampleFleet.operation("f", Operation.Kind.DEALLOCATE, "host1", unit, NOON);
        assertThatThrownBy(() -> inventory().beginForcedRelease(unit.id(), forced, new Reason("reason"), null))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
        release(unit, "d", NOON, Finding.found(Trace.MAIL, "/var/mail/u4-7"));

        inventory().beginForcedRelease(unit.id(), forced, new Reason("reason"), null);

        assertThat(inventory().certificates().forced("f"))
                .contains(new ForcedRelease(new Reason("reason"), Set.of(Trace.MAIL)));
        assertThat(inventory().certificates().forced("d")).isEmpty();
        assertThat(inventory().unit(unit.id()).orElseThrow().status()).isEqualTo(UnitStatus.DEALLOCATING);
    }
}
