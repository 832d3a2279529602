package io.kloigos.rules;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.Fault;
import io.kloigos.model.Faults;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Housekeeping;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitVolumes;
import io.kloigos.model.Warning;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** What a host must have and be before it is cut into units, and what is accepted with a warning. */
final class HostRequirements {
    private static final int OLDEST_SYSTEMD = 247;
    private static final ByteSize LEAST_EXT4 = ByteSize.ofMebibytes(64);
    private static final ByteSize LEAST_XFS = ByteSize.ofMebibytes(300);
    private static final List<String> CONTROLLERS = List.of("cpuset", "cpu", "memory", "pids");
    private static final Map<Capability, String> NEEDED = Map.of(
            Capability.CGROUP_V2, "the unified cgroup hierarchy (cgroup v2) on /sys/fs/cgroup",
            Capability.CGROUP_KILL, "cgroup.kill, which Linux has since 5.14",
            Capability.NFT_UID_PORTS, "nft, with sets of user ids and ports (Debian: nftables)",
            Capability.SYSUSERS, "systemd-sysusers",
            Capability.UTIL_LINUX, "flock, timeout, setpriv and sysctl (Debian: util-linux, coreutils, procps)",
            Capability.SOCKET_STATISTICS, "ss, to see who holds ports (Debian: iproute2)",
            Capability.KEYCTL, "keyctl, to clear kernel keyrings (Debian: keyutils)",
            Capability.SSHD_PAM, "an sshd with \"UsePAM yes\"",
            Capability.SSHD_INCLUDE, "an sshd that reads /etc/ssh/sshd_config.d (\"Include\" in sshd_config)",
            Capability.PAM_SYSTEMD, "pam_systemd (Debian: libpam-systemd)");

    private HostRequirements() {}

    static List<Fault> check(InitServerRequest request, CpuLayout cpus, HostFacts facts) {
        Faults faults = new Faults();
        NEEDED.entrySet().stream()
                .filter(needed -> !facts.can(needed.getKey()))
                .sorted(Map.Entry.comparingByKey())
                .forEach(needed ->
                        faults.add("host_lacks_" + needed.getKey(), "the host lacks " + needed.getValue(), "hostname"));
        for (String controller : CONTROLLERS) {
            if (facts.can(Capability.CGROUP_V2) && !facts.cgroupControllers().contains(controller)) {
                faults.add(
                        "host_lacks_controller",
                        "the host's cgroup v2 lacks the " + controller + " controller",
                        "hostname");
            }
        }
        if (facts.systemdVersion() < OLDEST_SYSTEMD) {
            faults.add(
                    "host_systemd_old",
                    "the host runs systemd " + facts.systemdVersion() + ", older than " + OLDEST_SYSTEMD,
                    "hostname");
        }
        if (!facts.managedBy().isEmpty()) {
            faults.add(
                    "host_already_managed",
                    "the host is managed already: /etc/kloigos/managed-by says \"" + facts.managedBy()
                            + "\"; decommission it there first",
                    "hostname");
        }
        checkCpus(request, facts, faults);
        checkLimits(request, facts, faults);
        checkDisks(request, facts, faults);
        VolumeLayout.check(request, cpus, facts, faults);
        if (request.division().units().isEmpty() && !cpus.units().isEmpty()) {
            faults.addAll(InitServerRequest.dataDiskFaults(
                    request.dataDisks(), OptionalInt.of(cpus.units().size())));
        }
        checkLeftovers(request, cpus, facts, faults);
        return faults.found();
    }

    private static void checkCpus(InitServerRequest request, HostFacts facts, Faults faults) {
        if (request.division() instanceof UnitDivision.Ranges ranges) {
            for (int i = 0; i < ranges.cpus().size(); i++) {
                checkOnline(ranges.cpus().get(i), facts, faults, ranges.path(i));
            }
        }
        if (request.housekeeping() instanceof Housekeeping.Cpus named) {
            checkOnline(named.cpus(), facts, faults, "housekeeping_cpus");
        }
    }

