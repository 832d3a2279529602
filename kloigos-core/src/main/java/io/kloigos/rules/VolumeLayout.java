package io.kloigos.rules;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuSet;
import io.kloigos.model.Faults;
import io.kloigos.model.HostFacts;
import io.kloigos.model.HostFacts.VolumeGroup;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.LogicalVolume;
import io.kloigos.model.UnitVolumes;
import java.util.List;
import java.util.Objects;

/** How a volume group is divided into a logical volume for each unit. */
final class VolumeLayout {
    private static final String FIELD = "volume_group";

    /** What the device mapper can hold as a name, of which LVM keeps some for itself. */
    private static final int LONGEST_MAPPED_NAME = 127;

    private VolumeLayout() {}

    /** Returns the volumes of the units, in their order, of a group that {@link #check} found nothing wrong with. */
    static List<LogicalVolume> of(UnitVolumes wanted, CpuLayout cpus, HostFacts facts) {
        VolumeGroup group = Objects.requireNonNull(facts.volumeGroups().get(wanted.group()));
        ByteSize size = size(group, extents(wanted, group, cpus));
        return cpus.units().stream()
                .map(unit -> new LogicalVolume(wanted.group(), LogicalVolume.nameOf(unit), size))
                .toList();
    }

    /** Adds why the volumes that are asked for, if any, cannot be made. */
    static void check(InitServerRequest request, CpuLayout cpus, HostFacts facts, Faults faults) {
        UnitVolumes wanted = request.unitVolumes();
        if (wanted == null) {
            return;
        }
        HostRequirements.checkMkfs(wanted.fileSystem(), facts, faults, FIELD);
        if (!facts.can(Capability.QUOTA_TOOLS)) {
            faults.add(
                    "host_lacks_quota_tools",
                    "volumes of units need setquota and chattr (Debian: quota, e2fsprogs)",
                    FIELD);
        }
        VolumeGroup group = facts.volumeGroups().get(wanted.group());
        if (!facts.can(Capability.LVM)) {
            faults.add("host_lacks_lvm", "the host lacks lvcreate, lvremove, lvs and vgs (Debian: lvm2)", FIELD);
        } else if (group == null) {
            faults.add("volume_group_unknown", unknown(wanted.group(), facts), FIELD);
        } else if (!cpus.units().isEmpty()) {
            checkNames(wanted.group(), group, cpus, faults);
            checkSpace(wanted, group, cpus, faults);
        }
    }

    private static String unknown(String name, HostFacts facts) {
        return name + " is not a volume group of this host; it has "
                + (facts.volumeGroups().isEmpty()
                        ? "none"
                        : String.join(", ", facts.volumeGroups().keySet()));
    }

    private static void checkNames(String name, VolumeGroup group, CpuLayout cpus, Faults faults) {
        for (CpuSet unit : cpus.units()) {
            String volume = LogicalVolume.nameOf(unit);
            if (group.volumes().contains(volume)) {
                faults.add(
                        "volume_exists",
                        name + " has a volume " + volume + " already; if its content may go, run lvremove " + name + "/"
                                + volume,
                        FIELD);
            }
            int length = mapped(name).length() + 1 + mapped(volume).length();
            if (length > LONGEST_MAPPED_NAME) {
                faults.add(
                        "volume_name_long",
                        name + "/" + volume + " would be a device of " + length + " characters, more than "
                                + LONGEST_MAPPED_NAME + "; rename the volume group",
                        FIELD);
            }
        }
    }

    /** The device mapper joins both names by a hyphen, and doubles those within. */
    private static String mapped(String name) {
        return name.replace("-", "--");
    }

    private static void checkSpace(UnitVolumes wanted, VolumeGroup group, CpuLayout cpus, Faults faults) {
        int units = cpus.units().size();
        long extents = extents(wanted, group, cpus);
        ByteSize size = size(group, extents);
        ByteSize least = HostRequirements.leastSize(wanted.fileSystem());
        ByteSize asked = wanted.size();
        if (asked != null && extents > group.freeExtents() / units) {
            faults.add(
                    "volume_group_full",
                    units + " volumes of " + asked + " exceed the " + size(group, group.freeExtents()) + " free in "
                            + wanted.group() + "; " + size(group, group.freeExtents() / units) + " each would fit",
                    FIELD);
        } else if (size.compareTo(least) < 0) {
            faults.add(
                    "volume_small",
                    asked != null
                            ? asked + " in whole extents of " + group.extent() + " is " + size + ", less than the "
                                    + least + " that " + wanted.fileSystem() + " needs"
                            : units + " volumes of the " + size(group, group.freeExtents()) + " free in "
                                    + wanted.group() + " have " + size + " each, less than the " + least + " that "
                                    + wanted.fileSystem() + " needs",
                    FIELD);
        }
    }

    private static long extents(UnitVolumes wanted, VolumeGroup group, CpuLayout cpus) {
        ByteSize asked = wanted.size();
        return asked != null
                ? asked.bytes() / group.extent().bytes()
                : group.freeExtents() / cpus.units().size();
    }

    private static ByteSize size(VolumeGroup group, long extents) {
        return group.extent().times(extents, 1);
    }
}
