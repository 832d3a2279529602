package io.kloigos.model;

import java.util.Locale;

/** The file systems on which Kloigos can hold size limits, and which it makes on data disks. */
public enum FileSystemType {
    EXT4,
    XFS;

    /**
     * Returns the type that {@code text} names.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static FileSystemType parse(String text) {
        for (FileSystemType type : values()) {
            if (type.toString().equals(text)) {
                return type;
            }
        }
        throw KloigosException.invalid("filesystem", "\"" + text + "\" is neither \"ext4\" nor \"xfs\"");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
