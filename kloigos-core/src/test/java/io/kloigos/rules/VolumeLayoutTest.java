package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.DataDisk;
import io.kloigos.model.Fault;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.LogicalVolume;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.model.UnitVolumes;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How a volume group is divided among units, and what speaks against it. */
class VolumeLayoutTest {
    private static final String MOUNT_POINT = "/var/lib/kloigos/data";

    private static InitServerRequest volumes(String group, FileSystemType type, @Nullable String size) {
        return SampleFleet.request(
                "host1", new UnitVolumes(group, type, size == null ? null : ByteSize.parse(size)), "4-7", "8-10,12");
    }

    private static ServerLayout layout(InitServerRequest request, SampleHost host) {
        return ServerLayout.of(request, host.facts(), Bases.defaults());
    }

    private static List<String> faults(InitServerRequest request, SampleHost host) {
        try {
            layout(request, host);
            return List.of();
        } catch (KloigosException refusal) {
            return refusal.faults().stream().map(Fault::toString).toList();
        }
    }

    private static SampleHost host() {
        return SampleHost.debian().withVolumeGroup("vg0", 1001, "home", "opt");
    }

    @Test
    void whatIsFreeIsSharedEvenlyInWholeExtents() {
        ServerLayout layout = layout(volumes("vg0", FileSystemType.EXT4, null), host());

        assertThat(layout.volumes())
                .extracting(volume -> volume.logicalVolume())
                .containsExactly(
                        new LogicalVolume("vg0", "kloigos-c4-7", ByteSize.parse("2000M")),
                        new LogicalVolume("vg0", "kloigos-c8-10_12", ByteSize.parse("2000M")));
        assertThat(layout.volumes())
                .extracting(volume -> volume.disk())
                .containsExactly(
                        new DataDisk("/dev/vg0/kloigos-c4-7", FileSystemType.EXT4),
                        new DataDisk("/dev/vg0/kloigos-c8-10_12", FileSystemType.EXT4));
        for (int i = 0; i < 2; i++) {
            String mountPoint = MOUNT_POINT + i;
            assertThat(layout.units().get(i).dataDirectory()).startsWith(mountPoint + "/");
            assertThat(layout.units().get(i).limits().disks())
                    .filteredOn(limit -> limit.mountPoint().equals(mountPoint))
                    .extracting(DiskLimit::bytes)
                    .containsExactly(ByteSize.parse("1800M"));
        }
    }

    @Test
    void aSizeIsRoundedDownToWholeExtents() {
        assertThat(layout(volumes("vg0", FileSystemType.XFS, "1027M"), host()).volumes())
                .extracting(
                        volume -> Objects.requireNonNull(volume.logicalVolume()).size())
                .containsOnly(ByteSize.parse("1G"));
    }

    @Test
    void unitsThatKloigosCutsGetVolumesToo() {
        InitServerRequest ranges = volumes("vg0", FileSystemType.EXT4, null);
        InitServerRequest request = new InitServerRequest(
                ranges.address(),
                ranges.region(),
                ranges.zone(),
                new UnitDivision.Count(5),
                null,
                List.of(),
                LimitRequest.defaults(),
                ranges.unitVolumes());

        assertThat(layout(request, host()).volumes())
                .hasSize(5)
                .extracting(
                        volume -> Objects.requireNonNull(volume.logicalVolume()).size())
                .containsOnly(ByteSize.parse("800M"));
    }

    @Test
    void aGroupThatTheHostLacksIsRefusedWithThoseThatItHas() {
        assertThat(faults(volumes("vg9", FileSystemType.EXT4, null), host().withVolumeGroup("vg1", 5)))
                .containsExactly("volume_group: vg9 is not a volume group of this host; it has vg0, vg1");
        assertThat(faults(volumes("vg9", FileSystemType.EXT4, null), SampleHost.debian()))
                .containsExactly("volume_group: vg9 is not a volume group of this host; it has none");
    }

    @Test
    void theToolsMustBeThere() {
        SampleHost bare = SampleHost.debian()
                .without(Capability.LVM)
                .without(Capability.MKFS_XFS)
                .without(Capability.QUOTA_TOOLS);

        assertThat(faults(volumes("vg0", FileSystemType.XFS, null), bare))
                .containsExactly(
                        "volume_group: the host lacks mkfs.xfs",
                        "volume_group: volumes of units need setquota and chattr (Debian: quota, e2fsprogs)",
                        "volume_group: the host lacks lvcreate, lvremove, lvs and vgs (Debian: lvm2)");
    }

    @Test
    void volumesMustFitIntoWhatIsFree() {
        assertThat(faults(volumes("vg0", FileSystemType.EXT4, "2000M"), host())).isEmpty();
        assertThat(faults(volumes("vg0", FileSystemType.EXT4, "2004M"), host()))
                .containsExactly("volume_group: 2 volumes of 2004M exceed the 4004M free in vg0; 2000M each would fit");
    }

    @Test
    void volumesMustBeLargeEnoughForTheirFileSystem() {
        assertThat(faults(volumes("vg0", FileSystemType.EXT4, "67M"), host())).isEmpty();
        assertThat(faults(volumes("vg0", FileSystemType.EXT4, "63M"), host()))
                .containsExactly("volume_group: 63M in whole extents of 4M is 60M, less than the 64M that ext4 needs");
        assertThat(faults(
                        volumes("vg0", FileSystemType.XFS, null),
                        SampleHost.debian().withVolumeGroup("vg0", 149)))
                .containsExactly(
                        "volume_group: 2 volumes of the 596M free in vg0 have 296M each, less than the 300M that xfs needs");
    }

    @Test
    void aVolumeOfTheSameNameBelongsToSomebody() {
        SampleHost host = SampleHost.debian().withVolumeGroup("vg0", 1000, "kloigos-c4-7");

        assertThat(faults(volumes("vg0", FileSystemType.EXT4, null), host))
                .containsExactly(
                        "volume_group: vg0 has a volume kloigos-c4-7 already; if its content may go, run lvremove"
                                + " vg0/kloigos-c4-7");
    }

    @Test
    void namesMustFitTheDeviceMapperWhichDoublesHyphens() {
        assertThat(namesOf("v".repeat(108))).isEmpty();
        assertThat(namesOf("v".repeat(109)))
                .containsExactly(
                        "volume_group: " + "v".repeat(109)
                                + "/kloigos-c8-10_12 would be a device of 128 characters, more than 127; rename the volume group");
        assertThat(namesOf("v-".repeat(37))).hasSize(1);
    }

    private static List<String> namesOf(String group) {
        return faults(
                volumes(group, FileSystemType.EXT4, null), SampleHost.debian().withVolumeGroup(group, 1000));
    }
}