    private static void checkOnline(CpuSet cpus, HostFacts facts, Faults faults, Object... path) {
        CpuSet missing = cpus.minus(facts.onlineCpus());
        if (!missing.isEmpty()) {
            faults.add(
                    "cpu_not_online",
                    "CPU " + missing + " does not exist or is offline; the host has " + facts.onlineCpus(),
                    path);
        }
    }

    private static void checkLimits(InitServerRequest request, HostFacts facts, Faults faults) {
        LimitRequest limits = request.limits();
        ByteSize reserve = limits.memoryReserve();
        if (reserve != null && reserve.compareTo(facts.memory()) >= 0) {
            faults.add(
                    "memory_reserve",
                    reserve + " is not less than the host's memory of "
                            + facts.memory().roundedDown(ByteSize.ofMebibytes(1)),
                    "limits",
                    "memory_reserve");
        }
        if (limits.diskMax() != null || limits.inodesMax() != null) {
            String field = limits.diskMax() != null ? "disk_max" : "inodes_max";
            for (String unlimited : unlimited(facts, ServerLayout.storedOn(request))) {
                faults.add("disk_limit_unenforceable", unlimited, "limits", field);
            }
        }
        if (limits.dataMax() != null && !request.hasDataVolumes()) {
            faults.add(
                    "data_max",
                    "data_max needs data_disks or a volume_group: without one, /mnt counts in disk_max",
                    "limits",
                    "data_max");
        }
        if (limits.portEnforcement() != null
                && limits.portEnforcement() != PortEnforcement.NFTABLES
                && !facts.can(Capability.SYSTEMD_BPF)) {
            faults.add(
                    "socket_bind_unavailable",
                    "systemd " + facts.systemdVersion()
                            + " on this host is built without BPF and cannot refuse bind(2)",
                    "limits",
                    "port_enforcement");
        }
        if (!limits.io().isEmpty() && !facts.cgroupControllers().contains("io")) {
            faults.add("host_lacks_controller", "the host's cgroup v2 lacks the io controller", "limits", "io");
        }
        for (int i = 0; i < limits.io().size(); i++) {
            String device = limits.io().get(i).device();
            if (facts.wholeDisk(device).isEmpty()) {
                faults.add(
                        "device_unknown",
                        device + " is not a whole disk of this host" + known(facts),
                        "limits",
                        "io",
                        i,
                        "device");
            }
        }
    }

    private static void checkDisks(InitServerRequest request, HostFacts facts, Faults faults) {
        for (int i = 0; i < request.dataDisks().size(); i++) {
            DataDisk wanted = request.dataDisks().get(i);
            HostFacts.Disk disk = facts.wholeDisk(wanted.device()).orElse(null);
            ByteSize least = leastSize(wanted.fileSystem());
            if (disk == null) {
                faults.add(
                        "device_unknown",
                        wanted.device() + " is not a whole disk of this host" + known(facts),
                        "data_disks",
                        i);
            } else if (!disk.signature().isEmpty()) {
                faults.add(
                        "disk_not_blank",
                        wanted.device() + " holds " + disk.signature()
                                + (disk.label().isEmpty() ? "" : " labelled " + disk.label())
                                + ": only a blank disk is formatted; if its content may go, run wipefs -a on it",
                        "data_disks",
                        i);
            } else if (disk.size().compareTo(least) < 0) {
                faults.add(
                        "disk_small",
                        wanted.device() + " has " + disk.size() + ", less than " + least,
                        "data_disks",
                        i);
            }
            checkMkfs(wanted.fileSystem(), facts, faults, "data_disks", i);
        }
        if (!request.dataDisks().isEmpty() && !facts.can(Capability.QUOTA_TOOLS)) {
            faults.add(
                    "host_lacks_quota_tools",
                    "data disks need setquota and chattr (Debian: quota, e2fsprogs)",
                    "data_disks");
        }
    }

