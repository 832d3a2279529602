package io.kloigos.model;

import java.util.Objects;

/**
 * A data disk as Kloigos uses it on one server.
 *
 * @param disk the disk and the file system on it
 * @param label the label by which it is recognised and mounted
 * @param mountPoint where it is mounted; units see their part of it under /mnt
 */
public record DataVolume(DataDisk disk, String label, String mountPoint) {
    public DataVolume {
        Objects.requireNonNull(disk);
        Objects.requireNonNull(label);
        Objects.requireNonNull(mountPoint);
    }
}
