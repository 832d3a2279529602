package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class InitServerRequestTest {
    private static InitServerRequest request(@Nullable String housekeeping, List<DataDisk> disks, String... ranges) {
        return new InitServerRequest(
                new HostAddress("host1", "10.0.0.1", null, null, null),
                "eu",
                "a",
                new UnitDivision.Ranges(Stream.of(ranges).map(CpuSet::parse).toList()),
                housekeeping == null ? null : new Housekeeping.Cpus(CpuSet.parse(housekeeping)),
                disks,
                LimitRequest.defaults());
    }

    private static List<String> faults(@Nullable String housekeeping, List<DataDisk> disks, String... ranges) {
        try {
            request(housekeeping, disks, ranges);
            return List.of();
        } catch (KloigosException refusal) {
            assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            return refusal.faults().stream().map(Fault::toString).toList();
        }
    }

    @Test
    void takesDisjointRanges() {
        assertThat(request("0-3", List.of(), "4-7", "8-11", "12-15").division().units())
                .hasValue(3);
    }

    @Test
    void namesBothRangesThatOverlapAndTheCpusTheyShare() {
        assertThat(faults(null, List.of(), "0-7", "8-11", "6-9"))
                .containsExactly(
                        "cpu_ranges[2]: 6-9 shares CPU 6-7 with cpu_ranges[0]",
                        "cpu_ranges[2]: 6-9 shares CPU 8-9 with cpu_ranges[1]");
    }

    @Test
    void housekeepingCpusAreNoUnits() {
        assertThat(faults("3-4", List.of(), "0-3", "4-7"))
                .containsExactly(
                        "cpu_ranges[0]: 0-3 shares CPU 3 with housekeeping_cpus",
                        "cpu_ranges[1]: 4-7 shares CPU 4 with housekeeping_cpus");
        assertThat(faults("", List.of(), "0-3")).containsExactly("name the CPUs, or leave housekeeping_cpus out");
    }

    @Test
    void aServerHasAtLeastOneUnitAndEachUnitACpu() {
        assertThat(faults(null, List.of())).singleElement().asString().startsWith("cpu_ranges: name at least one");
        assertThat(faults(null, List.of(), "0-3", ""))
                .containsExactly("cpu_ranges[1]: a CPU range without CPUs is not a unit");
        assertThat(faults(
                        null,
                        List.of(),
                        IntStream.range(0, 301).mapToObj(Integer::toString).toArray(String[]::new)))
                .containsExactly("cpu_ranges: a server can have at most 300 units");
    }

    @Test
    void dataDisksAreSharedByAllOrOneForEach() {
        DataDisk sdb = new DataDisk("/dev/sdb", FileSystemType.EXT4);
        DataDisk sdc = new DataDisk("/dev/sdc", FileSystemType.XFS);

        assertThat(request(null, List.of(sdb), "0-3", "4-7", "8-11").dataDisks())
                .containsExactly(sdb);
        assertThat(request(null, List.of(sdb, sdc), "0-3", "4-7").dataDisks()).containsExactly(sdb, sdc);
        assertThat(faults(null, List.of(sdb, sdc), "0-3", "4-7", "8-11"))
                .singleElement()
                .asString()
                .startsWith("data_disks: 2 data disks for 3 units");
        assertThat(faults(null, List.of(sdb, sdb), "0-3", "4-7"))
                .containsExactly("data_disks[1]: /dev/sdb is named twice");
    }

    @Test
    void namesEveryFaultAtOnce() {
        assertThatThrownBy(() -> new InitServerRequest(
                        new HostAddress("host1", "10.0.0.1", null, null, null),
                        "e u",
                        "",
                        new UnitDivision.Ranges(List.of(CpuSet.parse("0-3"), CpuSet.parse("3"))),
                        new Housekeeping.Cpus(CpuSet.parse("0")),
                        List.of(),
                        LimitRequest.defaults()))
                .isInstanceOfSatisfying(KloigosException.class, refusal -> {
                    assertThat(refusal.faults())
                            .extracting(Fault::type)
                            .containsExactly("region", "zone", "cpu_range_housekeeping", "cpu_range_overlap");
                    assertThat(refusal).hasMessageStartingWith("Cannot init host1: ");
                });
    }
}
