package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** One thing for people: a line for each of its fields, nested ones below theirs, and lists of things as tables. */
final class Details {
    private static final String INDENT = "  ";

    private Details() {}

    /** Returns the lines. */
    static List<String> lines(JsonNode object) {
        List<String> lines = new ArrayList<>();
        addFields(object, "", lines);
        return lines;
    }

    private static void addFields(JsonNode object, String indent, List<String> lines) {
        int width = 0;
        for (var field : object.properties()) {
            width = Math.max(width, field.getKey().length());
        }
        for (var field : object.properties()) {
            JsonNode value = field.getValue();
            if (value.isObject() && !value.isEmpty()) {
                lines.add(indent + field.getKey());
                addFields(value, indent + INDENT, lines);
            } else if (value.isArray() && value.path(0).isObject()) {
                lines.add(indent + field.getKey());
                table(field.getKey(), value)
                        .lines(value, OutputFormat.TABLE)
                        .forEach(line -> lines.add(indent + INDENT + line));
            } else {
                String padding = " ".repeat(width - field.getKey().length());
                lines.add(
                        indent + field.getKey() + padding + INDENT + Table.shown(Rounded.field(field.getKey(), value)));
            }
        }
    }

    private static Table table(String field, JsonNode elements) {
        if (field.equals("steps")) {
            return Views.STEPS;
        }
        Set<String> names = new LinkedHashSet<>();
        elements.forEach(element -> element.fieldNames().forEachRemaining(names::add));
        return new Table(names.stream()
                .map(name -> Table.column(name.toUpperCase(Locale.ROOT).replace('_', ' '), name))
                .toList());
    }
}