    static void checkMkfs(FileSystemType type, HostFacts facts, Faults faults, Object... path) {
        Capability mkfs = type == FileSystemType.XFS ? Capability.MKFS_XFS : Capability.MKFS_EXT4;
        if (!facts.can(mkfs)) {
            faults.add("host_lacks_" + mkfs, "the host lacks mkfs." + type, path);
        }
    }

    static ByteSize leastSize(FileSystemType type) {
        return type == FileSystemType.XFS ? LEAST_XFS : LEAST_EXT4;
    }

    /** A user, or a directory, that is there before the first init belongs to somebody. */
    private static void checkLeftovers(InitServerRequest request, CpuLayout layout, HostFacts facts, Faults faults) {
        for (int i = 0; i < layout.units().size(); i++) {
            CpuSet cpus = layout.units().get(i);
            Object[] path = request.division().path(i);
            String user = ComputeUnit.userOf(cpus);
            String directory = ComputeUnit.directoryOf(cpus);
            if (facts.accounts().containsKey(user) || facts.groups().containsKey(user)) {
                faults.add("user_exists", "the host has a user or group " + user + " already", path);
            }
            for (String there : List.of("/home/" + user, "/opt/" + directory, "/mnt/" + directory)) {
                if (facts.directories().contains(there)) {
                    faults.add("directory_exists", "the host has " + there + " already; move it away first", path);
                }
            }
        }
    }

    static List<Warning> warnings(InitServerRequest request, HostFacts facts, CpuLayout cpus, List<ComputeUnit> units) {
        List<Warning> warnings = new ArrayList<>();
        if (cpus.housekeeping().isEmpty()) {
            warnings.add(new Warning(
                    "no_housekeeping_cpus",
                    "units have every CPU, so the system and root's logins run on the units' CPUs; leave a few out"));
        }
        CpuSet idle = facts.onlineCpus().minus(cpus.taken()).minus(cpus.housekeeping());
        if (!idle.isEmpty()) {
            warnings.add(new Warning(
                    "idle_cpus", "CPU " + idle + " belongs to no unit and not to the system: nothing runs there"));
        }
        if (request.limits().diskMax() == null) {
            unlimited(facts, ServerLayout.storedOn(request))
                    .forEach(unlimited -> warnings.add(new Warning("disk_unlimited", unlimited)));
        }
        projectless(facts, request).forEach(warnings::add);
        for (ComputeUnit unit : units) {
            String split = facts.topology().siblings().stream()
                    .filter(core -> core.intersects(unit.cpus()) && !unit.cpus().containsAll(core))
                    .map(CpuSet::toString)
                    .collect(Collectors.joining("; "));
            if (!split.isEmpty()) {
                warnings.add(new Warning(
                        "core_split",
                        unit.id() + " has only some hardware threads of core " + split + ", so it shares them"));
            }
            if (unit.limits().memoryNodes().count() > 1) {
                warnings.add(new Warning(
                        "numa_straddle",
                        unit.id() + " has CPUs on NUMA nodes " + unit.limits().memoryNodes()));
            }
        }
        keepingDisks(request, facts).forEach(warnings::add);
        if (!facts.sshAllows().isEmpty()) {
            warnings.add(new Warning(
                    "ssh_allow",
                    "sshd lets in only some users (" + String.join("; ", facts.sshAllows())
                            + "): tenants can log in only if it includes group kloigos"));
        }
        if (!facts.can(Capability.CRON) && !facts.can(Capability.CROND)) {
            warnings.add(
                    new Warning("no_cron", "the host has no cron daemon; one installed later must load pam_systemd"));
        }
        ByteSize swap = request.limits().swapMax();
        if (swap != null && swap.compareTo(facts.swap()) > 0) {
            warnings.add(new Warning(
                    "swap_small", "units may swap " + swap + " each, the host has " + facts.swap() + " of swap"));
        }
        ByteSize disk = request.limits().diskMax();
        if (disk != null) {
            for (HostFacts.Mount mount : ServerLayout.limitedMounts(facts, ServerLayout.storedOn(request))) {
                if (disk.times(units.size(), 1).compareTo(mount.available()) > 0) {
                    warnings.add(new Warning(
                            "disk_overcommitted",
                            units.size() + " units of " + disk + " exceed the "
                                    + mount.available().roundedDown(ByteSize.ofMebibytes(1)) + " free on "
                                    + mount.mountPoint()));
                }
            }
        }
        return warnings;
    }

