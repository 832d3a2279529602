package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.ReleaseCertificate.Discard;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.Warning;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A release says whether the unit's own disk has forgotten what was stored. */
class DiscardedBlocksTest {
    private static final ByteSize SIZE = ByteSize.parse("100G");

    @RegisterExtension
    final FakeFleetExtension fake = FakeFleetExtension.of(
            FakeHost.builder("host1", "10.0.0.1").disk("/dev/sdb", SIZE).diskWithoutDiscard("/dev/sdc", SIZE));

    @Test
    void aDiskThatKeepsBlocksIsWarnedOfAndNamedAfterARelease() {
        init("/dev/sdb", "/dev/sdc");

        assertThat(fake.kloigos().server("host1").warnings())
                .filteredOn(warning -> warning.type().equals("disk_keeps_blocks"))
                .extracting(Warning::message)
                .singleElement()
                .asString()
                .startsWith("/dev/sdc cannot discard");
        assertThat(released()).isEqualTo(Discard.DISCARDED);
        assertThat(released()).isEqualTo(Discard.UNSUPPORTED);
    }

    @Test
    void ofASharedDiskNothingIsSaid() {
        init("/dev/sdc");

        assertThat(fake.kloigos().server("host1").warnings())
                .extracting(Warning::type)
                .doesNotContain("disk_keeps_blocks");
        assertThat(released()).isNull();
    }

    private void init(String... devices) {
        InitServerRequest request = new InitServerRequest(
                fake.host("host1").address(),
                "eu",
                "a",
                new UnitDivision.Ranges(List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"))),
                null,
                List.of(devices).stream()
                        .map(device -> new DataDisk(device, FileSystemType.EXT4))
                        .toList(),
                LimitRequest.defaults());
        Kloigos kloigos = fake.kloigos();
        assertThat(kloigos.await(kloigos.initServer(request).id()).error()).isNull();
    }

    /** Hands a unit out, takes it back, and returns what its certificate says; the next call finds another one. */
    private @Nullable Discard released() {
        Kloigos kloigos = fake.kloigos();
        ComputeUnit unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FakeFleetExtension.KEY));
        assertThat(kloigos.await(kloigos.deallocate(unit.id()).id()).error()).isNull();
        ReleaseCertificate certificate = kloigos.certificate(unit.id());
        assertThat(certificate.isClean()).isTrue();
        kloigos.withdraw(unit.id(), new Reason("seen"));
        return certificate.discard();
    }
}
