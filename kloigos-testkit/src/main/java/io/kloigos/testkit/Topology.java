package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.HostFacts;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * How the CPUs and the memory of a fake host are arranged. Cores, caches and nodes are worked out when they are asked for: a
 * host may have hundreds of CPUs, and a test thousands of hosts.
 *
 * @param online the CPUs, which may have gaps in their numbers
 * @param packages over how many packages (sockets) cores are spread evenly
 * @param nodes over how many NUMA nodes cores and memory are spread evenly
 * @param caches over how many last-level caches cores are spread evenly
 * @param threadsPerCore the hardware threads of each core
 * @param numbering how hardware threads are numbered
 * @param memory all memory
 */
record Topology(
        CpuSet online,
        int packages,
        int nodes,
        int caches,
        int threadsPerCore,
        ThreadNumbering numbering,
        ByteSize memory) {
    private static final int CACHE_LEVEL = 3;
    private static final ByteSize CACHE_SIZE = ByteSize.parse("32M");

    /** How the hardware threads of cores are numbered. */
    enum ThreadNumbering {
        /** First one thread of each core, then the next, as Linux does on most machines. */
        CORES_FIRST,
        /** All threads of a core, then the next core. */
        THREADS_FIRST
    }

    Topology {
        int cores = threadsPerCore < 1 ? 0 : online.count() / threadsPerCore;
        if (cores == 0 || cores * threadsPerCore != online.count() || nodes < 1 || cores % nodes != 0) {
            throw new IllegalStateException(online.count() + " CPUs cannot be spread over " + nodes + " nodes with "
                    + threadsPerCore + " threads a core");
        }
        if (packages < 1 || cores % packages != 0 || caches < 1 || cores % caches != 0) {
            throw new IllegalStateException(
                    cores + " cores cannot be spread over " + packages + " packages and " + caches + " caches");
        }
    }

    private int coreCount() {
        return online.count() / threadsPerCore;
    }

    /** Returns the hardware threads of each core. */
    private List<CpuSet> cores() {
        int[] cpus = online.stream().toArray();
        return IntStream.range(0, coreCount())
                .mapToObj(core -> core(cpus, core))
                .toList();
    }

    private CpuSet core(int[] cpus, int core) {
        int[] threads = new int[threadsPerCore];
        for (int thread = 0; thread < threadsPerCore; thread++) {
            threads[thread] = cpus[place(core, thread, cpus.length)];
        }
        return CpuSet.of(threads);
    }

    /** Returns the hardware threads of the core that has this CPU. */
    CpuSet coreOf(int cpu) {
        int[] cpus = online.stream().toArray();
        int place = Arrays.binarySearch(cpus, cpu);
        if (place < 0) {
            throw new IllegalArgumentException("CPU " + cpu + " is not one of " + online);
        }
        return core(
                cpus,
                switch (numbering) {
                    case CORES_FIRST -> place % (cpus.length / threadsPerCore);
                    case THREADS_FIRST -> place / threadsPerCore;
                });
    }

    private int place(int core, int thread, int cpus) {
        return switch (numbering) {
            case CORES_FIRST -> core + thread * (cpus / threadsPerCore);
            case THREADS_FIRST -> core * threadsPerCore + thread;
        };
    }

    /** Returns what the kernel tells of cores and caches. */
    CpuTopology cpuTopology() {
        List<CpuSet> cores = cores();
        int perPackage = coreCount() / packages;
        return new CpuTopology(
                IntStream.range(0, coreCount())
                        .mapToObj(
                                core -> new CpuTopology.Core(cores.get(core), core / perPackage, 0, core % perPackage))
                        .toList(),
                parts(cores, caches).stream()
                        .map(cpus -> new CpuTopology.Cache(cpus, CACHE_LEVEL, CACHE_SIZE))
                        .toList());
    }

    /** Returns the CPUs of cores that are spread evenly over {@code count} parts. */
    private static List<CpuSet> parts(List<CpuSet> cores, int count) {
        int each = cores.size() / count;
        return IntStream.range(0, count)
                .mapToObj(part ->
                        cores.subList(part * each, (part + 1) * each).stream().reduce(CpuSet.empty(), CpuSet::union))
                .toList();
    }

    /** Returns the NUMA nodes by number. */
    Map<Integer, HostFacts.Node> numaNodes() {
        Map<Integer, HostFacts.Node> byNumber = new TreeMap<>();
        List<CpuSet> cpus = parts(cores(), nodes);
        for (int node = 0; node < nodes; node++) {
            byNumber.put(node, new HostFacts.Node(cpus.get(node), memory.times(1, nodes)));
        }
        return byNumber;
    }

    /** Returns the numbers of the NUMA nodes. */
    CpuSet nodeNumbers() {
        return CpuSet.range(0, nodes - 1);
    }
}
