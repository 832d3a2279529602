package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.ReleaseCertificate.Finding;
import io.kloigos.model.ReleaseCertificate.State;
import io.kloigos.model.Tags;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitStatus;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is known of a tenant after a deallocation, and what an operator may do about it. */
class ReleaseCertificateTest {
    private static final Reason REASON = new Reason("The crontab is ours: ticket 4711.");

    @RegisterExtension
    final FakeFleetExtension fake = FakeFleetExtension.of(FakeHost.builder("host1", "10.0.0.1"));

    private Kloigos kloigos;
    private FakeHost host;
    private ComputeUnit unit;

    @BeforeEach
    void allocate() {
        fake.init("host1", "4-7");
        kloigos = fake.kloigos();
        host = fake.host("host1");
        unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FakeFleetExtension.KEY));
    }

    @Test
    void aUnitIsFreeWhenEveryKindWasLookedForAndNothingIsLeft() {
        assertThatThrownBy(() -> kloigos.certificate(unit.id()))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND));
        host.tenantLeaves(unit.uid(), Trace.values());

        Operation ended = deallocate();

        ReleaseCertificate certificate = kloigos.certificate(unit.id());
        assertThat(ended.state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(certificate.isClean()).isTrue();
        assertThat(certificate.operationId()).isEqualTo(ended.id());
        assertThat(certificate.at()).isEqualTo(fake.clock().instant());
        assertThat(certificate.findings()).extracting(Finding::trace).containsExactly(Trace.values());
        assertThat(status()).isEqualTo(UnitStatus.FREE);
    }

    @ParameterizedTest
    @EnumSource
    void whatCannotBeErasedIsNamedAndTheUnitQuarantined(Trace trace) {
        host.tenantLeaves(unit.uid(), trace);
        failAt(takingWith(trace));

        assertThat(deallocate().state()).isEqualTo(Operation.State.FAILED);

        ReleaseCertificate certificate = kloigos.certificate(unit.id());
        assertThat(certificate.finding(trace).orElseThrow().state()).isEqualTo(State.FOUND);
        assertThat(certificate.findings()).hasSameSizeAs(Trace.values());
        assertThat(status()).isEqualTo(UnitStatus.DEALLOCATION_FAIL);

        assertThat(deallocate().state()).isEqualTo(Operation.State.SUCCEEDED);

        assertThat(kloigos.certificate(unit.id()).isClean()).isTrue();
        host.assertClean(unit);
    }

    @Test
    void ofAHostThatCannotBeReachedNothingIsKnown() {
        host.inject(new HostFailure.RefuseConnection(), 2);

        deallocate();

        assertThat(kloigos.certificate(unit.id()).findings())
                .hasSameSizeAs(Trace.values())
                .allSatisfy(finding -> {
                    assertThat(finding.state()).isEqualTo(State.UNKNOWN);
                    assertThat(finding.detail()).contains("Connection refused");
                });
        assertRefused("Connection refused");
    }

    @Test
    void anOperatorsWordReleasesTheUnitAndIsKept() {
        host.tenantLeaves(unit.uid(), Trace.CRONTABS, Trace.FILES);
        failAtErasing(Trace.CRONTABS);
        deallocate();

        Operation forced = kloigos.await(kloigos.forceRelease(unit.id(), REASON).id());

        ReleaseCertificate certificate = kloigos.certificate(unit.id());
        assertThat(forced.state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(certificate.forced()).isEqualTo(new ForcedRelease(REASON, Set.of(Trace.CRONTABS)));
        assertThat(certificate.remarks()).isEqualTo("crontabs found: /var/spool/cron/crontabs/u4-7");
        assertThat(status()).isEqualTo(UnitStatus.FREE);
        assertThat(kloigos.unit(unit.id()).reason()).isEqualTo("forced by operator: " + REASON);
        assertThat(host.exists("/tmp/left-" + unit.uid()))
                .as("what did not stand in the way")
                .isFalse();
    }

    @Test
    void oneWordMayFollowAnother() {
        EnumSet<Trace> obstacles = EnumSet.of(Trace.CRONTABS, Trace.JOURNAL);
        for (Trace trace : obstacles) {
            host.tenantLeaves(unit.uid(), trace);
        }
        failAtErasing(Trace.CRONTABS);
        deallocate();
        // Without the crontab's two steps, that of the journal is two steps earlier.
        host.inject(new HostFailure.FailStep(indexOf("erase journal of ") - 2, HostFailure.Effect.MISSING));

        Operation first = kloigos.await(kloigos.forceRelease(unit.id(), REASON).id());
        assertThat(first.state()).isEqualTo(Operation.State.FAILED);
        Operation second = kloigos.await(kloigos.forceRelease(unit.id(), REASON).id());

        assertThat(second.state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(kloigos.certificate(unit.id()).forced()).isEqualTo(new ForcedRelease(REASON, obstacles));
    }

    @Test
    void noUnitIsReleasedWithProcessesOrWithoutNeed() {
        assertRefused("it is allocated");
        host.tenantLeaves(unit.uid(), Trace.PROCESSES);
        failAtErasing(Trace.PROCESSES);
        deallocate();

        assertRefused("processes of its tenant are left: processes found: pid:");
    }

    private Operation deallocate() {
        return kloigos.await(kloigos.deallocate(unit.id()).id());
    }

    private UnitStatus status() {
        return kloigos.unit(unit.id()).status();
    }

    /** Returns how the step is described that takes this kind away, be it with another. */
    private static String takingWith(Trace trace) {
        return switch (trace) {
            case LINGER -> "remove /var/lib/systemd/linger/";
            case SESSIONS, RUNTIME_DIRECTORY -> "erase cgroups of ";
            case DISK_USAGE -> "erase files of ";
            default -> "erase " + trace + " of ";
        };
    }

    private void failAtErasing(Trace trace) {
        failAt("erase " + trace + " of ");
    }

    private void failAt(String step) {
        host.inject(new HostFailure.FailStep(indexOf(step), HostFailure.Effect.MISSING));
    }

    private int indexOf(String step) {
        List<String> steps = kloigos.previewDeallocate(unit.id()).steps();
        return IntStream.range(0, steps.size())
                .filter(number -> steps.get(number).contains(step))
                .findFirst()
                .orElseThrow();
    }

    private void assertRefused(String why) {
        assertThatThrownBy(() -> kloigos.forceRelease(unit.id(), REASON))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining(why);
    }
}
