package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kloigos.http.ApiClient.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;

/** The API document, and whether JSON is as it says. Knows as much of JSON Schema as the document uses. */
final class OpenApiDocument {
    private static final Set<String> KEYWORDS = Set.of(
            "$ref",
            "type",
            "description",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "oneOf",
            "enum",
            "pattern",
            "minimum",
            "maximum",
            "minItems",
            "maxItems",
            "maxLength",
            "maxProperties",
            "format",
            "default",
            "examples");

    private final JsonNode root;

    OpenApiDocument(byte[] json) {
        try {
            root = new ObjectMapper().readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    JsonNode root() {
        return root;
    }

    /** Returns what it describes, such as {@code GET /healthz}. */
    Set<String> routes() {
        Set<String> routes = new TreeSet<>();
        root.get("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .fieldNames()
                        .forEachRemaining(method -> routes.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        return routes;
    }

    /** Returns the names of everything that a body or a query may have. */
    Set<String> requestFields() {
        Set<String> fields = new TreeSet<>();
        root.get("paths")
                .forEach(path -> path.forEach(operation -> {
                    operation.path("parameters").forEach(parameter -> {
                        if (parameter.path("in").asText().equals("query")) {
                            fields.add(parameter.get("name").asText());
                        }
                    });
                    operation
                            .at("/requestBody/content")
                            .forEach(content -> collectFields(content.get("schema"), fields));
                }));
        return fields;
    }

    private void collectFields(JsonNode reference, Set<String> fields) {
        JsonNode schema = resolved(reference);
        schema.path("properties").properties().forEach(property -> {
            fields.add(property.getKey());
            collectFields(property.getValue(), fields);
        });
        schema.path("oneOf").forEach(option -> collectFields(option, fields));
        if (schema.has("items")) {
            collectFields(schema.get("items"), fields);
        }
    }

    /** Returns how the answer differs from what is described for this route. */
    List<String> faults(String method, String path, Answer answer) {
        JsonNode responses =
                root.get("paths").get(path).get(method.toLowerCase(Locale.ROOT)).get("responses");
        JsonNode response = responses.get(Integer.toString(answer.status()));
        if (response == null) {
            return List.of("status " + answer.status() + " is not described");
        }
        JsonNode content = resolved(response).get("content").get(answer.header("Content-Type"));
        if (content == null) {
            return List.of("content type " + answer.header("Content-Type") + " is not described");
        }
        return faults(content.get("schema"), answer.body());
    }

    /** Returns how the value differs from what the schema says. */
    List<String> faults(JsonNode schema, JsonNode value) {
        List<String> faults = new ArrayList<>();
        check(schema, value, "", faults);
        return faults;
    }

    private JsonNode resolved(JsonNode node) {
        return node.has("$ref") ? root.at(node.get("$ref").asText().substring(1)) : node;
    }

    private void check(JsonNode reference, JsonNode value, String where, List<String> faults) {
        JsonNode schema = resolved(reference);
        schema.fieldNames().forEachRemaining(keyword -> {
            if (!KEYWORDS.contains(keyword)) {
                faults.add(where + ": unknown keyword " + keyword);
            }
        });
        if (schema.has("oneOf")) {
            long matching = StreamSupport.stream(schema.get("oneOf").spliterator(), false)
                    .filter(option -> faults(option, value).isEmpty())
                    .count();
            if (matching != 1) {
                faults.add(where + ": matches " + matching + " of oneOf: " + value);
            }
            return;
        }
        if (schema.has("type") && !hasType(schema.get("type"), value)) {
            faults.add(where + ": is no " + schema.get("type") + ": " + value);
        }
        if (schema.has("enum") && !contains(schema.get("enum"), value)) {
            faults.add(where + ": is none of " + schema.get("enum") + ": " + value);
        }
        if (schema.has("pattern")
                && value.isTextual()
                && !value.asText().matches(schema.get("pattern").asText())) {
            faults.add(where + ": does not match " + schema.get("pattern") + ": " + value);
        }
        if (value.isObject()) {
            checkObject(schema, value, where, faults);
        }
        if (value.isArray() && schema.has("items")) {
            for (int i = 0; i < value.size(); i++) {
                check(schema.get("items"), value.get(i), where + "[" + i + "]", faults);
            }
        }
    }

    private void checkObject(JsonNode schema, JsonNode value, String where, List<String> faults) {
        for (JsonNode name : schema.path("required")) {
            if (!value.has(name.asText())) {
                faults.add(where + ": lacks " + name);
            }
        }
        value.properties().forEach(field -> {
            JsonNode property = schema.path("properties").path(field.getKey());
            JsonNode others = schema.path("additionalProperties");
            if (!property.isMissingNode()) {
                check(property, field.getValue(), where + "." + field.getKey(), faults);
            } else if (others.isObject()) {
                check(others, field.getValue(), where + "." + field.getKey(), faults);
            } else if (others.isBoolean()) {
                faults.add(where + ": has " + field.getKey());
            }
        });
    }

    private static boolean contains(JsonNode options, JsonNode value) {
        return StreamSupport.stream(options.spliterator(), false).anyMatch(value::equals);
    }

    private static boolean hasType(JsonNode type, JsonNode value) {
        if (type.isArray()) {
            return StreamSupport.stream(type.spliterator(), false).anyMatch(each -> hasType(each, value));
        }
        return switch (type.asText()) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isTextual();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            case "null" -> value.isNull();
            default -> false;
        };
    }
}
