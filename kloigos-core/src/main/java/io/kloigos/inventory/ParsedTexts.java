package io.kloigos.inventory;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Values by the texts of the database that hold them, those that were asked for last. A fleet has few different ones, and they
 * are read again and again. Safe for use by many threads.
 */
final class ParsedTexts<T> {
    private static final float LOAD_FACTOR = 0.75f;

    private final int longest;
    private final Function<String, T> parse;
    private final Map<String, T> parsed;

    /**
     * None yet.
     *
     * @param most how many are kept
     * @param longest the longest text that is kept, in characters
     * @param parse returns the immutable value that a text holds
     */
    ParsedTexts(int most, int longest, Function<String, T> parse) {
        this.longest = longest;
        this.parse = parse;
        this.parsed = new LinkedHashMap<>(2 * most, LOAD_FACTOR, true) {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, T> eldest) {
                return size() > most;
            }
        };
    }

    T parse(String text) {
        if (text.length() > longest) {
            return parse.apply(text);
        }
        synchronized (parsed) {
            T known = parsed.get(text);
            if (known != null) {
                return known;
            }
        }
        T value = parse.apply(text);
        synchronized (parsed) {
            parsed.put(text, value);
        }
        return value;
    }
}
