package io.kloigos.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Tags;
import io.kloigos.testkit.FakeFleetExtension;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.HostFailure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** How to test against Kloigos: the test of docs/testing.md. */
class AllocationTest {
    private static final AllocateRequest FOUR_CPUS =
            new AllocateRequest(4, null, null, Tags.none(), FakeFleetExtension.KEY);

    @RegisterExtension
    final FakeFleetExtension fake =
            FakeFleetExtension.of(FakeHost.builder("host1", "10.0.0.1").cpus(16).nodes(2));

    @Test
    void aTenantFindsWhatTheUnitPromises() {
        fake.init("host1", "4-7", "8-11");
        ComputeUnit unit = fake.kloigos().allocate(FOUR_CPUS);
        fake.host("host1").assertAllocated(unit);
        fake.kloigos().await(fake.kloigos().deallocate(unit.id()).id());
        fake.host("host1").assertClean(unit);
    }

    @Test
    void aFullDiskIsTold() {
        fake.init("host1", "4-7", "8-11");
        fake.host("host1").inject(new HostFailure.DiskFull(0));
        KloigosException failure =
                assertThrows(KloigosException.class, () -> fake.kloigos().allocate(FOUR_CPUS));
        assertEquals(ErrorCode.HOST_STEP_FAILED, failure.code());
    }
}
