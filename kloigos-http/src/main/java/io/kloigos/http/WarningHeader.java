package io.kloigos.http;

import io.kloigos.model.Warning;
import java.util.ArrayList;
import java.util.List;

/**
 * Warnings in an answer whose body has no place for them: a header field each, which is an item of structured fields, such as
 * {@code core_split;message="host1_4-7 has only some hardware threads of core 4,12, so it shares them"}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9651.html#name-items">RFC 9651, Items</a>
 */
final class WarningHeader {
    static final String NAME = "Kloigos-Warning";

    private static final int LONGEST_MESSAGE = 240;

    /** HTTP servers and proxies take some 8,000 characters of headers in all. */
    private static final int MOST_CHARACTERS = 4000;

    private WarningHeader() {}

    /** Returns a field value for each of the warnings, or for the first of them and one that says how many there are more. */
    static List<String> values(List<Warning> warnings) {
        List<String> values = new ArrayList<>();
        int characters = 0;
        for (Warning warning : warnings) {
            String value = item(warning.type(), warning.message());
            characters += value.length();
            if (characters > MOST_CHARACTERS) {
                int left = warnings.size() - values.size();
                values.add(item("more_warnings", left + " more are among those of the server"));
                break;
            }
            values.add(value);
        }
        return values;
    }

    private static String item(String type, String message) {
        String shown = message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE) + "...";
        // Printable ASCII is all that a string of structured fields may have.
        String text = shown.replaceAll("[^ -~]", "?").replace("\\", "\\\\").replace("\"", "\\\"");
        return type + ";message=\"" + text + "\"";
    }
}
