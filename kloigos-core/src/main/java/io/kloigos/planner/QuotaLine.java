package io.kloigos.planner;

import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.spi.Reading;
import java.util.List;
import java.util.Optional;

/**
 * What a unit's user has stored on one file system, as repquota prints it.
 *
 * @see <a href="https://man7.org/linux/man-pages/man8/repquota.8.html">repquota(8)</a>
 */
record QuotaLine(ByteSize used, long inodes) {
    private static final int USED_KIBIBYTES = 2;
    private static final int USED_INODES = 6;

    /** With -n each line begins with the number of the user. */
    static Reading reading(ComputeUnit unit, String mountPoint) {
        return new Reading.OutputLine(List.of("repquota", "-u", "-n", "-p", mountPoint), "#" + unit.uid() + " ");
    }

    /** Returns what the line says; empty if it is none, as of a user who has stored nothing. */
    static Optional<QuotaLine> parse(String line) {
        String[] fields = line.split("\\s+", -1);
        if (fields.length <= USED_INODES || !(fields[USED_KIBIBYTES] + fields[USED_INODES]).matches("\\d{1,30}")) {
            return Optional.empty();
        }
        return Optional.of(new QuotaLine(
                ByteSize.ofKibibytes(Long.parseLong(fields[USED_KIBIBYTES])), Long.parseLong(fields[USED_INODES])));
    }
}
