package io.kloigos.planner;

import io.kloigos.spi.Reading;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The table of port ownership as {@code nft list table} prints it, which is also how it is written.
 *
 * @param sets the elements of each set, by its name
 * @param rules how many rules its chains have
 * @see <a href="https://www.netfilter.org/projects/nftables/manpage.html">nft(8)</a>
 */
record NftListing(Map<String, Set<String>> sets, int rules) {
    static final Reading READING = new Reading.Output(List.of("nft", "-nn", "list", "table", "inet", HostFiles.TABLE));

    private static final Pattern SET = Pattern.compile("set (\\S+) \\{[^{}]*elements = \\{([^}]*)\\}");
    private static final Pattern CHAIN = Pattern.compile("chain \\S+ \\{((?:[^{}]|\\{[^{}]*\\})*)\\}");

    /** Returns what is listed; nothing if there is no such table. */
    static NftListing parse(String text) {
        Map<String, Set<String>> sets = new HashMap<>();
        for (Matcher set = SET.matcher(text); set.find(); ) {
            Set<String> elements = new HashSet<>();
            Arrays.stream(set.group(2).split(",", -1)).map(String::strip).forEach(elements::add);
            sets.put(set.group(1), elements);
        }
        int rules = 0;
        for (Matcher chain = CHAIN.matcher(text); chain.find(); ) {
            rules += (int) chain.group(1)
                    .lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("type "))
                    .count();
        }
        return new NftListing(sets, rules);
    }

    /** Returns the elements of a set; none if there is no such set. */
    Set<String> elements(String set) {
        return sets.getOrDefault(set, Set.of());
    }
}
