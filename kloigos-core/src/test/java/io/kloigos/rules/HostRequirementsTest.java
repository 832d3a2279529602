package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.DataDisk;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Warning;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What speaks against a host, and what is accepted with a warning. */
class HostRequirementsTest {
    private static final InitServerRequest PLAIN = SampleFleet.request("host1", "4-7", "8-15");

    private static InitServerRequest with(LimitRequest limits) {
        return SampleFleet.request("host1", null, List.of(), limits, "4-7", "8-15");
    }

    private static InitServerRequest with(DataDisk... disks) {
        return SampleFleet.request("host1", null, List.of(disks), LimitRequest.defaults(), "4-7", "8-15");
    }

    private static List<Fault> faults(InitServerRequest request, SampleHost host) {
        try {
            ServerLayout.of(request, host.facts(), Bases.defaults());
            return List.of();
        } catch (KloigosException refusal) {
            assertThat(refusal.code()).isEqualTo(ErrorCode.HOST_UNSUITABLE);
            return refusal.faults();
        }
    }

    private static List<Warning> warnings(InitServerRequest request, SampleHost host) {
        return ServerLayout.of(request, host.facts(), Bases.defaults()).warnings();
    }

    private static Fault onlyFault(InitServerRequest request, SampleHost host) {
        List<Fault> faults = faults(request, host);
        assertThat(faults).hasSize(1);
        return faults.get(0);
    }

    private static Warning onlyWarning(InitServerRequest request, SampleHost host) {
        List<Warning> warnings = warnings(request, host);
        assertThat(warnings).hasSize(1);
        return warnings.get(0);
    }

    @Test
    void aHostWithEverythingIsTakenWithoutAWord() {
        assertThat(faults(PLAIN, SampleHost.debian())).isEmpty();
        assertThat(warnings(PLAIN, SampleHost.debian())).isEmpty();
    }

    // Refusals

