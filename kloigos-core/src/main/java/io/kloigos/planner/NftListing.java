package io.kloigos.planner;

import io.kloigos.spi.Reading;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The table of port ownership as {@code nft list table} prints it.
 *
 * @param sets the elements of each set, by its name; those that rules fill are not among them
 * @param lines everything else: flags, types, chains and their rules, without what their counters have counted
 * @see <a href="https://www.netfilter.org/projects/nftables/manpage.html">nft(8)</a>
 */
record NftListing(Map<String, Set<String>> sets, List<String> lines) {
    static final Reading READING = new Reading.Output(List.of("nft", "-nn", "list", "table", "inet", HostFiles.TABLE));

    /**
     * What the table would be if it were loaded now. Versions of nft print the same rule in different words, so it is loaded and
     * listed by the host's own, in a network namespace that goes with the command.
     */
    static final Reading INTENDED = new Reading.Output(List.of(
            "unshare",
            "--net",
            "sh",
            "-c",
            "nft -f \"$0\" && nft -nn list table inet " + HostFiles.TABLE,
            HostFiles.PORTS_RULES));

    private static final Pattern SET = Pattern.compile("set (\\S+) \\{([^{}]*)elements = \\{([^}]*)\\}");
    private static final String FILLED_BY_RULES = "flags dynamic";
    private static final Pattern ELEMENTS = Pattern.compile("elements = \\{[^}]*\\}");
    private static final Pattern COUNTED = Pattern.compile(" packets \\d+ bytes \\d+");
    private static final Pattern ALTERNATIVES = Pattern.compile("\\{ ([^{}]*) \\}");

    /** Returns what is listed; nothing if there is no such table. */
    static NftListing parse(String text) {
        Map<String, Set<String>> sets = new HashMap<>();
        for (Matcher set = SET.matcher(text); set.find(); ) {
            if (!set.group(2).contains(FILLED_BY_RULES)) {
                sets.put(set.group(1), new HashSet<>(items(set.group(3))));
            }
        }
        List<String> lines = ELEMENTS.matcher(text)
                .replaceAll("")
                .lines()
                .map(line -> COUNTED.matcher(line.strip()).replaceAll(""))
                .map(line -> ALTERNATIVES
                        .matcher(line)
                        .replaceAll(found -> "{ " + String.join(", ", new TreeSet<>(items(found.group(1)))) + " }"))
                .filter(line -> !line.isEmpty())
                .toList();
        return new NftListing(sets, lines);
    }

    private static List<String> items(String text) {
        return Arrays.stream(text.split(",", -1)).map(String::strip).toList();
    }

    private boolean isTable() {
        return !lines.isEmpty() && lines.get(0).startsWith("table inet " + HostFiles.TABLE);
    }

    /** Returns the elements of a set; none if there is no such set. */
    Set<String> elements(String set) {
        return sets.getOrDefault(set, Set.of());
    }

    /** Returns the first thing that is other than intended, if anything is; elements that lack are not looked for. */
    Optional<String> differenceFrom(NftListing intended) {
        if (!isTable()) {
            return Optional.of("absent");
        }
        if (!intended.isTable()) {
            return Optional.of("unknown: nft makes no table of " + HostFiles.PORTS_RULES);
        }
        for (int i = 0; i < lines.size(); i++) {
            if (i >= intended.lines.size() || !lines.get(i).equals(intended.lines.get(i))) {
                return Optional.of(lines.get(i));
            }
        }
        if (lines.size() < intended.lines.size()) {
            return Optional.of("without " + intended.lines.get(lines.size()));
        }
        return sets.keySet().stream()
                .sorted()
                .flatMap(set -> elements(set).stream()
                        .filter(element -> !intended.elements(set).contains(element))
                        .sorted()
                        .map(element -> "also " + element + " in set " + set))
                .reduce((one, other) -> one + ", " + other);
    }
}
