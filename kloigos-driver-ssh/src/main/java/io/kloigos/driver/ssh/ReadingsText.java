package io.kloigos.driver.ssh;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a program of readings prints: a line that says so, each text after a line with the number of its bytes and before a line
 * feed, and a line that says that this was all. So a text may hold anything.
 */
final class ReadingsText {
    static final String BEGIN = "@kloigos readings";
    static final String END = "@kloigos end";

    private final String printed;

    private int at;

    private ReadingsText(String printed) {
        this.printed = printed;
    }

    /**
     * Returns so many texts, or nothing if something else was printed.
     *
     * @param printed one character a byte, as ISO 8859-1 has it
     */
    static Optional<List<String>> parse(String printed, int count) {
        ReadingsText text = new ReadingsText(printed);
        return text.skip(BEGIN + "\n") ? text.texts(count) : Optional.empty();
    }

    private Optional<List<String>> texts(int count) {
        List<String> texts = new ArrayList<>();
        while (texts.size() < count) {
            int endOfLine = printed.indexOf('\n', at);
            if (endOfLine < 0 || !printed.substring(at, endOfLine).matches("[0-9]{1,9}")) {
                return Optional.empty();
            }
            int begin = endOfLine + 1;
            int end = begin + Integer.parseInt(printed.substring(at, endOfLine));
            if (!printed.startsWith("\n", end)) {
                return Optional.empty();
            }
            byte[] bytes = printed.substring(begin, end).getBytes(StandardCharsets.ISO_8859_1);
            texts.add(new String(bytes, StandardCharsets.UTF_8));
            at = end + 1;
        }
        return printed.startsWith(END + "\n", at) ? Optional.of(texts) : Optional.empty();
    }

    /** Goes behind the first occurrence: a login's shell may have printed something before. */
    private boolean skip(String marker) {
        int found = printed.indexOf(marker);
        at = found + marker.length();
        return found >= 0;
    }
}
