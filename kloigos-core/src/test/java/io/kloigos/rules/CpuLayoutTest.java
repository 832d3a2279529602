package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleHost;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.Fault;
import io.kloigos.model.Faults;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Housekeeping;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.UnitDivision;
import java.util.ArrayList;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CpuLayoutTest {
    /**
     * A host.
     *
     * @param cores the hardware threads of each core
     * @param nodes over how many NUMA nodes they are spread
     * @param caches over how many last-level caches
     */
    record Host(String name, List<CpuSet> cores, int nodes, int caches) {
        static Host of(int cpus, int nodes, int threads, boolean adjacent, int caches) {
            int cores = cpus / threads;
            return new Host(
                    cpus + " CPUs, " + nodes + " nodes, " + threads + (adjacent ? " adjacent" : "") + " threads, "
                            + caches + " caches",
                    IntStream.range(0, cores)
                            .mapToObj(core -> CpuSet.of(IntStream.range(0, threads)
                                    .map(thread -> adjacent ? core * threads + thread : core + thread * cores)
                                    .toArray()))
                            .toList(),
                    nodes,
                    caches);
        }

        /** Returns this host without some CPUs, which leave gaps. */
        Host without(String offline) {
            return new Host(
                    name + " without " + offline,
                    cores.stream()
                            .map(core -> core.minus(CpuSet.parse(offline)))
                            .filter(core -> !core.isEmpty())
                            .toList(),
                    nodes,
                    caches);
        }

        private List<CpuSet> parts(int count) {
            return IntStream.range(0, count)
                    .mapToObj(part ->
                            cores.subList(part * cores.size() / count, (part + 1) * cores.size() / count).stream()
                                    .reduce(CpuSet.empty(), CpuSet::union))
                    .toList();
        }

        CpuSet online() {
            return cores.stream().reduce(CpuSet.empty(), CpuSet::union);
        }

        HostFacts facts() {
            List<CpuSet> nodeCpus = parts(nodes);
            return SampleHost.debian()
                    .with("online_cpus", online().toString())
                    .with(
                            "node",
                            IntStream.range(0, nodes)
                                    .mapToObj(node -> node + "\t" + nodeCpus.get(node) + "\t" + SampleHost.GIB_IN_KIB)
                                    .toArray(String[]::new))
                    .withCores(cores.stream().map(CpuSet::toString).toArray(String[]::new))
                    .with(
                            "cache",
                            parts(caches).stream()
                                    .map(cpus -> cpus + "\t3\t32768")
                                    .toArray(String[]::new))
                    .facts();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Host> hosts() {
        List<Host> hosts = new ArrayList<>();
        for (int cpus : new int[] {16, 48, 64, 128, 256}) {
            for (int nodes : new int[] {1, 2, 4}) {
                hosts.add(Host.of(cpus, nodes, 1, false, nodes));
                hosts.add(Host.of(cpus, nodes, 2, false, nodes));
                hosts.add(Host.of(cpus, nodes, 2, true, 2 * nodes));
            }
        }
        hosts.add(Host.of(128, 2, 2, false, 8));
        hosts.add(Host.of(64, 4, 2, false, 2));
        hosts.add(Host.of(16, 2, 1, false, 2).without("3,8-9"));
        hosts.add(Host.of(64, 2, 2, false, 2).without("0,17,40-43"));
        hosts.add(Host.of(64, 1, 2, true, 1).without("1,2-9"));
        return hosts.stream();
    }

    private static CpuLayout layout(HostFacts facts, UnitDivision division, @Nullable Housekeeping housekeeping) {
        Faults faults = new Faults();
        CpuLayout layout = CpuLayout.of(request(division, housekeeping), facts, faults);
        assertThat(faults.found()).isEmpty();
        return layout;
    }

    private static String refusal(Host host, UnitDivision division, @Nullable Housekeeping housekeeping) {
        Faults faults = new Faults();
        assertThat(CpuLayout.of(request(division, housekeeping), host.facts(), faults)
                        .units())
                .isEmpty();
        return faults.found().stream().map(Fault::toString).reduce("", String::concat);
    }

    private static InitServerRequest request(UnitDivision division, @Nullable Housekeeping housekeeping) {
        return new InitServerRequest(
                new HostAddress("host1", "10.0.0.1", null, null, null),
                "eu",
                "a",
                division,
                housekeeping,
                List.of(),
                LimitRequest.defaults());
    }

    private static List<String> units(Host host, UnitDivision division) {
        return layout(host.facts(), division, null).units().stream()
                .map(CpuSet::toString)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("hosts")
    void everyDivisionKeepsItsPromises(Host host) {
        HostFacts facts = host.facts();
        int largestNode = facts.nodes().values().stream()
                .mapToInt(node -> node.cpus().count())
                .max()
                .orElseThrow();
        int sixteenth = (host.online().count() + 15) / 16;
        for (int count : new int[] {1, 2, 3, 4, 5, 6}) {
            CpuLayout layout = layout(facts, new UnitDivision.Count(count), null);
            assertThat(layout.units()).hasSize(count);
            assertSound(facts, layout, sixteenth, count * 2 > host.nodes() || host.nodes() == 1);
        }
        for (int size : new int[] {2, 4, 6, 8, 16}) {
            if (size < largestNode - 2) {
                assertSound(facts, layout(facts, new UnitDivision.Size(size), null), sixteenth, true);
            }
        }
        assertSound(facts, layout(facts, new UnitDivision.Size(2), new Housekeeping.Count(8)), 8, true);
    }

    private static void assertSound(HostFacts facts, CpuLayout layout, int kept, boolean onOneNode) {
        CpuSet all = layout.units().stream().reduce(layout.housekeeping(), CpuSet::union);
        assertThat(all).as("every CPU is somebody's").isEqualTo(facts.onlineCpus());
        assertThat(layout.units().stream().mapToInt(CpuSet::count).sum()
                        + layout.housekeeping().count())
                .as("no CPU is given twice")
                .isEqualTo(all.count());
        assertThat(layout.units().stream().map(CpuSet::count).distinct())
                .as("units of one size")
                .hasSize(1);
        assertThat(layout.housekeeping().count()).as("housekeeping CPUs").isGreaterThanOrEqualTo(kept);
        assertThat(layout.housekeeping().containsAll(lowest(facts))).isTrue();
        assertThat(layout.units()).isSorted();
        assertThat(layout.units()).allSatisfy(unit -> {
            assertThat(facts.topology().siblings())
                    .as("whole cores")
                    .allSatisfy(core -> assertThat(!core.intersects(unit) || unit.containsAll(core))
                            .isTrue());
            if (onOneNode) {
                assertThat(facts.nodesOf(unit).count()).as("nodes of %s", unit).isEqualTo(1);
            }
        });
        if (onOneNode) {
            assertBalanced(facts, layout, kept);
        }
    }

    private static CpuSet lowest(HostFacts facts) {
        return facts.topology().siblings().get(0);
    }

    /** No unit could be moved to another node so that as many CPUs are left on each. */
    private static void assertBalanced(HostFacts facts, CpuLayout layout, int kept) {
        IntSummaryStatistics left = facts.nodes().values().stream()
                .mapToInt(node -> node.cpus().intersect(layout.housekeeping()).count())
                .summaryStatistics();
        assertThat(left.getMax() - left.getMin())
                .as("difference of what is left on nodes")
                .isLessThanOrEqualTo(layout.units().get(0).count() + kept);
    }

    @ParameterizedTest
    @MethodSource("hosts")
    void unitsThatFitACacheShareNone(Host host) {
        HostFacts facts = host.facts();
        int perCache = facts.topology().caches().stream()
                .mapToInt(cache -> cache.cpus().count())
                .min()
                .orElseThrow();
        if (perCache >= 8
                && host.cores().stream()
                        .allMatch(core -> core.count() == host.cores().get(0).count())) {
            CpuLayout layout = layout(facts, new UnitDivision.Size(4), new Housekeeping.Count(4));
            for (CpuTopology.Cache cache : facts.topology().caches()) {
                assertThat(layout.units())
                        .filteredOn(unit -> cache.cpus().intersects(unit))
                        .allMatch(unit -> cache.cpus().containsAll(unit));
            }
        }
    }

    @Test
    void aHostOf16CpusOnTwoNodesIsDividedAsOneWouldByHand() {
        Host host = Host.of(16, 2, 1, false, 2);

        assertThat(units(host, new UnitDivision.Size(4))).containsExactly("4-7", "8-11", "12-15");
        assertThat(units(host, new UnitDivision.Count(2))).containsExactly("1-7", "9-15");
        assertThat(units(host, new UnitDivision.Count(4))).containsExactly("2-4", "5-7", "10-12", "13-15");
        assertThat(units(host, new UnitDivision.Count(1))).containsExactly("1-15");
        assertThat(units(host, new UnitDivision.Size(10))).containsExactly("6-15");
    }

    @Test
    void aLargeHostGivesUpOneUnitForTheSystem() {
        Host host = Host.of(256, 4, 2, false, 16);

        CpuLayout layout = layout(host.facts(), new UnitDivision.Size(16), null);

        assertThat(layout.units()).hasSize(15);
        assertThat(layout.housekeeping()).hasToString("0-7,128-135");
    }

    @Test
    void housekeepingCpusThatAreNamedAreNoUnitsAndTheirCoresNeither() {
        HostFacts facts = Host.of(16, 2, 2, false, 2).facts();

        CpuLayout layout = layout(facts, new UnitDivision.Size(4), new Housekeeping.Cpus(CpuSet.parse("3-4,11")));

        assertThat(layout.units()).extracting(CpuSet::toString).containsExactly("1-2,9-10", "6-7,14-15");
        assertThat(layout.housekeeping()).hasToString("3-4,11");
    }

    @Test
    void whatDoesNotFitIsRefusedWithWhatWould() {
        Host smt = Host.of(16, 2, 2, false, 2);

        assertThat(refusal(smt, new UnitDivision.Size(3), null))
                .isEqualTo("cpus_per_unit: no unit of 3 CPUs fits: units are made of whole cores, and the system keeps"
                        + " CPU 0,8; 2 or 4 would fit");
        assertThat(refusal(smt, new UnitDivision.Size(16), null)).endsWith("; 14 would fit");
        assertThat(refusal(smt, new UnitDivision.Count(8), null))
                .isEqualTo("units: 8 units do not fit: each needs a core of its own, and the system keeps CPU 0,8;"
                        + " 7 would fit");
        assertThat(refusal(smt, new UnitDivision.Count(1), new Housekeeping.Count(16)))
                .endsWith("the system keeps CPU 0,8 and 14 more; nothing is left");
        assertThat(refusal(Host.of(512, 2, 1, false, 2), new UnitDivision.Size(1), null))
                .startsWith("cpus_per_unit: 480 units of 1 CPUs would fit");
    }
}
