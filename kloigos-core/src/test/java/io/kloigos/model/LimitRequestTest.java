package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitRequestTest {
    private static final ByteSize TINY = ByteSize.ofKibibytes(1);

    @Test
    void namesEveryFaultAtOnce() {
        IoLimit io = new IoLimit("/dev/sda", TINY, null, null, null);

        assertThatThrownBy(() -> new LimitRequest(
                        null, TINY, TINY, null, 4, TINY, TINY, 1L, List.of(io, io), PortEnforcement.NFTABLES))
                .isInstanceOfSatisfying(KloigosException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
                    assertThat(refusal.faults())
                            .extracting(fault -> fault.path().get(0))
                            .containsExactly(
                                    "memory_max",
                                    "memory_high",
                                    "memory_high",
                                    "tasks_max",
                                    "disk_max",
                                    "data_max",
                                    "inodes_max",
                                    "io");
                    assertThat(refusal).hasMessageContaining("io[1].device: /dev/sda is named twice");
                });
    }

    @Test
    void slowsDownBeforeItKills() {
        ByteSize gigabyte = ByteSize.parse("1G");

        assertThatThrownBy(() -> memory(gigabyte, gigabyte)).hasMessageContaining("it would never act");
        assertThat(memory(gigabyte, ByteSize.parse("960M")).memoryHigh()).isEqualTo(ByteSize.parse("960M"));
    }

    private static LimitRequest memory(ByteSize max, ByteSize high) {
        return new LimitRequest(null, max, high, null, null, null, null, null, List.of(), PortEnforcement.NFTABLES);
    }

    @Test
    void anIoLimitLimitsSomething() {
        assertThatThrownBy(() -> new IoLimit("/dev/sda", null, null, null, null))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("/dev/sda limits nothing");
        assertThatThrownBy(() -> new IoLimit("/dev/sda", new ByteSize(0), null, null, null))
                .hasMessageContaining("below 1 per second");
        assertThatThrownBy(() -> new IoLimit("/dev/sda", null, null, null, 0L))
                .hasMessageContaining("below 1 per second");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/sdb", "/dev/nvme0n1", "/dev/disk/by-id/ata-X_1:2.3", "/dev/mapper/a+b"})
    void takesDevicePaths(String device) {
        assertThat(new DataDisk(device, FileSystemType.EXT4).device()).isEqualTo(device);
        assertThat(new IoLimit(device, TINY, null, null, null).device()).isEqualTo(device);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "sdb",
                "/dev/",
                "/dev/../etc/passwd",
                "/dev/x/../../etc",
                "/dev/x/..",
                "/dev/sdb 1",
                "/dev/sdb\n",
                "/dev/-rf",
                "/etc/passwd",
                "/dev/$(id)",
                "/dev/sdb;reboot"
            })
    void refusesWhatIsNoDevicePath(String device) {
        assertThatThrownBy(() -> new DataDisk(device, FileSystemType.EXT4)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> new IoLimit(device, TINY, null, null, null)).isInstanceOf(KloigosException.class);
    }

    @Test
    void readsTheWordsOfTheApi() {
        assertThat(PortEnforcement.parse("socket_bind")).isEqualTo(PortEnforcement.SOCKET_BIND);
        assertThat(PortEnforcement.parse("socket_bind_ranges")).isEqualTo(PortEnforcement.SOCKET_BIND_RANGES);
        assertThat(FileSystemType.parse("xfs")).isEqualTo(FileSystemType.XFS);
        assertThatThrownBy(() -> PortEnforcement.parse("iptables")).hasMessageContaining("\"nftables\"");
        assertThatThrownBy(() -> FileSystemType.parse("btrfs")).hasMessageContaining("\"ext4\"");
    }
}
