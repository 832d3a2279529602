package io.kloigos.planner;

import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.spi.Reading;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Whether a unit uses more than it shall be shrunk to. Pure: says what to read, and judges what was read. What cannot be read
 * speaks against nothing: a stopped unit has no cgroup.
 */
public final class ShrinkCheck {
    private static final ByteSize MEBIBYTE = ByteSize.ofMebibytes(1);

    private final ComputeUnit unit;
    private final ComputeUnit wanted;
    private final List<DiskLimit> smaller;

    /**
     * A check of one resize.
     *
     * @param unit the unit as it is
     * @param wanted the unit as it will be
     */
    public ShrinkCheck(ComputeUnit unit, ComputeUnit wanted) {
        this.unit = unit;
        this.wanted = wanted;
        this.smaller = wanted.limits().disks().stream()
                .filter(limit -> unit.limits().disks().stream().anyMatch(now -> isSmaller(limit, now)))
                .toList();
    }

    private static boolean isSmaller(DiskLimit limit, DiskLimit now) {
        return limit.mountPoint().equals(now.mountPoint())
                && (limit.bytes().compareTo(now.bytes()) < 0 || limit.inodes() < now.inodes());
    }

    private boolean takesMemory() {
        return wanted.limits().memoryMax().compareTo(unit.limits().memoryMax()) < 0;
    }

    /** Returns what to read; nothing if nothing shrinks. */
    public List<Reading> readings() {
        List<Reading> readings = new ArrayList<>();
        if (takesMemory()) {
            readings.add(new Reading.FileText(unit.cgroup() + "/memory.current"));
            readings.add(new Reading.FileLine(unit.cgroup() + "/memory.stat", "file "));
            readings.add(new Reading.FileLine(unit.cgroup() + "/memory.stat", "shmem "));
        }
        smaller.forEach(limit -> readings.add(QuotaLine.reading(unit, limit.mountPoint())));
        return readings;
    }

    /**
     * Makes sure that what the tenant uses fits into what is wanted.
     *
     * @param texts what was read, in the order of {@link #readings()}
     * @throws KloigosException WRONG_STATE with everything that does not fit
     */
    public void requireRoom(List<String> texts) {
        List<String> tooMuch = new ArrayList<>();
        int next = 0;
        if (takesMemory()) {
            addMemory(texts.subList(0, 3), tooMuch);
            next = 3;
        }
        for (DiskLimit limit : smaller) {
            QuotaLine.parse(texts.get(next++)).ifPresent(stored -> addDisk(limit, stored, tooMuch));
        }
        if (!tooMuch.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot resize unit " + unit.id() + ": it " + String.join("; it ", tooMuch)
                            + ". Have the tenant free some, or ask for more.");
        }
    }

    /** The kernel takes the page cache back by itself, but not what is in tmpfs, which it counts there too. */
    private void addMemory(List<String> texts, List<String> tooMuch) {
        long[] numbers = texts.stream()
                .flatMapToLong(text -> text.matches("([a-z]+ )?\\d+")
                        ? LongStream.of(Long.parseLong(text.substring(text.indexOf(' ') + 1)))
                        : LongStream.empty())
                .toArray();
        if (numbers.length == texts.size()) {
            ByteSize used = new ByteSize(Math.max(0, numbers[0] - (numbers[1] - numbers[2])));
            ByteSize most = wanted.limits().memoryMax();
            if (used.compareTo(most) > 0) {
                tooMuch.add("uses " + used.roundedDown(MEBIBYTE) + " of memory, more than " + most);
            }
        }
    }

    private static void addDisk(DiskLimit limit, QuotaLine stored, List<String> tooMuch) {
        if (stored.used().compareTo(limit.bytes()) > 0) {
            tooMuch.add("stores " + stored.used() + " on " + limit.mountPoint() + ", more than " + limit.bytes());
        }
        if (stored.inodes() > limit.inodes()) {
            tooMuch.add("has " + stored.inodes() + " files on " + limit.mountPoint() + ", more than " + limit.inodes());
        }
    }
}
