package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostFacts;
import io.kloigos.testkit.Topology.ThreadNumbering;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Says what a fake host has. */
public final class FakeHostBuilder {
    final String hostname;
    final String ip;
    final Set<Capability> capabilities = EnumSet.allOf(Capability.class);
    Set<String> cgroupControllers = Set.of("cpuset", "cpu", "io", "memory", "pids");
    final Map<String, HostFacts.Mount> mounts = new TreeMap<>();
    final List<HostFacts.Disk> disks = new ArrayList<>();
    final Map<String, ByteSize> volumeGroups = new TreeMap<>();
    final Set<Integer> listening = new TreeSet<>(Set.of(22));
    final Map<String, Integer> accounts = new TreeMap<>();
    final List<String> sshAllows = new ArrayList<>();
    final Map<String, String> texts = new TreeMap<>();
    final Set<String> mailers = new TreeSet<>();
    ByteSize memory = ByteSize.parse("64G");
    ByteSize swap = new ByteSize(0);
    String reservedPorts = "";
    int systemdVersion = 257;
    Duration latency = Duration.ZERO;
    int plansKept = 5000;
    private CpuSet online = CpuSet.range(0, 15);
    private int nodes = 1;
    private int packages;
    private int caches;
    private int threadsPerCore = 1;
    private ThreadNumbering numbering = ThreadNumbering.CORES_FIRST;

    FakeHostBuilder(String hostname, String ip) {
        this.hostname = hostname;
        this.ip = ip;
        disk("/dev/sda", ByteSize.parse("200G"), "parts");
        fileSystem("/", "/dev/sda1", "ext4", ByteSize.parse("200G"), "rw", "relatime", "usrquota", "prjquota");
        fileSystem("/dev/shm", "tmpfs", "tmpfs", ByteSize.parse("32G"), "rw", "nosuid", "nodev");
    }

    /** The host has CPUs 0 to {@code count - 1}. */
    public FakeHostBuilder cpus(int count) {
        return cpus(CpuSet.range(0, count - 1));
    }

    /** The host has these CPUs, which may have gaps in their numbers. */
    public FakeHostBuilder cpus(CpuSet online) {
        this.online = online;
        return this;
    }

    /** The CPUs and the memory are spread evenly over so many NUMA nodes. */
    public FakeHostBuilder nodes(int nodes) {
        this.nodes = nodes;
        return this;
    }

    /** The cores are spread evenly over so many packages, which is what sits in sockets; one a NUMA node unless said. */
    public FakeHostBuilder packages(int packages) {
        this.packages = packages;
        return this;
    }

    /** The cores are spread evenly over so many last-level caches; one a NUMA node unless said. */
    public FakeHostBuilder caches(int caches) {
        this.caches = caches;
        return this;
    }

    /** The hardware threads of a core have adjacent numbers, as with CPUs 0 and 1. */
    public FakeHostBuilder adjacentThreads() {
        this.numbering = ThreadNumbering.THREADS_FIRST;
        return this;
    }

    /** Each core has so many hardware threads; with 2 on 16 CPUs, CPUs 0 and 8 are one core, as Linux mostly numbers them. */
    public FakeHostBuilder threadsPerCore(int threads) {
        this.threadsPerCore = threads;
        return this;
    }

    /** The host has so much memory. */
    public FakeHostBuilder memory(ByteSize memory) {
        this.memory = memory;
        return this;
    }

    /** The host has so much swap; none unless said. */
    public FakeHostBuilder swap(ByteSize swap) {
        this.swap = swap;
        return this;
    }

    /** The host has a blank disk. */
    public FakeHostBuilder disk(String path, ByteSize size) {
        return disk(path, size, "");
    }

    /** The host has a disk that holds something, e.g. {@code ext4}, or {@code parts} for partitions. */
    public FakeHostBuilder disk(String path, ByteSize size, String signature) {
        disks.removeIf(disk -> disk.path().equals(path));
        disks.add(new HostFacts.Disk(path, "disk", "8:" + 16 * disks.size(), size, signature, "", true));
        return this;
    }

    /** The host has a blank disk that takes no discards. */
    public FakeHostBuilder diskWithoutDiscard(String path, ByteSize size) {
        disks.removeIf(disk -> disk.path().equals(path));
        disks.add(new HostFacts.Disk(path, "disk", "8:" + 16 * disks.size(), size, "", "", false));
        return this;
    }

    /** The host has an LVM volume group with so much room, in extents of 4 MiB, and no volume yet. */
    public FakeHostBuilder volumeGroup(String name, ByteSize size) {
        volumeGroups.put(name, size);
        return this;
    }

    /** A file system is mounted there, instead of any that was; quotas are among its mount options. */
    public FakeHostBuilder fileSystem(String mountPoint, String source, String type, ByteSize size, String... options) {
        mounts.put(mountPoint, new HostFacts.Mount(mountPoint, source, type, Set.of(options), size, size.times(9, 10)));
        return this;
    }

    /** The system's file system has no quotas. */
    public FakeHostBuilder withoutQuotas() {
        return fileSystem("/", "/dev/sda1", "ext4", ByteSize.parse("200G"), "rw", "relatime");
    }

    /** The host lacks these. */
    public FakeHostBuilder without(Capability... lacking) {
        List.of(lacking).forEach(capabilities::remove);
        return this;
    }

    /** The root cgroup has these controllers only. */
    public FakeHostBuilder cgroupControllers(String... controllers) {
        cgroupControllers = Set.of(controllers);
        return this;
    }

    /** The host runs this version of systemd; one before 257 passes for Debian 12. */
    public FakeHostBuilder systemd(int version) {
        systemdVersion = version;
        return this;
    }

    /** Something on the host listens on these ports, beside 22. */
    public FakeHostBuilder listening(Integer... ports) {
        listening.addAll(List.of(ports));
        return this;
    }

    /** The host keeps these ports from ephemeral use already, e.g. {@code 8080,9000-9100}. */
    public FakeHostBuilder reservedPorts(String ports) {
        reservedPorts = ports;
        return this;
    }

    /** The host has this user, with a home directory. */
    public FakeHostBuilder account(String name, int uid) {
        accounts.put(name, uid);
        return this;
    }

    /** The host has this file, with the directories above it. */
    public FakeHostBuilder file(String path, String content) {
        texts.put(path, content);
        return this;
    }

    /** The host runs this mail transfer agent, e.g. {@code exim4.service}. */
    public FakeHostBuilder mailer(String service) {
        mailers.add(service);
        return this;
    }

    /** sshd lets in or keeps out some users only, e.g. {@code AllowGroups wheel}. */
    public FakeHostBuilder sshAllows(String line) {
        sshAllows.add(line);
        return this;
    }

    /** Every plan takes this long. */
    public FakeHostBuilder latency(Duration perPlan) {
        latency = perPlan;
        return this;
    }

    /** The host remembers the outcome of so many plans, the last ones; 5000 unless said. */
    public FakeHostBuilder plansKept(int plans) {
        plansKept = plans;
        return this;
    }

    /**
     * Returns the host.
     *
     * @throws IllegalStateException if the CPUs cannot be spread evenly over packages, nodes, caches and cores
     */
    public FakeHost build() {
        return new FakeHost(this);
    }

    Topology topology() {
        return new Topology(
                online,
                packages == 0 ? nodes : packages,
                nodes,
                caches == 0 ? nodes : caches,
                threadsPerCore,
                numbering,
                memory);
    }
}
