package io.kloigos.model;

import java.util.Objects;

/**
 * A disk that the operator gives to the units of a server. It is formatted only if it is whole and blank.
 *
 * @param device the whole disk, e.g. {@code /dev/sdb}
 * @param fileSystem what to make on it
 */
public record DataDisk(String device, FileSystemType fileSystem) {
    public DataDisk {
        Names.requireDevice(device);
        Objects.requireNonNull(fileSystem);
    }
}
