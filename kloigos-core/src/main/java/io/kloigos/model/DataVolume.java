package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A data disk as Kloigos uses it on one server.
 *
 * @param disk the disk, or the device of the logical volume, and the file system on it
 * @param label the label by which it is recognised and mounted
 * @param mountPoint where it is mounted; units see their part of it under /mnt
 * @param logicalVolume the logical volume that Kloigos made for it; null if it is a disk of the operator's
 */
public record DataVolume(
        DataDisk disk,
        String label,
        String mountPoint,
        @Nullable LogicalVolume logicalVolume) {
    public DataVolume {
        Objects.requireNonNull(disk);
        Objects.requireNonNull(label);
        Objects.requireNonNull(mountPoint);
    }
}