    /** Whoever may read the disk itself finds there what former tenants stored. */
    private static List<Warning> keepingDisks(InitServerRequest request, HostFacts facts) {
        List<String> keeping = new ArrayList<>();
        // What all units share is not discarded at each release.
        if (request.dataDisks().size() > 1) {
            request.dataDisks().stream()
                    .map(disk -> facts.disk(disk.device()).orElseThrow())
                    .filter(disk -> !disk.discards())
                    .forEach(disk -> keeping.add(disk.path()));
        }
        UnitVolumes volumes = request.unitVolumes();
        if (volumes != null
                && !Objects.requireNonNull(facts.volumeGroups().get(volumes.group()))
                        .discards()) {
            keeping.add("volume group " + volumes.group());
        }
        return keeping.stream()
                .map(name -> new Warning(
                        "disk_keeps_blocks",
                        name
                                + " cannot discard: what a tenant stored is in no file after its release, but root can read it from the"
                                + " disk until it is overwritten"))
                .toList();
    }

    /** Says of each path that stores things on disk, but cannot be limited, why. */
    private static List<String> unlimited(HostFacts facts, List<String> paths) {
        return paths.stream()
                .collect(Collectors.groupingBy(facts::mountOf, java.util.LinkedHashMap::new, Collectors.joining(", ")))
                .entrySet()
                .stream()
                // What is stored on a tmpfs counts in the unit's memory.
                .filter(entry -> !entry.getKey().type().equals("tmpfs"))
                .filter(entry -> !entry.getKey().enforcesUserQuota() || !facts.can(Capability.QUOTA_TOOLS))
                .map(entry -> entry.getKey().enforcesUserQuota()
                        ? "size limits of " + entry.getValue()
                                + " cannot be set: the host lacks setquota and chattr (Debian:" + " quota, e2fsprogs)"
                        : "size limits of " + entry.getValue() + " cannot be enforced: "
                                + entry.getKey().source() + " ("
                                + entry.getKey().type() + ") is mounted on "
                                + entry.getKey().mountPoint()
                                + " without user quotas; " + switchedOn(entry.getKey()))
                .toList();
    }

    /** XFS takes quotas when it is mounted, and the root file system is mounted by what the kernel was booted with. */
    private static String switchedOn(HostFacts.Mount mount) {
        if (!mount.type().equals("xfs")) {
            return "mount it with usrquota,prjquota";
        }
        return mount.mountPoint().equals("/")
                ? "boot with rootflags=uquota,pquota on the kernel's command line (/etc/default/grub); XFS switches quotas on"
                        + " in no remount"
                : "mount it anew with uquota,pquota (/etc/fstab); XFS switches quotas on in no remount";
    }

    private static List<Warning> projectless(HostFacts facts, InitServerRequest request) {
        return ServerLayout.limitedMounts(facts, ServerLayout.storedOn(request)).stream()
                .filter(mount -> !mount.enforcesProjectQuota())
                .map(mount -> new Warning(
                        "df_shows_whole_disk",
                        mount.mountPoint()
                                + " has user quotas but no project quotas: limits hold, yet df in a unit shows the whole"
                                + " disk; " + switchedOn(mount)))
                .toList();
    }

    private static String known(HostFacts facts) {
        return "; it has "
                + facts.disks().stream()
                        .filter(HostFacts.Disk::isWhole)
                        .map(HostFacts.Disk::path)
                        .collect(Collectors.joining(", "));
    }
}
