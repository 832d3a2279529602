package io.kloigos.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How the online CPUs of a host are arranged, as its kernel tells it.
 *
 * <p>{@link #parse} reads, and {@link #toString()} prints, a line {@code core=CPUS PACKAGE DIE ID} a core and a line {@code
 * cache=CPUS LEVEL KIB} a cache, with tabs between the fields.
 *
 * @param cores the cores, by their CPUs
 * @param caches the last-level caches, by the CPUs that share them; none where the kernel does not tell
 * @see <a href="https://docs.kernel.org/admin-guide/cputopology.html">How CPU topology info is exported via sysfs</a>
 * @see <a href="https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-devices-system-cpu">cache/index</a>
 */
public record CpuTopology(List<Core> cores, List<Cache> caches) {
    private static final String CORE = "core=";
    private static final String CACHE = "cache=";

    /**
     * A core.
     *
     * @param cpus its hardware threads ({@code thread_siblings_list})
     * @param packageId the number of its package, which is what sits in a socket; -1 where the platform does not tell
     * @param dieId the number of its die in the package
     * @param coreId its number in the die, which may have gaps
     */
    public record Core(CpuSet cpus, int packageId, int dieId, int coreId) implements Comparable<Core> {
        public Core {
            requireCpus(cpus);
        }

        @Override
        public int compareTo(Core other) {
            return cpus.compareTo(other.cpus);
        }

        @Override
        public String toString() {
            return cpus + "\t" + packageId + "\t" + dieId + "\t" + coreId;
        }

        private static Core parse(String text) {
            String[] fields = fields(text, 4);
            return new Core(
                    CpuSet.parse(fields[0]),
                    Integer.parseInt(fields[1]),
                    Integer.parseInt(fields[2]),
                    Integer.parseInt(fields[3]));
        }
    }

    /**
     * A last-level cache: the unified cache that stands between its CPUs and the memory.
     *
     * @param cpus the CPUs that share it
     * @param level its level, e.g. 3
     * @param size its size; 0 where the kernel does not tell
     */
    public record Cache(CpuSet cpus, int level, ByteSize size) implements Comparable<Cache> {
        public Cache {
            requireCpus(cpus);
            Objects.requireNonNull(size);
        }

        @Override
        public int compareTo(Cache other) {
            return cpus.compareTo(other.cpus);
        }

        @Override
        public String toString() {
            return cpus + "\t" + level + "\t" + size.kibibytes();
        }

        private static Cache parse(String text) {
            String[] fields = fields(text, 3);
            return new Cache(
                    CpuSet.parse(fields[0]),
                    Integer.parseInt(fields[1]),
                    ByteSize.ofKibibytes(Long.parseLong(fields[2])));
        }
    }

    public CpuTopology {
        cores = cores.stream().sorted().distinct().toList();
        caches = caches.stream().sorted().distinct().toList();
    }

    private static void requireCpus(CpuSet cpus) {
        if (cpus.isEmpty()) {
            throw new IllegalArgumentException("a core or cache without CPUs");
        }
    }

    private static String[] fields(String text, int count) {
        String[] fields = text.split("\t", -1);
        if (fields.length != count) {
            throw new IllegalArgumentException("\"" + text + "\" has " + fields.length + " fields, not " + count);
        }
        return fields;
    }

    /** Returns the hardware threads of each core. */
    public List<CpuSet> siblings() {
        return cores.stream().map(Core::cpus).toList();
    }

    /** Returns the CPUs of each package. */
    public Map<Integer, CpuSet> packages() {
        return cores.stream().collect(Collectors.toMap(Core::packageId, Core::cpus, CpuSet::union, TreeMap::new));
    }

    /** Returns the CPUs of each die of a package. */
    public List<CpuSet> dies(int packageId) {
        return List.copyOf(cores.stream()
                .filter(core -> core.packageId() == packageId)
                .collect(Collectors.toMap(Core::dieId, Core::cpus, CpuSet::union, TreeMap::new))
                .values());
    }

    /**
     * Returns the topology that {@code text} tells; lines of another kind are left out.
     *
     * @throws IllegalArgumentException if a line of a core or a cache is not understood
     * @throws KloigosException INVALID_REQUEST if one has CPUs that are not in Linux list format
     */
    public static CpuTopology parse(String text) {
        List<Core> cores = new ArrayList<>();
        List<Cache> caches = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            if (line.startsWith(CORE)) {
                cores.add(Core.parse(line.substring(CORE.length())));
            } else if (line.startsWith(CACHE)) {
                caches.add(Cache.parse(line.substring(CACHE.length())));
            }
        }
        return new CpuTopology(cores, caches);
    }

    /** Returns the lines that {@link #parse} reads, each with its end. */
    @Override
    public String toString() {
        return Stream.concat(
                        cores.stream().map(core -> CORE + core), caches.stream().map(cache -> CACHE + cache))
                .map(line -> line + "\n")
                .collect(Collectors.joining());
    }
}
