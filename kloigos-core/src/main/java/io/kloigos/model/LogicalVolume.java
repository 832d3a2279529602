package io.kloigos.model;

import java.util.Objects;

/**
 * A logical volume that Kloigos made of an LVM volume group.
 *
 * @param group the volume group
 * @param name its name in the group, e.g. {@code kloigos-c0-15}
 * @param size its size, a multiple of the group's extents
 */
public record LogicalVolume(String group, String name, ByteSize size) {
    public LogicalVolume {
        Objects.requireNonNull(group);
        Objects.requireNonNull(name);
        Objects.requireNonNull(size);
    }

    /** Returns the name of a unit's volume: of the unit with these CPUs. */
    public static String nameOf(CpuSet cpus) {
        return "kloigos-" + ComputeUnit.directoryOf(cpus);
    }

    /** Returns how LVM's commands name it, e.g. {@code vg0/kloigos-c0-15}. */
    public String path() {
        return group + "/" + name;
    }

    /** Returns the block device that it is. */
    public String device() {
        return "/dev/" + path();
    }
}
