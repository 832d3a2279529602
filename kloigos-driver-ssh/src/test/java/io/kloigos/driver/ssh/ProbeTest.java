package io.kloigos.driver.ssh;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.HostFacts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The probe reads the sysfs of machines that are not there, in a shell of this one. */
class ProbeTest {
    @TempDir
    Path sysfs;

    @BeforeEach
    void aHostWithoutNodesAndCaches() throws IOException {
        write("cpu/online", "0-1");
        cpu(0, "0", 0, 0, 0);
        cpu(1, "1", 0, 0, 1);
    }

    private void write(String path, String text) throws IOException {
        Path file = sysfs.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text + "\n");
    }

    private void cpu(int cpu, String siblings, int packageId, int die, int core) throws IOException {
        String topology = "cpu/cpu" + cpu + "/topology/";
        write(topology + "thread_siblings_list", siblings);
        write(topology + "physical_package_id", Integer.toString(packageId));
        write(topology + "die_id", Integer.toString(die));
        write(topology + "core_id", Integer.toString(core));
    }

    private void cache(int cpu, int index, int level, String type, String size, String shared) throws IOException {
        String cache = "cpu/cpu" + cpu + "/cache/index" + index + "/";
        write(cache + "level", Integer.toString(level));
        write(cache + "type", type);
        write(cache + "size", size);
        write(cache + "shared_cpu_list", shared);
    }

    private HostFacts probe() throws IOException {
        try (InputStream resource = Objects.requireNonNull(SshSession.class.getResourceAsStream("probe.sh"))) {
            String program = new String(resource.readAllBytes(), StandardCharsets.UTF_8);
            return HostFacts.parse(LocalShell.run("sh -s", program.replace("/sys/devices/system", sysfs.toString())));
        }
    }

    @Test
    void aHostOfManyCpusTellsItsCoresCachesAndNodes() throws IOException {
        write("cpu/online", "0-255");
        for (int cpu = 0; cpu < 256; cpu++) {
            int core = cpu % 128;
            int cache = core / 8 * 8;
            cpu(cpu, core + "," + (core + 128), core / 64, core / 32 % 2, core % 32);
            cache(cpu, 0, 1, "Data", "32K", core + "," + (core + 128));
            cache(cpu, 1, 1, "Instruction", "32K", core + "," + (core + 128));
            cache(cpu, 2, 2, "Unified", "1024K", core + "," + (core + 128));
            cache(
                    cpu,
                    3,
                    3,
                    "Unified",
                    "32768K",
                    CpuSet.range(cache, cache + 7)
                            .union(CpuSet.range(cache + 128, cache + 135))
                            .toString());
        }
        write("node/node0/cpulist", "0-63,128-191");
        write("node/node0/meminfo", "Node 0 MemTotal:       1048576 kB\nNode 0 MemFree:        1 kB");
        write("node/node1/cpulist", "64-127,192-255");
        write("node/node1/meminfo", "Node 1 MemTotal:       2097152 kB\nNode 1 MemFree:        1 kB");

        HostFacts facts = probe();

        CpuTopology topology = facts.topology();
        assertThat(topology.cores()).hasSize(128).contains(new CpuTopology.Core(CpuSet.of(100, 228), 1, 1, 4));
        assertThat(topology.packages()).hasSize(2).containsEntry(1, CpuSet.parse("64-127,192-255"));
        assertThat(topology.dies(0)).containsExactly(CpuSet.parse("0-31,128-159"), CpuSet.parse("32-63,160-191"));
        assertThat(topology.caches())
                .hasSize(16)
                .contains(new CpuTopology.Cache(CpuSet.parse("8-15,136-143"), 3, ByteSize.parse("32M")));
        assertThat(facts.nodes().get(1))
                .isEqualTo(new HostFacts.Node(CpuSet.parse("64-127,192-255"), ByteSize.parse("2G")));
        assertThat(HostFacts.parse(facts.toString())).isEqualTo(facts);
    }

    @Test
    void whatTheKernelDoesNotTellIsLeftOut() throws IOException {
        HostFacts facts = probe();

        assertThat(facts.topology().siblings()).containsExactly(CpuSet.of(0), CpuSet.of(1));
        assertThat(facts.topology().caches()).isEmpty();
        assertThat(facts.nodes()).containsOnlyKeys(0);
        assertThat(facts.nodes().get(0)).isEqualTo(new HostFacts.Node(CpuSet.parse("0-1"), facts.memory()));
    }

    @Test
    void aPlatformThatDoesNotNumberPackagesAndSizesIsUnderstood() throws IOException {
        cpu(0, "0-1", -1, 0, 0);
        cpu(1, "0-1", -1, 0, 0);
        for (int cpu = 0; cpu < 2; cpu++) {
            write("cpu/cpu" + cpu + "/cache/index0/level", "2");
            write("cpu/cpu" + cpu + "/cache/index0/type", "Unified");
            write("cpu/cpu" + cpu + "/cache/index0/shared_cpu_list", "0-1");
        }

        CpuTopology topology = probe().topology();

        assertThat(topology.packages()).containsOnlyKeys(-1);
        assertThat(topology.caches()).containsExactly(new CpuTopology.Cache(CpuSet.parse("0-1"), 2, new ByteSize(0)));
    }
}
