package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.model.ByteSize;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * A list for people: a line for each element, its columns aligned.
 *
 * @param columns what of an element is shown
 */
record Table(List<Column> columns) {
    private static final Pattern SIZE = Pattern.compile("memory(_max|_high)?|swap(_max)?|size|(read|write)_bytes");
    private static final String GAP = "  ";

    /**
     * A column.
     *
     * @param title its head
     * @param width whether it is shown on wide screens only
     * @param text what of an element stands in it
     */
    record Column(String title, Width width, Function<JsonNode, String> text) {}

    /** How wide the screen must be. */
    enum Width {
        ANY,
        WIDE
    }

    Table {
        columns = List.copyOf(columns);
    }

    /** Returns a column that shows a field. */
    static Column column(String title, String field) {
        return new Column(title, Width.ANY, node -> scalar(field, node.path(field)));
    }

    /** Returns a column that shows a field where there is room. */
    static Column wide(String title, String field) {
        return new Column(title, Width.WIDE, node -> scalar(field, node.path(field)));
    }

    /** Returns a column that shows what {@code text} says. */
    static Column column(String title, Function<JsonNode, String> text) {
        return new Column(title, Width.ANY, text);
    }

    /** Returns the lines; the first has the titles. */
    List<String> lines(Iterable<JsonNode> elements, OutputFormat format) {
        List<Column> shown = columns.stream()
                .filter(column -> column.width() == Width.ANY || format == OutputFormat.WIDE)
                .toList();
        List<List<String>> rows = new ArrayList<>();
        rows.add(shown.stream().map(Column::title).toList());
        for (JsonNode element : elements) {
            rows.add(shown.stream()
                    .map(column -> orDash(column.text().apply(element)))
                    .toList());
        }
        return aligned(rows);
    }

    private static String orDash(String text) {
        return text.isEmpty() ? "-" : text;
    }

    private static List<String> aligned(List<List<String>> rows) {
        int[] widths = new int[rows.get(0).size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i))
                        .append(" ".repeat(widths[i] - row.get(i).length()))
                        .append(GAP);
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    /** Returns the fields of one object, nested ones below theirs. */
    static List<String> details(JsonNode object) {
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
                addFields(value, indent + GAP, lines);
            } else if (value.isArray() && value.path(0).isObject()) {
                lines.add(indent + field.getKey());
                value.forEach(element -> lines.add(indent + GAP + line(element)));
            } else {
                String padding = " ".repeat(width - field.getKey().length());
                lines.add(indent + field.getKey() + padding + GAP + orDash(scalar(field.getKey(), value)));
            }
        }
    }

    private static String line(JsonNode object) {
        return object.properties().stream()
                .map(field -> field.getKey() + "=" + orDash(scalar(field.getKey(), field.getValue())))
                .collect(Collectors.joining(" "));
    }

    private static String scalar(String name, JsonNode value) {
        if (value.isArray() || value.isObject()) {
            return value.isArray()
                    ? StreamSupport.stream(value.spliterator(), false)
                            .map(JsonNode::asText)
                            .collect(Collectors.joining(","))
                    : line(value);
        }
        if (value.isIntegralNumber() && SIZE.matcher(name).matches()) {
            return new ByteSize(value.asLong()).toString();
        }
        return value.isNull() || value.isMissingNode() ? "" : value.asText();
    }
}
