package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.spi.Reading.QuotaKind;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Whether the kernel holds limits is told by how the file system is mounted, and not by the limits. */
class QuotasTest {
    private static final String ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,usrquota,prjquota\n";
    private static final String WITHOUT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n";
    private static final String SPACED = "40 22 8:16 / /mnt/of\\040users rw - xfs /dev/sdb rw,inode64,usrquota\n";

    @Test
    void theNewestMountOfAPlaceCounts() {
        assertThat(quotas(QuotaKind.USER, "/").isEnforcedBy(ROOT)).isTrue();
        assertThat(quotas(QuotaKind.PROJECT, "/").isEnforcedBy(ROOT)).isTrue();
        assertThat(quotas(QuotaKind.USER, "/").isEnforcedBy(WITHOUT)).isFalse();
        assertThat(quotas(QuotaKind.USER, "/").isEnforcedBy(ROOT + WITHOUT)).isFalse();
        assertThat(quotas(QuotaKind.USER, "/home").isEnforcedBy(ROOT)).isFalse();
        assertThat(quotas(QuotaKind.USER, "/").isEnforcedBy("absent")).isFalse();
    }

    @Test
    void whatAPlaceIsCalledIsReadAsTheKernelWritesIt() {
        assertThat(quotas(QuotaKind.USER, "/mnt/of users").isEnforcedBy(SPACED)).isTrue();
        assertThat(quotas(QuotaKind.PROJECT, "/mnt/of users").isEnforcedBy(SPACED))
                .isFalse();
    }

    private static Quotas quotas(QuotaKind kind, String mountPoint) {
        return new Quotas(kind, mountPoint, Map.of());
    }
}
