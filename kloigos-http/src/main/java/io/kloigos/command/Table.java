package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A list for people: a line for each element, its columns aligned.
 *
 * @param columns what of an element is shown
 */
record Table(List<Column> columns) {
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
        return new Column(title, Width.ANY, node -> Rounded.field(field, node.path(field)));
    }

    /** Returns a column that shows a field where there is room. */
    static Column wide(String title, String field) {
        return new Column(title, Width.WIDE, node -> Rounded.field(field, node.path(field)));
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
                    .map(column -> shown(column.text().apply(element)))
                    .toList());
        }
        return aligned(rows);
    }

    /** Returns a text as it is shown among others: a dash if it is empty, and none of its characters moves or colours anything. */
    static String shown(String text) {
        return text.isEmpty() ? "-" : Printable.line(text);
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
}
