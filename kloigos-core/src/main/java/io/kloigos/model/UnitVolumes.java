package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Logical volumes that Kloigos makes of an LVM volume group: one for the data of each unit. They go with the units; what else
 * is in the group is left alone.
 *
 * @param group the volume group, e.g. {@code vg0}: letters, digits and {@code + _ . -}, at most 127
 * @param fileSystem what to make on each volume
 * @param size how large each volume is, rounded down to whole extents; null for an equal share of what is free in the group
 * @see <a href="https://man7.org/linux/man-pages/man8/lvm.8.html">lvm(8), "Valid Names"</a>
 */
public record UnitVolumes(
        String group, FileSystemType fileSystem, @Nullable ByteSize size) {
    public UnitVolumes {
        Names.requireVolumeGroup(group);
        Objects.requireNonNull(fileSystem);
    }
}
