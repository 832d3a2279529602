package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.PrintWriter;
import java.util.List;

/**
 * Where and how answers are printed.
 *
 * @param format for whom
 * @param out where
 */
record Printer(OutputFormat format, PrintWriter out) {
    /** Prints a list. */
    ExitStatus list(JsonNode array, Table table) {
        if (format.isForPeople()) {
            table.lines(array, format).forEach(out::println);
        } else {
            out.println(format.print(array));
        }
        return ExitStatus.OK;
    }

    /** Prints one thing with all its fields. */
    ExitStatus show(JsonNode object) {
        if (format.isForPeople()) {
            Details.lines(object).forEach(out::println);
        } else {
            out.println(format.print(object));
        }
        return ExitStatus.OK;
    }

    /** Prints one thing after it was changed. */
    ExitStatus changed(JsonNode object, Table table) {
        return format.isForPeople()
                ? list(new ArrayNode(JsonNodeFactory.instance, List.of(object)), table)
                : show(object);
    }
}
