package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.PortRange;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostFilesTest {
    private static final SampleFleet FLEET = SampleFleet.of(
            SampleFleet.request("host1", "4-7", "8-11,14", "12-13"),
            SampleHost.debian().facts());

    private static SampleFleet fleet(List<IoLimit> io, PortEnforcement enforcement) {
        LimitRequest limits = new LimitRequest(null, null, null, null, null, null, null, null, io, enforcement);
        return SampleFleet.of(
                SampleFleet.request("host1", null, List.of(), limits, "4-7"),
                SampleHost.debian().facts());
    }

    // As printed by systemd-escape --path --suffix=mount of systemd 252.
    @ParameterizedTest
    @CsvSource({
        "/mnt/c0-15, mnt-c0\\x2d15.mount",
        "/mnt/c0_2-4, mnt-c0_2\\x2d4.mount",
        "/mnt/c0-7_16-23, mnt-c0\\x2d7_16\\x2d23.mount",
        "/var/lib/kloigos/data0, var-lib-kloigos-data0.mount",
        "/mnt/.hidden, mnt-.hidden.mount",
        "/.x/y, \\x2ex-y.mount",
        "/mnt/a.b:c, mnt-a.b:c.mount",
        "/mnt/c 1, mnt-c\\x201.mount",
        "/mnt/ä, mnt-\\xc3\\xa4.mount"
    })
    void mountUnitsAreNamedAsSystemdNamesThem(String path, String unit) {
        assertThat(HostFiles.mountUnit(path)).isEqualTo(unit);
    }

    @Test
    void dropInsEmptyAListBeforeTheySetItSinceSystemdMergesThem() {
        List<String> slice = HostFiles.sliceDropIn(FLEET.units().get(1)).lines().toList();
        List<String> housekeeping = HostFiles.housekeepingDropIn("Slice", CpuSet.parse("0-3"))
                .lines()
                .toList();

        assertThat(slice).containsSequence("AllowedCPUs=", "AllowedCPUs=8-11,14");
        assertThat(slice).containsSequence("AllowedMemoryNodes=", "AllowedMemoryNodes=1");
        assertThat(housekeeping).containsSequence("AllowedCPUs=", "AllowedCPUs=0-3");
    }

    @Test
    void aSliceHoldsTheUnitsNumbers() {
        assertThat(HostFiles.sliceDropIn(FLEET.units().get(0)).lines())
                .contains(
                        "[Slice]",
                        "AllowedCPUs=4-7",
                        "MemoryMax=5856296960",
                        "MemoryHigh=5489295360",
                        "MemorySwapMax=0",
                        "TasksMax=4096")
                .noneMatch(line -> line.startsWith("IO") || line.startsWith("SocketBind"));
    }

    @Test
    void aSliceHoldsOnlyTheIoLimitsThatWereAskedFor() {
        IoLimit io = new IoLimit("/dev/sdb", ByteSize.parse("10M"), null, null, 500L);
        ComputeUnit unit = fleet(List.of(io), PortEnforcement.NFTABLES).units().get(0);

        assertThat(HostFiles.sliceDropIn(unit).lines().filter(line -> line.startsWith("IO")))
                .containsExactlyInAnyOrder("IOReadBandwidthMax=/dev/sdb 10485760", "IOWriteIOPSMax=/dev/sdb 500");
    }

    @Test
    void aDeniedBindNeverStandsWithoutWhatIsAllowed() {
        ComputeUnit unit = fleet(List.of(), PortEnforcement.SOCKET_BIND).units().get(0);

        assertThat(HostFiles.sliceDropIn(unit).lines())
                .containsSequence(
                        "SocketBindDeny=any", "SocketBindAllow=tcp:2000-2199", "SocketBindAllow=udp:2000-2199");
    }

    @Test
    void portsOfOtherUnitsAreDeniedAndPort0IsNot() {
        ComputeUnit unit =
                fleet(List.of(), PortEnforcement.SOCKET_BIND_RANGES).units().get(0);
        HostFiles.BindRules rules = HostFiles.bindRules(unit, FLEET.units()).orElseThrow();
        int last = FLEET.units().get(FLEET.units().size() - 1).ports().last();

        assertThat(last).isGreaterThan(2199);
        assertThat(HostFiles.bindDropIn(unit, rules).lines().skip(1))
                .containsExactly(
                        "[Slice]",
                        "SocketBindDeny=",
                        "SocketBindAllow=",
                        "SocketBindDeny=tcp:2000-" + last,
                        "SocketBindDeny=udp:2000-" + last,
                        "SocketBindAllow=tcp:2000-2199",
                        "SocketBindAllow=udp:2000-2199");
    }

    @Test
    void whereNftablesAloneKeepsPortsSystemdRefusesNone() {
        ComputeUnit unit = fleet(List.of(), PortEnforcement.NFTABLES).units().get(0);

        assertThat(HostFiles.bindRules(unit, FLEET.units())).isEmpty();
    }

    @Test
    void theRulesNameEveryUnitsPortsAsItsOwn() {
        String rules = HostFiles.portsRules(FLEET.units());

        assertThat(rules)
                .contains("elements = { 20000, 20001, 20002 }")
                .contains("elements = { 2000-2199, 2200-2399, 2400-2599 }")
                .contains("elements = { 20000 . 2000-2199, 20001 . 2200-2399, 20002 . 2400-2599 }")
                .doesNotContain("%");
        // Loadable whether or not the table is there.
        assertThat(rules.lines().filter(line -> line.contains("table inet kloigos")))
                .containsExactly("table inet kloigos", "delete table inet kloigos", "table inet kloigos {");
    }

    @Test
    void whatAUnitBeginsIsCountedBeforeAnythingIsAccepted() {
        List<String> rules =
                HostFiles.portsRules(FLEET.units()).lines().map(String::strip).toList();

        assertThat(rules.indexOf("ct status & confirmed == 0 meta skuid @uids jump begin"))
                .isPositive()
                .isLessThan(rules.indexOf("meta skuid . th sport @own accept"))
                .isLessThan(rules.indexOf("meta l4proto != { tcp, udp } goto neither"));
    }

    @Test
    void settingsThatAreStricterAlreadyStayAndOthersAreGivenBack() {
        HostFacts facts = SampleHost.debian()
                .with("setting", "fs.mqueue.queues_max\t256", "kernel.io_uring_disabled\t0")
                .facts();
        HostFacts stricter = SampleHost.debian()
                .with("setting", "fs.mqueue.queues_max\t99999999", "kernel.io_uring_disabled\t2")
                .facts();

        assertThat(HostFiles.sysctl(facts, "2000-2199"))
                .contains("fs.mqueue.queues_max = 16777216\n", "kernel.io_uring_disabled = 1\n");
        assertThat(HostFiles.settingsBefore(facts))
                .containsExactlyInAnyOrder(
                        new HostFiles.Setting("fs.mqueue.queues_max", "256"),
                        new HostFiles.Setting("kernel.io_uring_disabled", "0"));
        assertThat(HostFiles.sysctl(stricter, "2000-2199")).doesNotContain("mqueue", "io_uring");
        assertThat(HostFiles.settingsBefore(stricter)).isEmpty();
    }

    @Test
    void accountsHaveFixedIdsAndShareAGroup() {
        assertThat(HostFiles.sysusers(FLEET.units()).lines())
                .contains(
                        "g kloigos -",
                        "u u4-7 20000 \"Compute unit host1_4-7\" /home/u4-7 /bin/bash",
                        "m u4-7 kloigos",
                        "u u8-11_14 20001 \"Compute unit host1_8-11_14\" /home/u8-11_14 /bin/bash");
        assertThat(HostFiles.passwd(FLEET.units().get(0)))
                .isEqualTo("u4-7:x:20000:20000:Compute unit host1_4-7:/home/u4-7:/bin/bash");
    }

    @Test
    void theWelcomeTellsTheUnitsTrueNumbers() {
        String text = HostFiles.welcomeText(FLEET.server(), FLEET.units().get(1));

        assertThat(text)
                .contains("compute unit host1_8-11_14.")
                .contains("8-11,14  (5 of them; memory nodes 1)")
                .contains("5120 processes")
                .contains("2200 to 2399")
                .contains("/home/u8-11_14", "/opt/c8-11_14", "/mnt/c8-11_14")
                .containsPattern("\\d+M +and \\d+ files in /home, /mnt, /opt, /tmp, /var/tmp\n")
                .doesNotContain("%", "null");
    }

    @Test
    void theWelcomeSaysWhenDisksAreNotLimited() {
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host1", "4-7"),
                SampleHost.debian().withRootMount("ext4", "rw", 1 << 20).facts());

        assertThat(HostFiles.welcomeText(fleet.server(), fleet.units().get(0))).contains("not limited by this host");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "''                    | 2000-2199",
                "80                    | 80,2000-2199",
                "1999,2200             | 1999-2200",
                "80,2050-3000,1024     | 80,1024,2000-3000",
                "65535                 | 2000-2199,65535",
                "' 80 , 81\n'          | 80-81,2000-2199"
            })
    void reservedPortsPrintAsTheKernelPrintsThem(String before, String after) {
        assertThat(PortSet.parse(before).with(new PortRange(2000, 2200))).hasToString(after);
    }
}
