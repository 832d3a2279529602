package io.kloigos.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The words after a command's name, with its options taken out as they are asked for. */
final class Arguments {
    /** More than any plan names, as on a real host. */
    static final int MANY = 10_000;

    private final List<String> argv;
    private final List<String> rest;

    Arguments(List<String> argv) {
        this.argv = argv;
        this.rest = new ArrayList<>(argv.subList(1, argv.size()));
    }

    List<String> all() {
        return rest;
    }

    /** Takes out single-letter options, alone or in a bundle, and returns those found. */
    Set<Character> flags(String known) {
        Set<Character> flags = new TreeSet<>();
        for (String word : List.copyOf(rest)) {
            if (word.equals("--")) {
                rest.remove(word);
                break;
            }
            if (!word.startsWith("-") || word.length() < 2) {
                continue;
            }
            for (char flag : word.substring(1).toCharArray()) {
                if (known.indexOf(flag) < 0) {
                    throw unknown();
                }
                flags.add(flag);
            }
            rest.remove(word);
        }
        return flags;
    }

    /** Takes out an option with its value. */
    @Nullable
    String value(String option) {
        int at = rest.indexOf(option);
        if (at < 0 || at + 1 >= rest.size()) {
            return null;
        }
        rest.remove(at);
        return rest.remove(at);
    }

    boolean take(String option) {
        return rest.remove(option);
    }

    /** Returns the words that remain, which must be so many, none of them an option. */
    List<String> words(int least, int most) {
        if (rest.size() < least || rest.size() > most) {
            throw unknown();
        }
        return rest;
    }

    String only() {
        return words(1, 1).get(0);
    }

    Refused unknown() {
        return Refused.unknown(argv.get(0) + ": the fake host does not know: " + String.join(" ", argv));
    }
}
