package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.ApiConnection;
import io.kloigos.client.ApiRequest;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;

/** One command's talk with a server and with the user. */
record Session(
        ApiConnection api,
        Surroundings surroundings,
        OutputFormat format,
        PrintWriter out,
        PrintWriter err,
        Progress progress) {
    JsonNode get(String path, String... parts) {
        return api.get(path, parts);
    }

    JsonNode send(ApiRequest request) {
        return api.send(request).body();
    }

    /** Returns the elements of a list that comes page by page. */
    ArrayNode list(ApiRequest request, int most) {
        return api.list(request, most);
    }

    Printer printer() {
        return new Printer(format, out);
    }

    /** Prints a list. */
    ExitStatus list(JsonNode array, Table table) {
        return printer().list(array, table);
    }

    /** Prints one thing with all its fields. */
    ExitStatus show(JsonNode object) {
        return printer().show(object);
    }

    /** Prints one thing after it was changed. */
    ExitStatus changed(JsonNode object, Table table) {
        return printer().changed(object, table);
    }

    /** Prints what would be done. */
    ExitStatus plan(JsonNode preview) {
        if (!format.isForPeople()) {
            return show(preview);
        }
        list(preview.path("units"), Views.UNITS);
        out.println();
        int number = 0;
        for (JsonNode step : preview.path("plan").path("steps")) {
            out.printf("%3d  %s%n", ++number, Printable.line(step.asText()));
        }
        return ExitStatus.OK;
    }

    /** Waits until an operation has ended, showing its steps, and prints how. */
    ExitStatus follow(String operationId) {
        JsonNode ended = progress.until(operationId);
        if (!format.isForPeople()) {
            show(ended);
        }
        return say(ended);
    }

    /**
     * Waits until operations that one answer named have ended, and prints for a program the answer with those in their place.
     *
     * @param answer has the operations in its field {@code operations}
     */
    ExitStatus followAll(ObjectNode answer) {
        ArrayNode ended = answer.arrayNode();
        answer.path("operations")
                .forEach(operation ->
                        ended.add(progress.until(operation.path("id").asText())));
        if (!format.isForPeople()) {
            answer.set("operations", ended);
            show(answer);
        }
        ExitStatus worst = ExitStatus.OK;
        for (JsonNode operation : ended) {
            ExitStatus status = say(operation);
            worst = status == ExitStatus.OK ? worst : status;
        }
        return worst;
    }

    private ExitStatus say(JsonNode ended) {
        String operationId = ended.path("id").asText();
        String what = ended.path("kind").asText() + " of " + Views.target(ended);
        String state = ended.path("state").asText();
        if (state.equals("succeeded")) {
            if (format.isForPeople()) {
                out.println(what + " succeeded (operation " + operationId + ")");
            }
            return ExitStatus.OK;
        }
        String again = ended.path("kind").asText().equals("repair")
                ? "kloigos server repair " + ended.path("hostname").asText()
                : "kloigos operation retry " + operationId;
        err.println("kloigos: " + what + " " + state + ": "
                + Printable.text(ended.path("error").asText("")) + " Try again by: " + again);
        return ExitStatus.FAILED;
    }

    /** Says what was begun, without waiting for it. */
    ExitStatus begun(String operationId) {
        JsonNode operation = get("/api/operations/{}", operationId);
        if (!format.isForPeople()) {
            return show(operation);
        }
        out.println(operationId);
        return ExitStatus.OK;
    }

    /**
     * Makes the user type the name of what is about to be destroyed.
     *
     * @throws KloigosException INVALID_REQUEST if the user types anything else
     */
    void confirm(String name, String consequence) {
        err.print(consequence + " Type " + name + " to go on: ");
        err.flush();
        String typed;
        try {
            typed = surroundings.in().readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (typed == null || !typed.strip().equals(name)) {
            err.println();
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Nothing was done",
                    List.of(io.kloigos.model.Fault.of(
                            "not_confirmed", "not confirmed, so nothing was done; scripts say --yes")));
        }
    }
}
