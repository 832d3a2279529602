package io.kloigos.planner;

import io.kloigos.model.CpuSet;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.Reading;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a host answered to the questions of a drift check. An answer that many facts are found in is taken apart once, so that a
 * look at many units costs no more for each than a look at one. Not safe for use by several threads.
 */
final class DriftAnswers {
    private final Map<Reading, String> texts;
    private final Map<Reading, Object> parsed = new HashMap<>();

    DriftAnswers(Map<Reading, String> texts) {
        this.texts = texts;
    }

    String text(Reading reading) {
        return String.valueOf(texts.get(reading));
    }

    /** Returns which of these CPUs are online; all of them if the host does not tell. */
    CpuSet online(CpuSet cpus) {
        return parsed(DriftCheck.ONLINE, Online.class, Online::parse)
                .cpus()
                .map(cpus::intersect)
                .orElse(cpus);
    }

    /** Returns the table of port ownership. */
    NftListing ports() {
        return parsed(NftListing.READING, NftListing.class, NftListing::parse);
    }

    /** Returns what that table should be. */
    NftListing intendedPorts() {
        return parsed(NftListing.INTENDED, NftListing.class, NftListing::parse);
    }

    /** Returns the mode and owners of a path, if it is there. */
    Optional<String> entry(Reading reading, String path) {
        return Optional.ofNullable(
                parsed(reading, Entries.class, Entries::parse).found().get(path));
    }

    /** Returns a property of a unit in what {@code systemctl show} says of several, if it is loaded. */
    Optional<String> property(Reading reading, String unit, String property) {
        return Optional.ofNullable(
                        parsed(reading, Shown.class, Shown::parse).units().get(unit))
                .map(properties -> properties.getOrDefault(property, ""));
    }

    /** Returns the limits of a user or project, if the kernel knows any. */
    Optional<String> quota(Reading reading, int id) {
        return Optional.ofNullable(
                parsed(reading, Quotas.class, Quotas::parse).limits().get(Integer.toString(id)));
    }

    private <T> T parsed(Reading reading, Class<T> type, Function<String, T> parse) {
        return type.cast(parsed.computeIfAbsent(reading, each -> parse.apply(text(each))));
    }

    /** What the kernel tells in Linux list format, if it is that. */
    private record Online(Optional<CpuSet> cpus) {
        static Online parse(String text) {
            try {
                return new Online(Optional.of(CpuSet.parse(text)).filter(cpus -> !cpus.isEmpty()));
            } catch (KloigosException e) {
                return new Online(Optional.empty());
            }
        }
    }

    /** Lines of a mode, owners and a path. */
    private record Entries(Map<String, String> found) {
        private static final String AFTER_OWNERS = " /";

        static Entries parse(String text) {
            return new Entries(text.lines()
                    .filter(line -> line.contains(AFTER_OWNERS))
                    .collect(Collectors.toMap(
                            line -> line.substring(line.indexOf(AFTER_OWNERS) + 1),
                            line -> line.substring(0, line.indexOf(AFTER_OWNERS)),
                            (first, second) -> first)));
        }
    }

    /** A paragraph for each unit of systemd; a property of several values has a line for each. */
    private record Shown(Map<String, Map<String, String>> units) {
        static Shown parse(String text) {
            Map<String, Map<String, String>> units = new HashMap<>();
            for (String paragraph : text.split("\n\n", -1)) {
                Map<String, String> properties = new HashMap<>();
                paragraph
                        .lines()
                        .filter(line -> line.contains("="))
                        .forEach(line -> properties.merge(
                                line.substring(0, line.indexOf('=')),
                                line.substring(line.indexOf('=') + 1),
                                (first, next) -> first + " " + next));
                units.putIfAbsent(properties.getOrDefault("Id", ""), properties);
            }
            return new Shown(units);
        }
    }

    /** Lines of an id and its limits. */
    private record Quotas(Map<String, String> limits) {
        static Quotas parse(String text) {
            return new Quotas(text.lines()
                    .map(line -> line.split(" ", 2))
                    .filter(words -> words.length == 2)
                    .collect(Collectors.toMap(words -> words[0], words -> words[1], (first, second) -> first)));
        }
    }
}
