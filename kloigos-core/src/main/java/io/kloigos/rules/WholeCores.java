package io.kloigos.rules;

import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Housekeeping;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The cores of a host of which units can be made: those that the system does not keep.
 *
 * @param byNode for each NUMA node with such cores, in the order of their numbers, the cores by last-level cache
 * @param reserved the CPUs that the system keeps
 * @param more how many further CPUs the system keeps at least, whichever they are
 */
record WholeCores(List<List<List<CpuSet>>> byNode, CpuSet reserved, int more) {
    /** The system keeps one CPU of so many, if nobody says how many. */
    private static final int HOUSEKEEPING_SHARE = 16;

    static WholeCores of(HostFacts facts, @Nullable Housekeeping housekeeping) {
        List<CpuSet> cores = cores(facts);
        if (housekeeping instanceof Housekeeping.Cpus named) {
            return new WholeCores(byNode(facts, cores, named.cpus()), named.cpus(), 0);
        }
        // The kernel boots on the lowest CPU and leaves more of its own work there than elsewhere.
        CpuSet lowest = cores.stream().findFirst().orElse(CpuSet.empty());
        int least = housekeeping instanceof Housekeeping.Count count
                ? count.cpus()
                : (facts.onlineCpus().count() + HOUSEKEEPING_SHARE - 1) / HOUSEKEEPING_SHARE;
        return new WholeCores(byNode(facts, cores, lowest), lowest, Math.max(0, least - lowest.count()));
    }

    /** Returns the hardware threads of each core; a CPU of which the kernel does not tell the core is one. */
    private static List<CpuSet> cores(HostFacts facts) {
        List<CpuSet> told = facts.topology().siblings().stream()
                .map(core -> core.intersect(facts.onlineCpus()))
                .filter(core -> !core.isEmpty())
                .toList();
        CpuSet others = facts.onlineCpus().minus(told.stream().reduce(CpuSet.empty(), CpuSet::union));
        return Stream.concat(told.stream(), others.stream().mapToObj(CpuSet::of))
                .sorted()
                .toList();
    }

    private static List<List<List<CpuSet>>> byNode(HostFacts facts, List<CpuSet> cores, CpuSet reserved) {
        return facts.nodes().values().stream()
                .map(node -> cores.stream()
                        .filter(core -> node.cpus().containsAll(core) && !core.intersects(reserved))
                        .toList())
                .filter(free -> !free.isEmpty())
                .map(free -> byCache(facts.topology(), free))
                .toList();
    }

    private static List<List<CpuSet>> byCache(CpuTopology topology, List<CpuSet> cores) {
        Map<CpuSet, List<CpuSet>> byCache = new LinkedHashMap<>();
        for (CpuSet core : cores) {
            CpuSet shared = topology.caches().stream()
                    .map(CpuTopology.Cache::cpus)
                    .filter(cache -> cache.intersects(core))
                    .findFirst()
                    .orElse(CpuSet.empty());
            byCache.computeIfAbsent(shared, cache -> new ArrayList<>()).add(core);
        }
        return List.copyOf(byCache.values());
    }

    /** Returns how many CPUs units can have together. */
    int cpus() {
        return Math.max(0, cpusOf(byNode.stream().flatMap(List::stream)) - more);
    }

    /** Says what the system keeps. */
    String kept() {
        return "CPU " + reserved + (more == 0 ? "" : " and " + more + " more");
    }

    /** Returns on how many NUMA nodes they are. */
    int nodes() {
        return byNode.size();
    }

    /** Returns the hardware threads of the largest core. */
    int threadsPerCore() {
        return byNode.stream()
                .flatMap(List::stream)
                .flatMap(List::stream)
                .mapToInt(CpuSet::count)
                .max()
                .orElse(0);
    }

    private static int cpusOf(Stream<List<CpuSet>> cores) {
        return cores.flatMap(List::stream).mapToInt(CpuSet::count).sum();
    }

    /**
     * Returns units of whole cores, in the order of their CPUs, spread evenly over the NUMA nodes. The cores
     * of a unit share a last-level cache where its size allows.
     *
     * @param size CPUs of each
     * @param most how many at most; fewer if no more fit
     * @param nodesPerUnit on how many NUMA nodes a unit may be: 1, or neighbours by their numbers
     */
    List<CpuSet> divide(int size, int most, int nodesPerUnit) {
        List<Pool> pools = IntStream.iterate(0, node -> node < nodes(), node -> node + nodesPerUnit)
                .mapToObj(node -> new Pool(byNode.subList(node, Math.min(node + nodesPerUnit, nodes()))))
                .toList();
        List<CpuSet> units = new ArrayList<>();
        int left = cpus();
        while (units.size() < most && left >= size) {
            Optional<CpuSet> unit = takeFromFullest(pools, size);
            if (unit.isEmpty()) {
                break;
            }
            units.add(unit.get());
            left -= size;
        }
        return units.stream().sorted().toList();
    }

    private static Optional<CpuSet> takeFromFullest(List<Pool> pools, int size) {
        return pools.stream()
                .sorted(Comparator.comparingInt(Pool::free).reversed())
                .map(pool -> pool.take(size))
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** The cores of one NUMA node, or of a few, that no unit has yet; the highest first. */
    private static final class Pool {
        private final List<List<CpuSet>> caches = new ArrayList<>();

        Pool(List<List<List<CpuSet>>> nodes) {
            nodes.forEach(node -> node.forEach(cores -> caches.add(highestFirst(cores))));
            Collections.reverse(caches);
        }

        /** The system, which has the lowest core, gets what remains beside it. */
        private static List<CpuSet> highestFirst(List<CpuSet> cores) {
            List<CpuSet> reversed = new ArrayList<>(cores);
            Collections.reverse(reversed);
            return reversed;
        }

        int free() {
            return cpusOf(caches.stream());
        }

        /** Takes the cores of a unit away, of one cache if there is one with enough, else of those with most. */
        Optional<CpuSet> take(int size) {
            List<CpuSet> fullestFirst = caches.stream()
                    .sorted(Comparator.<List<CpuSet>>comparingInt(cores -> cpusOf(Stream.of(cores)))
                            .reversed())
                    .flatMap(List::stream)
                    .toList();
            Optional<List<CpuSet>> chosen = Stream.concat(caches.stream(), Stream.of(fullestFirst))
                    .map(cores -> choose(cores, size))
                    .flatMap(Optional::stream)
                    .findFirst();
            chosen.ifPresent(cores -> caches.forEach(cache -> cache.removeAll(cores)));
            return chosen.map(cores -> cores.stream().reduce(CpuSet.empty(), CpuSet::union));
        }

        /** Returns cores with exactly so many CPUs, those with most threads first. */
        private static Optional<List<CpuSet>> choose(List<CpuSet> cores, int size) {
            List<CpuSet> chosen = new ArrayList<>();
            int left = size;
            for (CpuSet core : cores.stream()
                    .sorted(Comparator.comparingInt(CpuSet::count).reversed())
                    .toList()) {
                if (core.count() <= left) {
                    chosen.add(core);
                    left -= core.count();
                }
            }
            return left == 0 ? Optional.of(chosen) : Optional.empty();
        }
    }
}
