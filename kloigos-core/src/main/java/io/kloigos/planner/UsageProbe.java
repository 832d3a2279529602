package io.kloigos.planner;

import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.HostFacts;
import io.kloigos.model.UnitLimits.DiskLimit;
import io.kloigos.model.UnitUsage;
import io.kloigos.spi.Reading;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a unit uses: what to read on its host, and what the texts of the kernel and the quota tools say. Pure.
 *
 * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html">Control Group v2</a>
 * @see <a href="https://docs.kernel.org/accounting/psi.html">Pressure Stall Information</a>
 */
public final class UsageProbe {
    private static final String DECIMAL = "=(\\d+\\.\\d+)";
    private static final Pattern PRESSURE =
            Pattern.compile("some avg10" + DECIMAL + " avg60" + DECIMAL + " avg300" + DECIMAL + " total=(\\d{1,18})");

    private final HostFacts facts;
    private final ComputeUnit unit;

    /**
     * A probe of one unit.
     *
     * @param facts what its host says about itself, by which block devices are named
     */
    public UsageProbe(HostFacts facts, ComputeUnit unit) {
        this.facts = facts;
        this.unit = unit;
    }

    /** Returns what to read. */
    public List<Reading> readings() {
        List<Reading> readings = new ArrayList<>(List.of(
                line("cpu.stat", "usage_usec "),
                file("memory.current"),
                file("memory.swap.current"),
                file("pids.current"),
                line("memory.events", "oom_kill "),
                pressure("cpu"),
                pressure("memory"),
                pressure("io"),
                file("io.stat"),
                HeldPorts.LISTENING));
        disks().forEach(disk -> readings.add(QuotaLine.reading(unit, disk.mountPoint())));
        return readings;
    }

    private Reading file(String name) {
        return new Reading.FileText(unit.cgroup() + "/" + name);
    }

    private Reading line(String name, String prefix) {
        return new Reading.FileLine(unit.cgroup() + "/" + name, prefix);
    }

    private Reading pressure(String resource) {
        return line(resource + ".pressure", "some ");
    }

    private List<DiskLimit> disks() {
        return unit.limits().disks();
    }

    /**
     * Returns what the unit uses.
     *
     * @param texts what was read, in the order of {@link #readings}
     * @param readAt when they were read
     */
    public UnitUsage usage(List<String> texts, Instant readAt) {
        Map<Reading, String> answers = new HashMap<>();
        List<Reading> readings = readings();
        for (int i = 0; i < readings.size(); i++) {
            answers.put(readings.get(i), texts.get(i));
        }
        Long cpuMicros = number(answers.get(line("cpu.stat", "usage_usec ")));
        return new UnitUsage(
                unit.id(),
                readAt,
                cpuMicros == null ? null : micros(cpuMicros),
                size(answers.get(file("memory.current"))),
                size(answers.get(file("memory.swap.current"))),
                number(answers.get(file("pids.current"))),
                number(answers.get(line("memory.events", "oom_kill "))),
                waited(answers.get(pressure("cpu"))),
                waited(answers.get(pressure("memory"))),
                waited(answers.get(pressure("io"))),
                disks().stream()
                        .flatMap(disk ->
                                stored(disk, String.valueOf(answers.get(QuotaLine.reading(unit, disk.mountPoint())))))
                        .toList(),
                io(answers.get(file("io.stat"))),
                HeldPorts.listening(String.valueOf(answers.get(HeldPorts.LISTENING)), unit)
                        .map(socket -> new UnitUsage.Socket(socket.protocol(), socket.port()))
                        .distinct()
                        .toList());
    }

    /** Returns the number that a text ends in; null if it is no number, alone or after its name. */
    private static @Nullable Long number(@Nullable String text) {
        return text != null && text.matches("([a-z_]+ )?\\d{1,18}")
                ? Long.valueOf(text.substring(text.indexOf(' ') + 1))
                : null;
    }

    private static @Nullable ByteSize size(@Nullable String text) {
        Long bytes = number(text);
        return bytes == null ? null : new ByteSize(bytes);
    }

    private static Duration micros(long micros) {
        return Duration.ofNanos(Math.multiplyExact(micros, 1000L));
    }

    private static UnitUsage.@Nullable Pressure waited(@Nullable String line) {
        Matcher matcher = PRESSURE.matcher(String.valueOf(line));
        return matcher.matches()
                ? new UnitUsage.Pressure(
                        Double.parseDouble(matcher.group(1)),
                        Double.parseDouble(matcher.group(2)),
                        Double.parseDouble(matcher.group(3)),
                        micros(Long.parseLong(matcher.group(4))))
                : null;
    }

    private static Stream<UnitUsage.Disk> stored(DiskLimit disk, String line) {
        return QuotaLine.parse(line).stream()
                .map(stored -> new UnitUsage.Disk(disk.mountPoint(), stored.used(), stored.inodes()));
    }

    /** A cgroup has the file only while the kernel counts its I/O, and a device its line only once it was used. */
    private @Nullable List<UnitUsage.Io> io(@Nullable String text) {
        return text == null || text.equals("absent")
                ? null
                : text.lines().flatMap(line -> device(line).stream()).toList();
    }

    private Optional<UnitUsage.Io> device(String line) {
        Map<String, Long> counters = new HashMap<>();
        String[] words = line.split(" ", -1);
        Stream.of(words)
                .skip(1)
                .filter(word -> word.matches("[a-z]+=\\d{1,18}"))
                .map(word -> word.split("=", 2))
                .forEach(pair -> counters.put(pair[0], Long.valueOf(pair[1])));
        Long read = counters.get("rbytes");
        Long written = counters.get("wbytes");
        return read == null || written == null
                ? Optional.empty()
                : Optional.of(new UnitUsage.Io(
                        path(words[0]),
                        new ByteSize(read),
                        new ByteSize(written),
                        counters.getOrDefault("rios", 0L),
                        counters.getOrDefault("wios", 0L)));
    }

    private String path(String number) {
        return facts.disks().stream()
                .filter(disk -> disk.number().equals(number))
                .map(HostFacts.Disk::path)
                .findFirst()
                .orElse(number);
    }
}
