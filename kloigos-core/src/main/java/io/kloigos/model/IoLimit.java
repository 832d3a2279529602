package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How fast a unit may use one block device; null is no limit.
 *
 * @param device the whole disk, e.g. {@code /dev/sdb}
 * @param readBytes bytes read per second
 * @param writeBytes bytes written per second
 * @param readOperations reads per second
 * @param writeOperations writes per second
 * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html#io-interface-files">cgroup v2, io.max</a>
 */
public record IoLimit(
        String device,
        @Nullable ByteSize readBytes,
        @Nullable ByteSize writeBytes,
        @Nullable Long readOperations,
        @Nullable Long writeOperations) {
    public IoLimit {
        Objects.requireNonNull(device);
        Names.requireDevice(device);
        if (readBytes == null && writeBytes == null && readOperations == null && writeOperations == null) {
            throw KloigosException.invalid("io_limit", "the I/O limit of " + device + " limits nothing");
        }
        if (isBelowOne(readBytes)
                || isBelowOne(writeBytes)
                || isBelowOne(readOperations)
                || isBelowOne(writeOperations)) {
            throw KloigosException.invalid("io_limit", "an I/O limit of " + device + " is below 1 per second");
        }
    }

    private static boolean isBelowOne(@Nullable ByteSize size) {
        return size != null && size.bytes() < 1;
    }

    private static boolean isBelowOne(@Nullable Long count) {
        return count != null && count < 1;
    }
}
