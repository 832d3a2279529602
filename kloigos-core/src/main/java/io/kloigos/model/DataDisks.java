package io.kloigos.model;

/** Whether a decommission leaves the content of data disks. */
public enum DataDisks {
    /** Data disks are unmounted and left as they are. Logical volumes that init made go all the same. */
    KEEP,
    /** The signatures of data disks are wiped, so that they count as blank. */
    WIPE
}
