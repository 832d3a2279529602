package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.model.Faults;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object, read one by one. What is wrong with a field is collected, and a placeholder stands in for its
 * value, so that the other fields and what depends on several of them are checked as well. A placeholder never gets further:
 * the object as a whole is refused.
 */
final class JsonFields {
    private final JsonNode object;
    private final Faults faults = new Faults();
    private final Set<String> known = new LinkedHashSet<>();

    JsonFields(JsonNode object) {
        this.object = object;
    }

    Faults faults() {
        return faults;
    }

    /** Tells whether there is such a field, be it null. */
    boolean has(String name) {
        known.add(name);
        return object.has(name);
    }

    /** Tells whether there is such a field that is not null. */
    boolean hasValue(String name) {
        return has(name) && !object.get(name).isNull();
    }

    /** Returns a field that must be there. */
    <T> T required(String name, JsonType<T> type, T placeholder) {
        if (!has(name)) {
            faults.add("missing", "the field is required", name);
            return placeholder;
        }
        return faults.attempt(() -> type.read(object.get(name)), name).orElse(placeholder);
    }

    /** Returns a field, or null if it is left out or null. */
    <T> @Nullable T optional(String name, JsonType<T> type, @Nullable T placeholder) {
        if (!hasValue(name)) {
            return null;
        }
        var value = faults.attempt(() -> type.read(object.get(name)), name);
        return value.isPresent() ? value.get() : placeholder;
    }

    /** Returns a field, or {@code otherwise} if it is left out, null or faulty. */
    <T> T orElse(String name, JsonType<T> type, T otherwise) {
        T value = optional(name, type, otherwise);
        return value == null ? otherwise : value;
    }

    /** Returns what of a list can be read; the list itself must be there. */
    <T> Listed<T> requiredList(String name, JsonType<T> element) {
        if (!has(name)) {
            faults.add("missing", "the field is required", name);
            return new Listed<>(0, Map.of(), false);
        }
        return list(name, element);
    }

    /** Returns what of a list can be read; none if it is left out or null. */
    <T> Listed<T> optionalList(String name, JsonType<T> element) {
        return !hasValue(name) ? new Listed<>(0, Map.of(), true) : list(name, element);
    }

    private <T> Listed<T> list(String name, JsonType<T> element) {
        JsonNode list = object.get(name);
        if (!list.isArray()) {
            faults.attempt(() -> JsonType.list(element).read(list), name);
            return new Listed<>(0, Map.of(), false);
        }
        Map<Integer, T> readable = new TreeMap<>();
        for (int i = 0; i < list.size(); i++) {
            int index = i;
            faults.attempt(() -> element.read(list.get(index)), name, index)
                    .ifPresent(value -> readable.put(index, value));
        }
        return new Listed<>(list.size(), readable, readable.size() == list.size());
    }

    /** Returns every field, whatever its name, as a plain Java value. */
    Map<String, Object> all() {
        object.fieldNames().forEachRemaining(known::add);
        return Json.toMap(object);
    }

    /** Adds a fault for each field that nobody asked for. */
    void refuseOthers() {
        object.fieldNames().forEachRemaining(name -> {
            if (!known.contains(name)) {
                faults.add("extra_forbidden", "is not known here; " + NearestMatch.hint(name, known), name);
            }
        });
    }

    /**
     * A list of which some elements may be faulty.
     *
     * @param size how many elements it has
     * @param readable the others, by their place
     * @param whole whether it is a list without faulty elements
     */
    record Listed<T>(int size, Map<Integer, T> readable, boolean whole) {
        /** Returns all elements, with placeholders for the faulty ones. */
        List<T> filled(IntFunction<T> placeholder) {
            List<T> all = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                T element = readable.get(i);
                all.add(element == null ? placeholder.apply(i) : element);
            }
            return all;
        }
    }
}