    @ParameterizedTest
    @EnumSource(
            names = {
                "CGROUP_V2",
                "CGROUP_KILL",
                "NFT_UID_PORTS",
                "SYSUSERS",
                "UTIL_LINUX",
                "KEYCTL",
                "SOCKET_STATISTICS",
                "SSHD_PAM",
                "SSHD_INCLUDE",
                "PAM_SYSTEMD"
            })
    void theHostMustHave(Capability capability) {
        Fault fault = onlyFault(PLAIN, SampleHost.debian().without(capability));

        assertThat(fault.type()).isEqualTo("host_lacks_" + capability);
        assertThat(fault.path()).containsExactly("hostname");
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "CGROUP_V2",
                "CGROUP_KILL",
                "NFT_UID_PORTS",
                "SYSUSERS",
                "UTIL_LINUX",
                "KEYCTL",
                "SOCKET_STATISTICS",
                "SSHD_PAM",
                "SSHD_INCLUDE",
                "PAM_SYSTEMD"
            },
            mode = EnumSource.Mode.EXCLUDE)
    void theHostNeedNotHave(Capability capability) {
        assertThat(faults(PLAIN, SampleHost.debian().without(capability))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpuset", "cpu", "memory", "pids"})
    void theHostMustControl(String controller) {
        List<String> controllers = new java.util.ArrayList<>(List.of("cpuset", "cpu", "io", "memory", "pids"));
        controllers.remove(controller);
        SampleHost host = SampleHost.debian().with("cgroup_controllers", String.join(" ", controllers));

        assertThat(onlyFault(PLAIN, host).message()).contains("lacks the " + controller + " controller");
    }

    @Test
    void theHostsSystemdMustNotBeTooOld() {
        assertThat(onlyFault(PLAIN, SampleHost.debian().with("systemd_version", "246"))
                        .type())
                .isEqualTo("host_systemd_old");
        assertThat(faults(PLAIN, SampleHost.debian().with("systemd_version", "247")))
                .isEmpty();
    }

    @Test
    void theHostMustNotBeManagedAlready() {
        Fault fault = onlyFault(PLAIN, SampleHost.debian().with("managed_by", "kloigos 4711"));

        assertThat(fault.type()).isEqualTo("host_already_managed");
        assertThat(fault.message()).contains("kloigos 4711").contains("decommission it there first");
    }

    @Test
    void theCpusMustBeOnline() {
        InitServerRequest request =
                SampleFleet.request("host1", "18", List.of(), LimitRequest.defaults(), "4-7", "12-17");

        assertThat(faults(request, SampleHost.debian()))
                .extracting(Fault::toString)
                .containsExactly(
                        "cpu_ranges[1]: CPU 16-17 does not exist or is offline; the host has 0-15",
                        "housekeeping_cpus: CPU 18 does not exist or is offline; the host has 0-15");
    }

    @Test
    void nobodyElseMayHaveTheNamesOfUnits() {
        SampleHost host = SampleHost.debian()
                .plus("account", "u4-7\t1001")
                .plus("group", "u8-15\t1002")
                .plus("directory", "/home/u4-7")
                .plus("directory", "/opt/c8-15")
                .plus("directory", "/mnt/c8-15")
                .plus("directory", "/mnt/somebody");

        assertThat(faults(PLAIN, host))
                .extracting(Fault::toString)
                .containsExactly(
                        "cpu_ranges[0]: the host has a user or group u4-7 already",
                        "cpu_ranges[0]: the host has /home/u4-7 already; move it away first",
                        "cpu_ranges[1]: the host has a user or group u8-15 already",
                        "cpu_ranges[1]: the host has /opt/c8-15 already; move it away first",
                        "cpu_ranges[1]: the host has /mnt/c8-15 already; move it away first");
    }

    @Test
    void theReserveLeavesSomething() {
        LimitRequest all = limits("16G", null, null, null, null, List.of(), PortEnforcement.NFTABLES);

        assertThat(onlyFault(with(all), SampleHost.debian()))
                .hasToString("limits.memory_reserve: 16G is not less than the host's memory of 16G");
    }

    @Test
    void diskLimitsThatWereAskedForMustHold() {
        LimitRequest disk = limits(null, null, "1G", null, null, List.of(), PortEnforcement.NFTABLES);
        LimitRequest inodes = limits(null, null, null, null, 500L, List.of(), PortEnforcement.NFTABLES);
        SampleHost noQuota = SampleHost.debian().withRootMount("ext4", "rw,relatime", 1 << 20);

        Fault fault = onlyFault(with(disk), noQuota);
        assertThat(fault.path()).containsExactly("limits", "disk_max");
        assertThat(fault.message())
                .contains("/home")
                .contains("/dev/sda1 (ext4)")
                .contains("usrquota");
        assertThat(onlyFault(with(inodes), noQuota).path()).containsExactly("limits", "inodes_max");
        assertThat(onlyFault(with(disk), SampleHost.debian().without(Capability.QUOTA_TOOLS))
                        .message())
                .contains("lacks setquota");
        assertThat(onlyFault(with(disk), SampleHost.debian().withRootMount("btrfs", "rw,usrquota", 1 << 20))
                        .type())
                .isEqualTo("disk_limit_unenforceable");
    }

    @Test
    void quotasOfXfsAreSwitchedOnWhereItIsMounted() {
        SampleHost root = SampleHost.debian().withRootMount("xfs", "rw,attr2,noquota", 32 * SampleHost.GIB_IN_KIB);
        SampleHost home = SampleHost.debian()
                .withMount("/home", "/dev/sdb", "xfs", "rw,attr2,uqnoenforce", 32 * SampleHost.GIB_IN_KIB);
        SampleHost usersOnly =
                SampleHost.debian().withRootMount("xfs", "rw,attr2,usrquota", 32 * SampleHost.GIB_IN_KIB);

        assertThat(onlyWarning(PLAIN, root).message())
                .isEqualTo(
                        "size limits of /home, /opt, /tmp, /var/tmp, /var/spool, /mnt cannot be enforced: /dev/sda1 (xfs)"
                                + " is mounted on / without user quotas; boot with rootflags=uquota,pquota on the kernel's"
                                + " command line (/etc/default/grub); XFS switches quotas on in no remount");
        assertThat(onlyWarning(PLAIN, home).message())
                .isEqualTo(
                        "size limits of /home cannot be enforced: /dev/sdb (xfs) is mounted on /home without user"
                                + " quotas; mount it anew with uquota,pquota (/etc/fstab); XFS switches quotas on in no remount");
        assertThat(onlyWarning(PLAIN, usersOnly).message()).contains("; boot with rootflags=");
        assertThat(warnings(
                        PLAIN,
                        SampleHost.debian()
                                .withRootMount("xfs", "rw,attr2,usrquota,prjquota", 32 * SampleHost.GIB_IN_KIB)))
                .extracting(Warning::type)
                .doesNotContain("disk_unlimited", "df_shows_whole_disk");
    }

    @Test
    void dataMaxNeedsADataDisk() {
        LimitRequest data = limits(null, null, null, "1G", null, List.of(), PortEnforcement.NFTABLES);

        assertThat(onlyFault(with(data), SampleHost.debian()).path()).containsExactly("limits", "data_max");
    }

    @Test
    void socketBindNeedsASystemdWithBpf() {
        LimitRequest bind = limits(null, null, null, null, null, List.of(), PortEnforcement.SOCKET_BIND);

        assertThat(onlyFault(with(bind), SampleHost.debian().without(Capability.SYSTEMD_BPF))
                        .path())
                .containsExactly("limits", "port_enforcement");
        assertThat(faults(with(bind), SampleHost.debian())).isEmpty();
    }

    @Test
    void ioLimitsNeedTheIoControllerAndWholeDisks() {
        IoLimit good = new IoLimit("/dev/sdb", ByteSize.parse("1M"), null, null, null);
        IoLimit part = new IoLimit("/dev/sda1", null, null, 100L, null);
        IoLimit none = new IoLimit("/dev/sdz", null, null, null, 100L);
        LimitRequest io = limits(null, null, null, null, null, List.of(good, part, none), PortEnforcement.NFTABLES);

        assertThat(faults(with(io), SampleHost.debian().with("cgroup_controllers", "cpuset cpu memory pids")))
                .extracting(Fault::toString)
                .containsExactly(
                        "limits.io: the host's cgroup v2 lacks the io controller",
                        "limits.io[1].device: /dev/sda1 is not a whole disk of this host; it has /dev/sda, /dev/sdb, /dev/sdc",
                        "limits.io[2].device: /dev/sdz is not a whole disk of this host; it has /dev/sda, /dev/sdb, /dev/sdc");
    }

    @Test
    void dataDisksMustBeWholeBlankAndLargeEnough() {
        SampleHost host = SampleHost.debian()
                .with(
                        "disk",
                        "/dev/sda\tdisk\t8:0\t42949672960\tparts\t\tdiscards",
                        "/dev/sda1\tpart\t8:1\t42948624384\t\t\tdiscards",
                        "/dev/sdb\tdisk\t8:16\t10737418240\text4\tbackup\tdiscards",
                        "/dev/sdc\tdisk\t8:32\t209715200\t\t\tdiscards");
        DataDisk sda = new DataDisk("/dev/sda", FileSystemType.EXT4);
        DataDisk sda1 = new DataDisk("/dev/sda1", FileSystemType.EXT4);
        DataDisk sdb = new DataDisk("/dev/sdb", FileSystemType.XFS);
        DataDisk sdc = new DataDisk("/dev/sdc", FileSystemType.XFS);
        DataDisk small = new DataDisk("/dev/sdc", FileSystemType.EXT4);

        assertThat(faults(with(sda, sda1), host))
                .extracting(Fault::toString)
                .satisfiesExactly(
                        first -> assertThat(first).startsWith("data_disks[0]: /dev/sda holds parts: only a blank disk"),
                        second -> assertThat(second).startsWith("data_disks[1]: /dev/sda1 is not a whole disk"));
        assertThat(faults(with(sdb, sdc), host))
                .extracting(Fault::toString)
                .satisfiesExactly(
                        first -> assertThat(first).contains("/dev/sdb holds ext4 labelled backup"),
                        second -> assertThat(second).isEqualTo("data_disks[1]: /dev/sdc has 200M, less than 300M"));
        assertThat(faults(with(small), host)).isEmpty();
    }

    @Test
    void dataDisksNeedTheirTools() {
        DataDisk ext4 = new DataDisk("/dev/sdb", FileSystemType.EXT4);
        DataDisk xfs = new DataDisk("/dev/sdc", FileSystemType.XFS);
        SampleHost bare = SampleHost.debian()
                .without(Capability.MKFS_EXT4)
                .without(Capability.MKFS_XFS)
                .without(Capability.QUOTA_TOOLS);

        assertThat(faults(with(ext4, xfs), bare))
                .extracting(Fault::toString)
                .containsExactly(
                        "data_disks[0]: the host lacks mkfs.ext4",
                        "data_disks[1]: the host lacks mkfs.xfs",
                        "data_disks: data disks need setquota and chattr (Debian: quota, e2fsprogs)");
    }

    @Test
    void everythingIsNamedAtOnceInOneMessage() {
        SampleHost host = SampleHost.debian()
                .without(Capability.NFT_UID_PORTS)
                .without(Capability.KEYCTL)
                .with("systemd_version", "200")
                .with("managed_by", "another")
                .with("online_cpus", "0-7")
                .plus("account", "u4-7\t1001");

        assertThatThrownBy(() -> ServerLayout.of(PLAIN, host.facts(), Bases.defaults()))
                .isInstanceOfSatisfying(KloigosException.class, refusal -> {
                    assertThat(refusal.faults())
                            .extracting(Fault::type)
                            .containsExactly(
                                    "host_lacks_nft_uid_ports",
                                    "host_lacks_keyctl",
                                    "host_systemd_old",
                                    "host_already_managed",
                                    "cpu_not_online",
                                    "user_exists");
                    refusal.faults().forEach(fault -> assertThat(refusal).hasMessageContaining(fault.message()));
                });
    }

    // Warnings

    @Test
    void saysThatADiskOfAUnitsOwnKeepsWhatWasStored() {
        SampleHost host = SampleHost.debian()
                .with(
                        "disk",
                        "/dev/sdb\tdisk\t8:16\t10737418240\t\t\tkeeps",
                        "/dev/sdc\tdisk\t8:32\t10737418240\t\t\tdiscards");
        DataDisk sdb = new DataDisk("/dev/sdb", FileSystemType.EXT4);

        assertThat(onlyWarning(with(sdb, new DataDisk("/dev/sdc", FileSystemType.EXT4)), host))
                .asString()
                .startsWith("disk_keeps_blocks: /dev/sdb cannot discard");
        assertThat(warnings(with(sdb), host)).isEmpty();
    }

    @Test
    void saysThatTheSystemRunsOnUnitsCpus() {
        assertThat(onlyWarning(SampleFleet.request("host1", "0-7", "8-15"), SampleHost.debian())
                        .type())
                .isEqualTo("no_housekeeping_cpus");
    }

    @Test
    void saysThatFilesAreNotLimited() {
        SampleHost noQuota = SampleHost.debian().withRootMount("ext4", "rw,relatime", 1 << 20);

        assertThat(onlyWarning(PLAIN, noQuota))
                .hasToString(
                        "disk_unlimited: size limits of /home, /opt, /tmp, /var/tmp, /var/spool, /mnt cannot be enforced:"
                                + " /dev/sda1 (ext4) is mounted on / without user quotas; mount it with usrquota,prjquota");
    }

    @Test
    void saysNothingOfATmpfsWhichCountsAsMemory() {
        SampleHost host = SampleHost.debian().withMount("/tmp", "tmpfs", "tmpfs", "rw", 1 << 20);

        assertThat(warnings(PLAIN, host)).isEmpty();
    }

    @Test
    void saysThatDfShowsTheWholeDisk() {
        SampleHost host = SampleHost.debian().withRootMount("ext4", "rw,usrquota", 32 * SampleHost.GIB_IN_KIB);

        assertThat(onlyWarning(PLAIN, host).type()).isEqualTo("df_shows_whole_disk");
    }

    @Test
    void saysWhichUnitSharesACoreWithAnother() {
        SampleHost smt = SampleHost.debian().withCores("0,8", "1,9", "2,10", "3,11", "4,12", "5,13", "6,14", "7,15");

        assertThat(warnings(SampleFleet.request("host1", "0-1,8-9", "2,10-11"), smt))
                .filteredOn(warning -> warning.type().equals("core_split"))
                .extracting(Warning::message)
                .containsExactly("host1_2_10-11 has only some hardware threads of core 3,11, so it shares them");
    }

    @Test
    void saysWhichUnitLiesOnSeveralNodes() {
        assertThat(onlyWarning(SampleFleet.request("host1", "0-3", "6-9"), SampleHost.debian()))
                .hasToString("numa_straddle: host1_6-9 has CPUs on NUMA nodes 0-1");
    }

    @Test
    void saysThatSshdLetsInOnlySome() {
        assertThat(onlyWarning(PLAIN, SampleHost.debian().with("ssh_allow", "AllowUsers ann")))
                .satisfies(warning -> {
                    assertThat(warning.type()).isEqualTo("ssh_allow");
                    assertThat(warning.message()).contains("AllowUsers ann").contains("group kloigos");
                });
    }

    @Test
    void saysThatThereIsNoCron() {
        assertThat(onlyWarning(
                                PLAIN,
                                SampleHost.debian().without(Capability.CRON).without(Capability.CROND))
                        .type())
                .isEqualTo("no_cron");
        assertThat(warnings(PLAIN, SampleHost.debian().without(Capability.CRON)))
                .isEmpty();
    }

    @Test
    void saysThatThereIsLessSwapThanAllowed() {
        LimitRequest swap = limits(null, "1G", null, null, null, List.of(), PortEnforcement.NFTABLES);

        assertThat(onlyWarning(with(swap), SampleHost.debian().with("swap_kb", "524288")))
                .hasToString("swap_small: units may swap 1G each, the host has 512M of swap");
        assertThat(warnings(with(swap), SampleHost.debian().with("swap_kb", "1048576")))
                .isEmpty();
    }

    @Test
    void saysThatDiskLimitsExceedTheDisk() {
        LimitRequest disk = limits(null, null, "17G", null, null, List.of(), PortEnforcement.NFTABLES);

        assertThat(onlyWarning(with(disk), SampleHost.debian()))
                .hasToString("disk_overcommitted: 2 units of 17G exceed the 32G free on /");
    }

    private static LimitRequest limits(
            @Nullable String reserve,
            @Nullable String swap,
            @Nullable String disk,
            @Nullable String data,
            @Nullable Long inodes,
            List<IoLimit> io,
            PortEnforcement enforcement) {
        return new LimitRequest(
                size(reserve), null, null, size(swap), null, size(disk), size(data), inodes, io, enforcement);
    }

    private static @Nullable ByteSize size(@Nullable String text) {
        return text == null ? null : ByteSize.parse(text);
    }
}
