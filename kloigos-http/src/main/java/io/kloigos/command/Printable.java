package io.kloigos.command;

import java.util.Locale;

/**
 * Texts of others as they are shown on a terminal, to which control characters are commands (ECMA-48): tags are a tenant's, and so
 * are the names of its processes.
 */
final class Printable {
    private Printable() {}

    /** Returns the text with every control character spelled out, a line break too. */
    static String line(String text) {
        return spelledOut(text, "");
    }

    /** Returns the text with every control character spelled out, but for line breaks and tabs. */
    static String text(String text) {
        return spelledOut(text, "\n\t");
    }

    private static String spelledOut(String text, String kept) {
        if (text.chars().noneMatch(Character::isISOControl)) {
            return text;
        }
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char each = text.charAt(i);
            if (Character.isISOControl(each) && kept.indexOf(each) < 0) {
                shown.append(String.format(Locale.ROOT, "\\u%04x", (int) each));
            } else {
                shown.append(each);
            }
        }
        return shown.toString();
    }
}
