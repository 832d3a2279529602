package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostFacts;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * How the CPUs and the memory of a fake host are arranged. Cores and nodes are worked out when they are asked for: a host
 * may have hundreds of CPUs, and a test thousands of hosts.
 *
 * @param online the CPUs, which may have gaps in their numbers
 * @param nodes over how many NUMA nodes cores and memory are spread evenly
 * @param threadsPerCore the hardware threads of each core
 * @param memory all memory
 */
record Topology(CpuSet online, int nodes, int threadsPerCore, ByteSize memory) {
    Topology {
        int cores = threadsPerCore < 1 ? 0 : online.count() / threadsPerCore;
        if (cores == 0 || cores * threadsPerCore != online.count() || nodes < 1 || cores % nodes != 0) {
            throw new IllegalStateException(online.count() + " CPUs cannot be spread over " + nodes + " nodes with "
                    + threadsPerCore + " threads a core");
        }
    }

    /** Returns the hardware threads of each core, numbered as Linux does: first one thread of each core, then the next. */
    List<CpuSet> cores() {
        int[] cpus = online.stream().toArray();
        int cores = cpus.length / threadsPerCore;
        return IntStream.range(0, cores)
                .mapToObj(core -> CpuSet.of(IntStream.range(0, threadsPerCore)
                        .map(thread -> cpus[core + thread * cores])
                        .toArray()))
                .toList();
    }

    /** Returns the NUMA nodes by number. */
    Map<Integer, HostFacts.Node> numaNodes() {
        int[] cpus = online.stream().toArray();
        int cores = cpus.length / threadsPerCore;
        int each = cores / nodes;
        Map<Integer, HostFacts.Node> byNumber = new TreeMap<>();
        for (int node = 0; node < nodes; node++) {
            int first = node * each;
            int[] here = IntStream.range(0, threadsPerCore)
                    .flatMap(thread -> IntStream.range(first, first + each).map(core -> cpus[core + thread * cores]))
                    .toArray();
            byNumber.put(node, new HostFacts.Node(CpuSet.of(here), memory.times(1, nodes)));
        }
        return byNumber;
    }

    /** Returns the numbers of the NUMA nodes. */
    CpuSet nodeNumbers() {
        return CpuSet.range(0, nodes - 1);
    }
}
