package io.kloigos.model;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a tenant notes on a unit. Values are a String, a finite Number or a List of Strings, all of whole
 * Unicode characters.
 *
 * @param values by name, in the order given; at most 64, names of 1 to 128 characters, texts of at most 1024
 */
public record Tags(Map<String, Object> values) {
    /** The tag by which the units of one deployment are found. */
    public static final String DEPLOYMENT_ID = "deployment_id";

    private static final int MOST = 64;
    private static final int LONGEST_NAME = 128;
    private static final int LONGEST_TEXT = 1024;
    private static final Tags NONE = new Tags(Map.of());

    public Tags {
        Faults faults = new Faults();
        if (values.size() > MOST) {
            faults.add("tags", values.size() + " tags are more than the " + MOST + " that a unit can have");
        }
        Map<String, Object> copy = new LinkedHashMap<>();
        values.forEach((name, value) -> {
            if (name.isEmpty() || name.length() > LONGEST_NAME) {
                faults.add("tag_name", "a tag's name has 1 to " + LONGEST_NAME + " characters", shortened(name));
            } else if (isText(value) || isFinite(value)) {
                copy.put(name, value);
            } else if (value instanceof List<?> list
                    && list.size() <= MOST
                    && list.stream().allMatch(Tags::isText)) {
                copy.put(name, List.copyOf(list));
            } else {
                faults.add(
                        "tag_value",
                        "a tag's value is a text of at most " + LONGEST_TEXT
                                + " characters, a number, or a list of at most " + MOST + " texts",
                        name);
            }
        });
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot use these tags");
        values = Collections.unmodifiableMap(copy);
    }

    /** Returns no tags. */
    public static Tags none() {
        return NONE;
    }

    private static boolean isText(Object value) {
        return value instanceof String text
                && text.length() <= LONGEST_TEXT
                && StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static boolean isFinite(Object value) {
        return value instanceof Number number && Double.isFinite(number.doubleValue());
    }

    /** Returns them by name, however they were given: equal tags are the same text. */
    @Override
    public String toString() {
        return new TreeMap<>(values).toString();
    }

    private static String shortened(String name) {
        return name.length() <= 40 ? name : name.substring(0, 40) + "...";
    }

    /** Returns the deployment that the unit belongs to, if it is noted as a text or a number. */
    public Optional<String> deploymentId() {
        return text(DEPLOYMENT_ID);
    }

    /** Returns the value of a tag as text, if it is a text or a number. */
    public Optional<String> text(String name) {
        Object value = values.get(name);
        return value instanceof String || value instanceof Number ? Optional.of(value.toString()) : Optional.empty();
    }
}
