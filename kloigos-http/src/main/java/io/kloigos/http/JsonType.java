package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Faults;
import io.kloigos.model.KloigosException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** What a JSON value must be. Types of objects and lists are made of the types of their parts, and report all faults at once. */
@FunctionalInterface
interface JsonType<T> {
    /**
     * Returns what the value says.
     *
     * @throws KloigosException INVALID_REQUEST with everything that is wrong with it
     */
    T read(JsonNode node);

    /** A string. */
    static JsonType<String> text() {
        return node -> {
            if (!node.isTextual()) {
                throw KloigosException.invalid("string_type", "must be a string, not " + kind(node));
            }
            if (node.textValue().indexOf('\0') >= 0) {
                throw KloigosException.invalid("string_nul", "must not hold U+0000, which no database keeps");
            }
            return node.textValue();
        };
    }

    /** A string that {@code parse} understands. */
    static <T> JsonType<T> text(Function<String, T> parse) {
        return node -> parse.apply(text().read(node));
    }

    /** A whole number of 32 bits. */
    static JsonType<Integer> integer() {
        return node -> {
            if (!node.isIntegralNumber() || !node.canConvertToInt()) {
                throw KloigosException.invalid("int_type", "must be a whole number, not " + kind(node));
            }
            return node.intValue();
        };
    }

    /** A whole number of 64 bits. */
    static JsonType<Long> count() {
        return node -> {
            if (!node.isIntegralNumber() || !node.canConvertToLong()) {
                throw KloigosException.invalid("int_type", "must be a whole number, not " + kind(node));
            }
            return node.longValue();
        };
    }

    /** A number of bytes, or a string such as {@code "512M"}. */
    static JsonType<ByteSize> size() {
        return node -> {
            if (node.isTextual()) {
                return ByteSize.parse(node.textValue());
            }
            if (node.isIntegralNumber() && node.canConvertToLong()) {
                return new ByteSize(node.longValue());
            }
            throw KloigosException.invalid(
                    "size_type", "must be a whole number of bytes or a string such as \"512M\", not " + kind(node));
        };
    }

    /** An array. */
    static <T> JsonType<List<T>> list(JsonType<T> element) {
        return node -> {
            Faults faults = new Faults();
            List<T> elements = new ArrayList<>();
            requireArray(node);
            for (int i = 0; i < node.size(); i++) {
                JsonNode one = node.get(i);
                faults.attempt(() -> element.read(one), i).ifPresent(elements::add);
            }
            faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot read the list");
            return elements;
        };
    }

    /** An object, of whose fields {@code read} makes the value; a field that it does not ask for is a fault. */
    static <T> JsonType<T> object(Function<JsonFields, T> read) {
        return node -> {
            if (!node.isObject()) {
                throw KloigosException.invalid("dict_type", "must be an object, not " + kind(node));
            }
            JsonFields fields = new JsonFields(node);
            Optional<T> value = fields.faults().attempt(() -> read.apply(fields));
            fields.refuseOthers();
            fields.faults().throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot read the object");
            return value.orElseThrow();
        };
    }

    /** Throws unless the value is an array. */
    static void requireArray(JsonNode node) {
        if (!node.isArray()) {
            throw KloigosException.invalid("list_type", "must be a list, not " + kind(node));
        }
    }

    private static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case NUMBER -> {
                String number = node.asText();
                yield number.length() <= 40 ? number : number.substring(0, 40) + "...";
            }
            case OBJECT -> "an object";
            case ARRAY -> "a list";
            default -> node.getNodeType().name().toLowerCase(Locale.ROOT);
        };
    }
}
