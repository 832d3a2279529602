package io.kloigos.rules;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DataVolume;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.Faults;
import io.kloigos.model.HostFacts;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.LogicalVolume;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.PortRange;
import io.kloigos.model.Tenancy;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.UnitVolumes;
import io.kloigos.model.Warning;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * How a server is cut into units: every number that its units will have.
 *
 * @param housekeepingCpus the CPUs on which the system and root's logins run; empty if units have every CPU
 * @param memoryReserve the memory that no unit may have
 * @param volumes the data disks
 * @param units the units, in the order of the request, with status initializing
 * @param warnings what is accepted and not as good as it could be
 */
public record ServerLayout(
        CpuSet housekeepingCpus,
        ByteSize memoryReserve,
        List<DataVolume> volumes,
        List<ComputeUnit> units,
        List<Warning> warnings) {
    /** The paths whose file systems hold what a unit stores outside its data disk. */
    private static final List<String> STORED_ON = List.of("/home", "/opt", "/tmp", "/var/tmp", "/var/spool");

    private static final ByteSize MEBIBYTE = ByteSize.ofMebibytes(1);
    private static final ByteSize LEAST_RESERVE = ByteSize.ofMebibytes(512);
    private static final ByteSize MOST_RESERVE = ByteSize.ofMebibytes(16 * 1024);
    private static final int TASKS_PER_CPU = 1024;
    private static final int MOST_DEFAULT_TASKS = 65536;
    private static final long BYTES_PER_INODE = 16384;
    private static final long LEAST_DEFAULT_INODES = 10_000;

    public ServerLayout {
        volumes = List.copyOf(volumes);
        units = List.copyOf(units);
        warnings = List.copyOf(warnings);
    }

    /** Returns what keeps each unit to its ports. */
    public PortEnforcement portEnforcement() {
        return units.get(0).limits().portEnforcement();
    }

    /**
     * Returns the layout of a host that says {@code facts} of itself.
     *
     * @throws io.kloigos.model.KloigosException HOST_UNSUITABLE with everything that speaks against it
     */
    public static ServerLayout of(InitServerRequest request, HostFacts facts, Bases bases) {
        Faults faults = new Faults();
        CpuLayout cpus = CpuLayout.of(request, facts, faults);
        faults.addAll(HostRequirements.check(request, cpus, facts));
        List<DataVolume> volumes = new ArrayList<>();
        List<ComputeUnit> units = new ArrayList<>();
        // What the host lacks may make the arithmetic below meaningless, so it is only done on a suitable host.
        if (faults.found().isEmpty()) {
            volumes.addAll(volumes(request, cpus, facts));
            Numbers numbers = new Numbers(request, facts, bases);
            for (int i = 0; i < cpus.units().size(); i++) {
                units.add(unit(request, facts, volumes, cpus, numbers, i));
            }
            faults.addAll(numbers.faults.found());
            faults.addAll(memoryFaults(request, facts, units));
            faults.addAll(diskFaults(request, units));
        }
        faults.throwIfAny(ErrorCode.HOST_UNSUITABLE, "Cannot init " + request.address() + "; nothing was changed");
        return new ServerLayout(
                cpus.housekeeping(),
                reserve(request, facts),
                volumes,
                units,
                HostRequirements.warnings(request, facts, cpus, units));
    }

    private static ComputeUnit unit(
            InitServerRequest request,
            HostFacts facts,
            List<DataVolume> volumes,
            CpuLayout layout,
            Numbers numbers,
            int index) {
        CpuSet cpus = layout.units().get(index);
        String dataDirectory =
                volumes.isEmpty() ? null : volume(volumes, index).mountPoint() + "/" + ComputeUnit.directoryOf(cpus);
        return new ComputeUnit(
                ComputeId.of(request.address().hostname(), cpus),
                request.address().hostname(),
                request.address().ip(),
                request.region(),
                request.zone(),
                cpus,
                numbers.nextUid(),
                numbers.nextPorts(),
                limits(request, facts, volumes, layout, index),
                dataDirectory,
                UnitStatus.INITIALIZING,
                "",
                Tenancy.none(),
                null);
    }

    private static DataVolume volume(List<DataVolume> volumes, int unitIndex) {
        return volumes.get(volumes.size() == 1 ? 0 : unitIndex);
    }

    private static List<DataVolume> volumes(InitServerRequest request, CpuLayout cpus, HostFacts facts) {
        String hostname = request.address().hostname();
        List<DataVolume> volumes = new ArrayList<>();
        for (DataDisk disk : request.dataDisks()) {
            int i = volumes.size();
            volumes.add(new DataVolume(disk, label(hostname, i), mountPoint(i), null));
        }
        UnitVolumes wanted = request.unitVolumes();
        if (wanted != null) {
            for (LogicalVolume volume : VolumeLayout.of(wanted, cpus, facts)) {
                int i = volumes.size();
                DataDisk disk = new DataDisk(volume.device(), wanted.fileSystem());
                volumes.add(new DataVolume(disk, label(hostname, i), mountPoint(i), volume));
            }
        }
        return volumes;
    }

    private static String mountPoint(int volume) {
        return "/var/lib/kloigos/data" + volume;
    }

    /** Returns the label of a host's data disk: at most 12 characters, which is what XFS can hold. */
    static String label(String hostname, int index) {
        CRC32 checksum = new CRC32();
        checksum.update(hostname.getBytes(StandardCharsets.US_ASCII));
        return String.format("kl%08x", checksum.getValue()) + Integer.toString(index, Character.MAX_RADIX);
    }

    private static UnitLimits limits(
            InitServerRequest request, HostFacts facts, List<DataVolume> volumes, CpuLayout layout, int index) {
        LimitRequest asked = request.limits();
        CpuSet cpus = layout.units().get(index);
        ByteSize memoryMax = asked.memoryMax() != null
                ? asked.memoryMax().roundedDown(MEBIBYTE)
                : memoryShare(facts, reserve(request, facts), cpus, layout.taken())
                        .roundedDown(MEBIBYTE);
        ByteSize memoryHigh = asked.memoryHigh() != null
                ? asked.memoryHigh().roundedDown(MEBIBYTE)
                : memoryMax.times(15, 16).roundedDown(MEBIBYTE);
        int tasksMax = asked.tasksMax() != null
                ? asked.tasksMax()
                : Math.min(TASKS_PER_CPU * cpus.count(), MOST_DEFAULT_TASKS);
        return new UnitLimits(
                facts.nodesOf(cpus),
                memoryMax,
                memoryHigh,
                (asked.swapMax() != null ? asked.swapMax() : new ByteSize(0)).roundedDown(MEBIBYTE),
                tasksMax,
                diskLimits(request, facts, volumes, layout, index),
                asked.io(),
                enforcement(asked, facts));
    }

    private static PortEnforcement enforcement(LimitRequest asked, HostFacts facts) {
        if (asked.portEnforcement() != null) {
            return asked.portEnforcement();
        }
        return facts.can(Capability.SYSTEMD_BPF) ? PortEnforcement.SOCKET_BIND_RANGES : PortEnforcement.NFTABLES;
    }

    private static ByteSize reserve(InitServerRequest request, HostFacts facts) {
        ByteSize asked = request.limits().memoryReserve();
        if (asked != null) {
            return asked;
        }
        return defaultReserve(facts);
    }

    /** Returns the memory that no unit may have unless the operator says otherwise. */
    private static ByteSize defaultReserve(HostFacts facts) {
        ByteSize sixteenth = facts.memory().times(1, 16);
        return sixteenth.compareTo(LEAST_RESERVE) < 0
                ? LEAST_RESERVE
                : sixteenth.compareTo(MOST_RESERVE) > 0 ? MOST_RESERVE : sixteenth;
    }

    /**
     * Returns the unit's share, by CPUs, of the memory beyond the reserve; and never more than its share of what its own
     * NUMA nodes have, since a unit may use no other node and a promise above that could not be kept.
     */
    static ByteSize memoryShare(HostFacts facts, ByteSize reserve, CpuSet cpus, CpuSet taken) {
        ByteSize ofHost = facts.memory().minus(reserve).times(cpus.count(), taken.count());
        long ofNodes = 0;
        for (Map.Entry<Integer, HostFacts.Node> entry : facts.nodes().entrySet()) {
            HostFacts.Node node = entry.getValue();
            int unitsHere = node.cpus().intersect(taken).count();
            int mineHere = node.cpus().intersect(cpus).count();
            if (mineHere > 0) {
                ByteSize nodeReserve = reserve.times(
                        node.memory().bytes(), Math.max(1, facts.memory().bytes()));
                ofNodes += node.memory()
                        .minus(nodeReserve)
                        .times(mineHere, unitsHere)
                        .bytes();
            }
        }
        return ofNodes < ofHost.bytes() ? new ByteSize(ofNodes) : ofHost;
    }

    private static List<DiskLimit> diskLimits(
            InitServerRequest request, HostFacts facts, List<DataVolume> volumes, CpuLayout layout, int index) {
        LimitRequest asked = request.limits();
        int mine = layout.units().get(index).count();
        int all = layout.taken().count();
        List<DiskLimit> limits = new ArrayList<>();
        for (HostFacts.Mount mount : limitedMounts(facts, storedOn(request))) {
            ByteSize bytes = asked.diskMax() != null
                    ? asked.diskMax()
                    : mount.available().times(9, 10).times(mine, all);
            limits.add(limit(mount.mountPoint(), bytes, asked));
        }
        if (!volumes.isEmpty()) {
            DataVolume volume = volume(volumes, index);
            ByteSize disk = size(volume, facts);
            ByteSize share = volumes.size() == 1 ? disk.times(9, 10).times(mine, all) : disk.times(9, 10);
            limits.add(limit(volume.mountPoint(), asked.dataMax() != null ? asked.dataMax() : share, asked));
        }
        return limits;
    }

    private static ByteSize size(DataVolume volume, HostFacts facts) {
        LogicalVolume logical = volume.logicalVolume();
        return logical != null
                ? logical.size()
                : facts.disk(volume.disk().device()).orElseThrow().size();
    }

    private static DiskLimit limit(String mountPoint, ByteSize bytes, LimitRequest asked) {
        ByteSize rounded = bytes.roundedDown(MEBIBYTE);
        Long inodes = asked.inodesMax();
        return new DiskLimit(
                mountPoint,
                rounded,
                inodes != null ? inodes : Math.max(LEAST_DEFAULT_INODES, rounded.bytes() / BYTES_PER_INODE));
    }

    /** Returns the file systems on which units store things and can be limited, each once, without data disks. */
    static Collection<HostFacts.Mount> limitedMounts(HostFacts facts, List<String> paths) {
        Map<String, HostFacts.Mount> byMountPoint = new LinkedHashMap<>();
        for (String path : paths) {
            HostFacts.Mount mount = facts.mountOf(path);
            if (facts.can(Capability.QUOTA_TOOLS) && mount.enforcesUserQuota()) {
                byMountPoint.put(mount.mountPoint(), mount);
            }
        }
        return byMountPoint.values();
    }

    /** Returns the paths below which units store things outside their data disk. */
    static List<String> storedOn(InitServerRequest request) {
        List<String> paths = new ArrayList<>(STORED_ON);
        if (!request.hasDataVolumes()) {
            paths.add("/mnt");
        }
        return paths;
    }

    private static List<Fault> memoryFaults(InitServerRequest request, HostFacts facts, List<ComputeUnit> units) {
        Faults faults = new Faults();
        long promised = units.stream()
                .mapToLong(unit -> unit.limits().memoryMax().bytes())
                .sum();
        ByteSize reserve = reserve(request, facts);
        ByteSize remaining = facts.memory().minus(reserve);
        if (request.limits().memoryMax() != null && promised > remaining.bytes()) {
            faults.add(
                    "memory_max",
                    units.size() + " units of " + request.limits().memoryMax() + " exceed the " + mebibytes(remaining)
                            + " that remain of " + mebibytes(facts.memory()) + " after the reserve of " + reserve,
                    "limits",
                    "memory_max");
        } else if (request.limits().memoryMax() != null) {
            facts.nodes().forEach((number, node) -> faults.addAll(nodeFaults(number, node, units)));
        }
        for (int i = 0; i < units.size(); i++) {
            UnitLimits limits = units.get(i).limits();
            if (limits.memoryMax().compareTo(LimitRequest.LEAST_MEMORY) < 0) {
                faults.add(
                        "memory_share",
                        units.get(i).cpus() + " would have " + mebibytes(limits.memoryMax())
                                + " of memory, less than the " + LimitRequest.LEAST_MEMORY + " that a login needs",
                        request.division().path(i));
            } else if (limits.memoryHigh().compareTo(limits.memoryMax()) >= 0) {
                faults.add(
                        "memory_high",
                        limits.memoryHigh() + " is not below the " + limits.memoryMax() + " that "
                                + units.get(i).cpus() + " would have, so it would never act",
                        "limits",
                        "memory_high");
            }
        }
        return faults.found();
    }

    /** A unit may use the memory of its own nodes only. */
    private static List<Fault> nodeFaults(int number, HostFacts.Node node, List<ComputeUnit> units) {
        Faults faults = new Faults();
        long promised = units.stream()
                .filter(unit -> unit.limits().memoryNodes().equals(CpuSet.of(number)))
                .mapToLong(unit -> unit.limits().memoryMax().bytes())
                .sum();
        if (promised > node.memory().bytes()) {
            faults.add(
                    "memory_max",
                    "the units on NUMA node " + number + " would have " + new ByteSize(promised)
                            + " together, more than the " + mebibytes(node.memory()) + " of this node",
                    "limits",
                    "memory_max");
        }
        return faults.found();
    }

    /** A share of nothing would be written as a quota of 0, which is no limit. */
    private static List<Fault> diskFaults(InitServerRequest request, List<ComputeUnit> units) {
        Faults faults = new Faults();
        for (int i = 0; i < units.size(); i++) {
            for (DiskLimit limit : units.get(i).limits().disks()) {
                if (limit.bytes().compareTo(MEBIBYTE) < 0) {
                    faults.add(
                            "disk_share",
                            units.get(i).cpus() + " would have less than " + MEBIBYTE + " on " + limit.mountPoint()
                                    + ": make room there, or say how much with disk_max or data_max",
                            request.division().path(i));
                }
            }
        }
        return faults.found();
    }

    private static String mebibytes(ByteSize size) {
        return size.roundedDown(MEBIBYTE).toString();
    }

    /** Hands out the lowest user ids and port ranges that nobody on the host has. */
    private static final class Numbers {
        private final Faults faults = new Faults();
        private final InitServerRequest request;
        private final HostFacts facts;
        private final Bases bases;
        private final Set<Integer> takenIds;
        private int nextUid;
        private int nextPort;

        Numbers(InitServerRequest request, HostFacts facts, Bases bases) {
            this.request = request;
            this.facts = facts;
            this.bases = bases;
            this.takenIds = new HashSet<>(facts.accounts().values());
            this.takenIds.addAll(facts.groups().values());
            this.nextUid = bases.firstUid();
            this.nextPort = bases.firstPort();
        }

        int nextUid() {
            while (takenIds.contains(nextUid)) {
                nextUid++;
            }
            takenIds.add(nextUid);
            return nextUid;
        }

        PortRange nextPorts() {
            while (nextPort + bases.portsPerUnit() <= 65536) {
                PortRange range = new PortRange(nextPort, nextPort + bases.portsPerUnit());
                nextPort = range.end();
                if (facts.listeningPorts().stream().noneMatch(range::contains)) {
                    return range;
                }
            }
            if (faults.found().isEmpty()) {
                faults.add(
                        "ports_exhausted",
                        "ports for all units, " + bases.portsPerUnit() + " each, do not fit between "
                                + bases.firstPort() + " and 65535 beside the ports that the host listens on",
                        request.division().field());
            }
            return new PortRange(bases.firstPort(), bases.firstPort() + bases.portsPerUnit());
        }
    }
}
