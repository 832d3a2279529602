package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Values as people read them: rounded, where programs get them exactly. */
final class Rounded {
    private static final Pattern SIZE = Pattern.compile("memory(_max|_high)?|swap(_max)?|size|(read|write)_bytes");
    private static final Pattern FRACTION = Pattern.compile("\\.\\d+Z$");
    private static final String UNITS = "KMGTPE";

    private Rounded() {}

    /** Returns a size in the largest unit of which it has one, as systemd writes sizes: {@code 59.1G}, {@code 8G}, {@code 512}. */
    static String size(long bytes) {
        if (bytes < 1024) {
            return Long.toString(bytes);
        }
        int unit = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
        String text = String.format(Locale.ROOT, "%.1f", bytes / (double) (1L << (10 * unit)));
        return (text.endsWith(".0") ? text.substring(0, text.length() - 2) : text) + UNITS.charAt(unit - 1);
    }

    /** Returns a time of ISO 8601 without fractions of a second. */
    static String time(String text) {
        return FRACTION.matcher(text).replaceFirst("Z");
    }

    /** Returns a span: {@code 12 ms}, {@code 3.4 s}. */
    static String millis(long millis) {
        return millis < 100 ? millis + " ms" : String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }

    /** Returns the value of a field. */
    static String field(String name, JsonNode value) {
        if (value.isArray()) {
            return StreamSupport.stream(value.spliterator(), false)
                    .map(JsonNode::asText)
                    .collect(Collectors.joining(","));
        }
        if (value.isObject()) {
            return value.properties().stream()
                    .map(part -> part.getKey() + "=" + field(part.getKey(), part.getValue()))
                    .collect(Collectors.joining(" "));
        }
        if (value.isIntegralNumber() && SIZE.matcher(name).matches()) {
            return size(value.asLong());
        }
        if (value.isNull() || value.isMissingNode()) {
            return "";
        }
        return name.endsWith("_at") ? time(value.asText()) : value.asText();
    }
}
