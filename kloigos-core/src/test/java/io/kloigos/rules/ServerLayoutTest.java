package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostFacts;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.model.UnitStatus;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ServerLayoutTest {
    static LongStream seeds() {
        return LongStream.of(1, 2, 3, System.nanoTime());
    }

    private static ServerLayout layout(HostFacts facts, String... ranges) {
        return ServerLayout.of(SampleFleet.request("host1", ranges), facts, Bases.defaults());
    }

    private static ServerLayout layout(HostFacts facts, LimitRequest limits, String... ranges) {
        return ServerLayout.of(SampleFleet.request("host1", null, List.of(), limits, ranges), facts, Bases.defaults());
    }

    private static LimitRequest memory(@Nullable String reserve, @Nullable String max, @Nullable String high) {
        return new LimitRequest(
                size(reserve),
                size(max),
                size(high),
                null,
                null,
                null,
                null,
                null,
                List.of(),
                PortEnforcement.NFTABLES);
    }

    private static LimitRequest disk(@Nullable String disk, @Nullable String data, @Nullable Long inodes) {
        return new LimitRequest(
                null, null, null, null, null, size(disk), size(data), inodes, List.of(), PortEnforcement.NFTABLES);
    }

    private static @Nullable ByteSize size(@Nullable String text) {
        return text == null ? null : ByteSize.parse(text);
    }

    @Test
    void namesTheFieldThatAskedForUnitsWhichCannotBe() {
        InitServerRequest request = new InitServerRequest(
                SampleFleet.request("host1", "0").address(),
                "eu",
                "a",
                new UnitDivision.Size(4),
                null,
                List.of(new DataDisk("/dev/sdb", FileSystemType.EXT4), new DataDisk("/dev/sdc", FileSystemType.EXT4)),
                LimitRequest.defaults());
        HostFacts facts = SampleHost.debian().plus("account", "u8-11\t2000").facts();

        assertThatThrownBy(() -> ServerLayout.of(request, facts, Bases.defaults()))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.faults())
                                .extracting(Fault::toString)
                                .containsExactly(
                                        "data_disks: 2 data disks for 3 units: name one disk for all to share, or one per unit",
                                        "cpus_per_unit: the host has a user or group u8-11 already"));
    }

    @Test
    void cutsAHostIntoInitializingUnitsInTheOrderAskedFor() {
        ServerLayout layout = layout(SampleHost.debian().facts(), "8-15", "0-3");

        assertThat(layout.units()).extracting(unit -> unit.id().value()).containsExactly("host1_8-15", "host1_0-3");
        assertThat(layout.units()).allSatisfy(unit -> {
            assertThat(unit.status()).isEqualTo(UnitStatus.INITIALIZING);
            assertThat(unit.hostname()).isEqualTo("host1");
            assertThat(unit.ip()).isEqualTo("10.0.0.1");
            assertThat(unit.region()).isEqualTo("eu");
            assertThat(unit.zone()).isEqualTo("a");
            assertThat(unit.dataDirectory()).isNull();
            assertThat(unit.sshPublicKeys()).isEmpty();
        });
    }

    @Test
    void leavesTheSystemTheCpusThatNoUnitHas() {
        assertThat(layout(SampleHost.debian().facts(), "4-7", "8-11").housekeepingCpus())
                .hasToString("0-3,12-15");
        assertThat(layout(SampleHost.debian().facts(), "0-7", "8-15")
                        .housekeepingCpus()
                        .isEmpty())
                .isTrue();
    }

    @Test
    void leavesTheSystemTheCpusThatWereReservedForIt() {
        InitServerRequest request = SampleFleet.request("host1", "0-1", List.of(), LimitRequest.defaults(), "4-7");
        ServerLayout layout = ServerLayout.of(request, SampleHost.debian().facts(), Bases.defaults());

        assertThat(layout.housekeepingCpus()).hasToString("0-1");
        assertThat(layout.warnings()).anySatisfy(warning -> {
            assertThat(warning.type()).isEqualTo("idle_cpus");
            assertThat(warning.message()).contains("2-3,8-15");
        });
    }

    // Memory

    @Test
    void sharesMemoryByCpusAfterAReserve() {
        ServerLayout layout = layout(SampleHost.debian().facts(), "0-7", "8-11", "12-15");

        assertThat(layout.units())
                .extracting(unit -> unit.limits().memoryMax())
                .containsExactly(ByteSize.parse("7680M"), ByteSize.parse("3840M"), ByteSize.parse("3840M"));
        assertThat(layout.units())
                .extracting(unit -> unit.limits().memoryNodes().toString())
                .containsExactly("0", "1", "1");
    }

    @Test
    void promisesAUnitNoMoreMemoryThanItsOwnNodesHave() {
        // Alone on node 0, the unit's share by CPUs would be 15 GiB; its node has 8.
        ComputeUnit unit = layout(SampleHost.debian().facts(), "0-7").units().get(0);

        assertThat(unit.limits().memoryNodes()).hasToString("0");
        assertThat(unit.limits().memoryMax()).isEqualTo(ByteSize.parse("7680M"));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void neverPromisesMemoryTwice(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 100; i++) {
            HostFacts facts = SampleHost.sized(16, 4 + random.nextInt(60)).facts();
            List<ComputeUnit> units = layout(facts, randomRanges(random)).units();
            ByteSize reserve = facts.memory().times(1, 16);

            long promised = units.stream()
                    .mapToLong(unit -> unit.limits().memoryMax().bytes())
                    .sum();
            assertThat(promised)
                    .isLessThanOrEqualTo(facts.memory().minus(reserve).bytes());
            facts.nodes()
                    .forEach((number, node) -> assertThat(units.stream()
                                    .filter(unit -> node.cpus().containsAll(unit.cpus()))
                                    .mapToLong(unit -> unit.limits().memoryMax().bytes())
                                    .sum())
                            .as("on node %d", number)
                            .isLessThanOrEqualTo(node.memory().bytes()));
            assertThat(units).allSatisfy(unit -> {
                assertThat(unit.limits().memoryHigh()).isLessThan(unit.limits().memoryMax());
                assertThat(unit.limits().memoryHigh().bytes())
                        .isGreaterThanOrEqualTo(unit.limits().memoryMax().bytes() / 16 * 14);
                // The kernel rounds what it is given to pages; a whole number of MiB reads back as it was written.
                assertThat(unit.limits().memoryMax().bytes() % (1 << 20)).isZero();
                assertThat(unit.limits().memoryHigh().bytes() % (1 << 20)).isZero();
            });
        }
    }

    private static String[] randomRanges(Random random) {
        List<CpuSet> sets = new java.util.ArrayList<>();
        CpuSet left = CpuSet.range(0, 15);
        for (int i = 0; i < 1 + random.nextInt(4); i++) {
            CpuSet wanted = CpuSet.of(random.ints(1 + random.nextInt(4), 0, 16).toArray())
                    .intersect(left);
            left = left.minus(wanted);
            sets.add(wanted);
        }
        sets.removeIf(CpuSet::isEmpty);
        return sets.stream().map(CpuSet::toString).toArray(String[]::new);
    }

    @Test
    void anExactShareIsNotRoundedAway() {
        // 15 GiB for 15 CPUs: a gigabyte each, to the byte.
        HostFacts facts = SampleHost.sized(16, 16)
                .with("node", "0\t0-15\t" + 16 * SampleHost.GIB_IN_KIB)
                .facts();
        String[] ranges = IntStream.range(1, 16).mapToObj(Integer::toString).toArray(String[]::new);

        assertThat(layout(facts, ranges).units())
                .extracting(unit -> unit.limits().memoryMax())
                .containsOnly(ByteSize.parse("1G"));
    }

    @Test
    void takesTheMemoryThatTheOperatorAskedFor() {
        ServerLayout layout = layout(SampleHost.debian().facts(), memory("2G", "3G", "2G"), "0-3", "4-7");

        assertThat(layout.units()).allSatisfy(unit -> {
            assertThat(unit.limits().memoryMax()).isEqualTo(ByteSize.parse("3G"));
            assertThat(unit.limits().memoryHigh()).isEqualTo(ByteSize.parse("2G"));
            assertThat(unit.limits().swapMax()).isEqualTo(new ByteSize(0));
        });
    }

    @Test
    void refusesToPromiseMoreMemoryThanThereIs() {
        assertThat(refusal(SampleHost.debian(), memory(null, "6G", null), "0-3", "4-7", "8-15"))
                .singleElement()
                .satisfies(fault -> {
                    assertThat(fault.path()).containsExactly("limits", "memory_max");
                    assertThat(fault.message())
                            .isEqualTo("3 units of 6G exceed the 15G that remain of 16G after the reserve of 1G");
                });
    }

    @Test
    void refusesToPromiseMoreMemoryThanTheUnitsOwnNodeHas() {
        // 14 of 15 GiB, but both units are on node 0, which has 8.
        assertThat(refusal(SampleHost.debian(), memory(null, "7G", null), "0-3", "4-7"))
                .singleElement()
                .satisfies(fault -> {
                    assertThat(fault.path()).containsExactly("limits", "memory_max");
                    assertThat(fault.message()).contains("node 0").contains("8G");
                });
        assertThat(layout(SampleHost.debian().facts(), memory(null, "7G", null), "0-3", "8-11")
                        .units())
                .hasSize(2);
    }

    @Test
    void refusesAUnitInWhichNobodyCouldLogIn() {
        assertThat(refusal(SampleHost.sized(16, 16), memory("16300M", null, null), "0-3", "4-7"))
                .extracting(Fault::type)
                .containsExactly("memory_share", "memory_share");
    }

    @Test
    void refusesAThresholdAboveTheShareThatComesOut() {
        assertThat(refusal(SampleHost.debian(), memory(null, null, "5G"), "0-3", "4-7", "8-11", "12-15"))
                .hasSize(4)
                .allSatisfy(fault -> {
                    assertThat(fault.path()).containsExactly("limits", "memory_high");
                    assertThat(fault.message()).startsWith("5G is not below the 3840M");
                });
    }

    // Numbers

    @Test
    void givesEachUnitItsOwnUidAndPorts() {
        ServerLayout layout = layout(SampleHost.debian().facts(), "0-3", "4-7", "8-11");

        assertThat(layout.units()).extracting(ComputeUnit::uid).containsExactly(20000, 20001, 20002);
        assertThat(layout.units())
                .extracting(unit -> unit.ports().toString())
                .containsExactly("2000-2200", "2200-2400", "2400-2600");
    }

    @Test
    void leavesOutWhatTheHostUses() {
        HostFacts facts = SampleHost.debian()
                .plus("account", "postgres\t20000")
                .plus("group", "backup\t20002")
                .plus("listen", "2000")
                .plus("listen", "2399")
                .facts();
        ServerLayout layout = layout(facts, "0-3", "4-7", "8-11");

        assertThat(layout.units()).extracting(ComputeUnit::uid).containsExactly(20001, 20003, 20004);
        assertThat(layout.units())
                .extracting(unit -> unit.ports().toString())
                .containsExactly("2400-2600", "2600-2800", "2800-3000");
    }

    @Test
    void refusesMoreUnitsThanThereArePorts() {
        Bases bases = new Bases(20000, 60000, 2000);
        InitServerRequest request = SampleFleet.request("host1", "0", "1", "2", "3");

        assertThatThrownBy(() -> ServerLayout.of(request, SampleHost.debian().facts(), bases))
                .isInstanceOfSatisfying(KloigosException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.HOST_UNSUITABLE);
                    assertThat(refusal.faults()).extracting(Fault::type).containsExactly("ports_exhausted");
                });
    }

    @Test
    void basesLeaveRoomForOneUnitAtLeast() {
        assertThat(new Bases(1000, 60000, 5536).portsPerUnit()).isEqualTo(5536);
        assertThatThrownBy(() -> new Bases(1000, 60000, 5537)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> new Bases(1000, 1023, 1)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> new Bases(999, 2000, 200)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> new Bases(1000, 2000, 0)).isInstanceOf(KloigosException.class);
    }

    @Test
    void allowsTasksByCpus() {
        HostFacts facts = SampleHost.sized(256, 512).facts();

        assertThat(layout(facts, "0", "1-4", "128-255").units())
                .extracting(unit -> unit.limits().tasksMax())
                .containsExactly(1024, 4096, 65536);
    }

    // Disks

    @Test
    void sharesTheFreeSpaceOfTheSystemDiskByCpus() {
        ServerLayout layout = layout(SampleHost.debian().facts(), "0-7", "8-11", "12-15");

        assertThat(layout.units())
                .extracting(unit -> unit.limits().disks())
                .containsExactly(
                        List.of(disk("/", "14745M")), List.of(disk("/", "7372M")), List.of(disk("/", "7372M")));
    }

    private static DiskLimit disk(String mountPoint, String size) {
        ByteSize bytes = ByteSize.parse(size);
        return new DiskLimit(mountPoint, bytes, bytes.bytes() / 16384);
    }

    @Test
    void limitsEachFileSystemThatUnitsStoreOn() {
        HostFacts facts = SampleHost.debian()
                .withMount("/home", "/dev/sdd1", "xfs", "rw,uquota,pquota", 10 * SampleHost.GIB_IN_KIB)
                .withMount("/tmp", "tmpfs", "tmpfs", "rw", SampleHost.GIB_IN_KIB)
                .facts();
        ComputeUnit unit = layout(facts, "0-15").units().get(0);

        assertThat(unit.limits().disks()).extracting(DiskLimit::mountPoint).containsExactlyInAnyOrder("/home", "/");
    }

    @Test
    void takesTheDiskLimitsThatTheOperatorAskedFor() {
        ServerLayout layout = layout(SampleHost.debian().facts(), disk("2G", null, 5000L), "0-3", "4-15");

        assertThat(layout.units())
                .extracting(unit -> unit.limits().disks())
                .containsOnly(List.of(new DiskLimit("/", ByteSize.parse("2G"), 5000)));
    }

    @Test
    void aFullDiskIsRefusedSinceAQuotaOfZeroWouldBeNone() {
        SampleHost host = SampleHost.debian().withRootMount("ext4", "rw,usrquota,prjquota", 4096);

        assertThat(refusal(host, LimitRequest.defaults(), "0-3", "4-15"))
                .hasSize(1)
                .allSatisfy(fault -> {
                    assertThat(fault.type()).isEqualTo("disk_share");
                    assertThat(fault.path()).containsExactly("cpu_ranges", 0);
                });
        assertThat(layout(host.facts(), disk("1M", null, null), "0-3", "4-15").units())
                .hasSize(2);
    }

    @Test
    void oneDataDiskIsSharedByCpus() {
        InitServerRequest request = SampleFleet.request(
                "host1",
                null,
                List.of(new DataDisk("/dev/sdb", FileSystemType.EXT4)),
                LimitRequest.defaults(),
                "0-7",
                "8-11",
                "12-15");
        ServerLayout layout = ServerLayout.of(request, SampleHost.debian().facts(), Bases.defaults());

        assertThat(layout.volumes()).hasSize(1);
        String mountPoint = layout.volumes().get(0).mountPoint();
        assertThat(layout.units())
                .extracting(ComputeUnit::dataDirectory)
                .containsExactly(mountPoint + "/c0-7", mountPoint + "/c8-11", mountPoint + "/c12-15");
        assertThat(layout.units())
                .allSatisfy(unit -> assertThat(unit.limits().disks())
                        .extracting(DiskLimit::mountPoint)
                        .containsExactly("/", mountPoint));
        assertThat(layout.units())
                .extracting(unit -> unit.limits().disks().get(1).bytes())
                .containsExactly(ByteSize.parse("4608M"), ByteSize.parse("2304M"), ByteSize.parse("2304M"));
    }

    @Test
    void ownDataDisksGoToTheUnitsInOrder() {
        InitServerRequest request = SampleFleet.request(
                "host1",
                null,
                List.of(new DataDisk("/dev/sdc", FileSystemType.XFS), new DataDisk("/dev/sdb", FileSystemType.EXT4)),
                disk(null, "3G", null),
                "0-3",
                "4-7");
        ServerLayout layout = ServerLayout.of(request, SampleHost.debian().facts(), Bases.defaults());

        assertThat(layout.volumes())
                .extracting(volume -> volume.disk().device())
                .containsExactly("/dev/sdc", "/dev/sdb");
        for (int i = 0; i < 2; i++) {
            ComputeUnit unit = layout.units().get(i);
            String mountPoint = layout.volumes().get(i).mountPoint();
            assertThat(unit.dataDirectory()).startsWith(mountPoint + "/");
            assertThat(unit.limits().disks())
                    .filteredOn(limit -> limit.mountPoint().equals(mountPoint))
                    .extracting(DiskLimit::bytes)
                    .containsExactly(ByteSize.parse("3G"));
        }
    }

    @Test
    void diskLabelsFitXfsAndDifferBetweenHostsAndDisks() {
        Set<String> labels = new HashSet<>();
        for (int host = 0; host < 200; host++) {
            for (int disk : new int[] {0, 1, 9, 10, 299}) {
                String label = ServerLayout.label("host" + host, disk);
                assertThat(label).hasSizeLessThanOrEqualTo(12).matches("[a-z0-9]+");
                assertThat(labels.add(label)).as(label).isTrue();
            }
        }
    }

    private static List<Fault> refusal(SampleHost host, LimitRequest limits, String... ranges) {
        try {
            layout(host.facts(), limits, ranges);
            return List.of();
        } catch (KloigosException refusal) {
            assertThat(refusal.code()).isEqualTo(ErrorCode.HOST_UNSUITABLE);
            assertThat(refusal).hasMessageStartingWith("Cannot init host1 (10.0.0.1); nothing was changed: ");
            return refusal.faults();
        }
    }
}
