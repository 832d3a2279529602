package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Tags;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitFilter;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;

class FakeFleetExtensionTest {
    private static final AllocateRequest FOUR_CPUS =
            new AllocateRequest(4, null, null, Tags.none(), FakeFleetExtension.KEY);

    @RegisterExtension
    final FakeFleetExtension fake = FakeFleetExtension.of(
            FakeHost.builder("host1", "10.0.0.1").cpus(16).nodes(2), FakeHost.builder("host2", "10.0.0.2"));

    @RepeatedTest(2)
    void everyTestBeginsWithNothing() {
        assertThat(fake.kloigos().servers()).isEmpty();
        assertThat(fake.host("host1").applied()).isEmpty();
        assertThat(fake.clock().instant()).isEqualTo(Instant.parse("2026-01-01T00:00:00Z"));

        fake.init("host1", "4-7", "8-11");
        fake.clock().advance(Duration.ofDays(1));

        assertThat(fake.kloigos().units(UnitFilter.all())).hasSize(2);
        assertThat(fake.host("host2").applied()).isEmpty();
    }

    @Test
    void timePassesOnlyWhenTheTestSaysSo() {
        fake.init("host1", "4-7");
        fake.clock().advance(Duration.ofHours(3));

        ComputeUnit unit = fake.kloigos().allocate(FOUR_CPUS);

        assertThat(unit.startedAt()).isEqualTo(Instant.parse("2026-01-01T03:00:00Z"));
    }

    @Test
    void aHostThatCannotBePreparedFailsTheTest() {
        fake.host("host1").inject(new HostFailure.DiskFull(0));

        assertThatThrownBy(() -> fake.init("host1", "4-7"))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("init of host1 failed: Step ")
                .hasMessageContaining("No space left on device");
    }

    @Test
    void whatATenantFindsAndLeavesIsTold() {
        fake.init("host1", "4-7");
        Kloigos kloigos = fake.kloigos();
        FakeHost host = fake.host("host1");
        String staged = host.state();
        ComputeUnit unit = kloigos.allocate(FOUR_CPUS);

        host.assertAllocated(unit);
        host.tenantLeaves(unit.uid(), Trace.SHARED_MEMORY);
        assertThatThrownBy(() -> host.assertClean(unit))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("host1_4-7 is not clean on host1:")
                .hasMessageContaining("login: u4-7 can log in")
                .hasMessageContaining("shared_memory: shared_memory:20000");
        assertThatThrownBy(() -> host.assertState(staged))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("host1 is not as it was:")
                .hasMessageContaining("+ active user@20000.service");

        kloigos.await(kloigos.deallocate(unit.id()).id());
        host.assertClean(unit);
        host.assertState(staged);
        assertThatThrownBy(() -> host.assertAllocated(unit))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("u4-7 does not find on host1 what host1_4-7 promises:")
                .hasMessageContaining("login: refused: ");
    }

    @Test
    void everyDifferenceOfALoginIsTold() {
        fake.init("host1", "4-7", "8-11");
        ComputeUnit unit = fake.kloigos().allocate(FOUR_CPUS);
        FakeHost host = fake.host("host1");
        host.write("/etc/systemd/system/user-20000.slice.d/90-other.conf", "[Slice]\nAllowedCPUs=0\nMemoryMax=1G\n");
        host.run("systemctl", "daemon-reload");

        assertThatThrownBy(() -> host.assertAllocated(unit))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("CPUs: promised 4-7, found 0,4-7")
                .hasMessageContaining("memory: promised ")
                .hasMessageContaining("found 1G");
    }

    @Test
    void aFailedTestTellsWhatIsOnTheHosts() throws Exception {
        FakeFleetExtension failing = FakeFleetExtension.of(FakeHost.builder("host1", "10.0.0.1"));
        ExtensionContext context = mock(ExtensionContext.class);
        when(context.getDisplayName()).thenReturn("some test");
        when(context.getExecutionException()).thenReturn(Optional.of(new AssertionError()));
        failing.beforeEach(context);
        failing.init("host1", "4-7");

        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream err = System.err;
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            failing.afterEach(context);
        } finally {
            System.setErr(err);
        }

        assertThat(printed.toString(StandardCharsets.UTF_8))
                .startsWith("some test failed.\n")
                .contains("fake host host1 (10.0.0.1) applied\n", "/etc/kloigos/managed-by 0644");
        assertThatThrownBy(failing::kloigos).hasMessageContaining("no test is under way");
    }

    @Test
    void aStalledPlanDoesNotKeepATestFromEnding() throws Exception {
        FakeFleetExtension stalling = FakeFleetExtension.of(FakeHost.builder("host1", "10.0.0.1"));
        ExtensionContext context = mock(ExtensionContext.class);
        when(context.getExecutionException()).thenReturn(Optional.empty());
        stalling.beforeEach(context);
        stalling.init("host1", "4-7");
        ComputeUnit unit = stalling.kloigos().allocate(FOUR_CPUS);
        stalling.host("host1").inject(new HostFailure.Stall(0));
        Kloigos kloigos = stalling.kloigos();
        kloigos.deallocate(unit.id());
        stalling.host("host1").awaitStalled(1);

        stalling.afterEach(context);

        assertThatThrownBy(() -> kloigos.allocate(FOUR_CPUS))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SHUTTING_DOWN));
    }
}
