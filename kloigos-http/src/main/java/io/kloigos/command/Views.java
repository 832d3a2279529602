package io.kloigos.command;

import static io.kloigos.command.Table.column;
import static io.kloigos.command.Table.wide;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** What people see of each kind of thing. */
final class Views {
    static final Table UNITS = new Table(List.of(
            column("UNIT", "compute_id"),
            column("STATUS", Views::status),
            column("CPUS", "cpu_range"),
            column("PORTS", "ports_range"),
            column(
                    "LOGIN",
                    unit -> unit.path("user").asText() + "@" + unit.path("ip").asText()),
            column("DEPLOYMENT", unit -> unit.path("tags").path("deployment_id").asText()),
            wide("SERVER", "hostname"),
            wide("REGION", "region"),
            wide("ZONE", "zone"),
            wide("OWNER", "owner"),
            new Table.Column("MEMORY", Table.Width.WIDE, Views::memory),
            wide("SINCE", "started_at"),
            wide("EXPIRES", "expires_at"),
            wide("REASON", "reason")));

    static final Table SERVERS = new Table(List.of(
            column("SERVER", "hostname"),
            column(
                    "STATUS",
                    server -> server.path("status").asText()
                            + (server.path("cordoned").asBoolean() ? ",cordoned" : "")),
            column("ADDRESS", "ip"),
            column("REGION", "region"),
            column("ZONE", "zone"),
            column("CPUS", server -> server.path("facts").path("cpu_count").asText()),
            column("WARNINGS", server -> String.valueOf(server.path("warnings").size())),
            new Table.Column("OS", Table.Width.WIDE, server -> fact(server, "os")),
            new Table.Column("KERNEL", Table.Width.WIDE, server -> fact(server, "kernel")),
            new Table.Column("SYSTEMD", Table.Width.WIDE, server -> fact(server, "systemd_version")),
            wide("HOUSEKEEPING", "housekeeping_cpus"),
            new Table.Column("REASON", Table.Width.WIDE, Views::reason)));

    static final Table OPERATIONS = new Table(List.of(
            column("OPERATION", "id"),
            column("KIND", "kind"),
            column("ON", Views::target),
            column("STATE", "state"),
            column("CREATED", "created_at"),
            column("TOOK", Views::took),
            wide("ATTEMPT", "attempt"),
            wide("OWNER", "owner"),
            wide("ERROR", "error")));

    static final Table STEPS = new Table(List.of(
            column("STATE", "state"),
            column(
                    "TOOK",
                    step -> isDone(step) ? Rounded.millis(step.path("millis").asLong()) : ""),
            column("STEP", "description"),
            column("DETAIL", "detail")));

    static final Table DRIFT = new Table(List.of(
            column("SERVER", "hostname"),
            column(
                    "DIFFERENT",
                    report -> Integer.toString(report.path("deviations").size())),
            column("FACTS", "facts"),
            column("LOOKED AT", "checked_at")));

    static final Table DEVIATIONS = new Table(List.of(
            column("FACT", "kind"),
            column("UNIT", "compute_id"),
            column("SUBJECT", "subject"),
            column("EXPECTED", "expected"),
            column("ACTUAL", "actual"),
            column("REMEDY", "remedy")));

    static final Table FINDINGS =
            new Table(List.of(column("TRACE", "trace"), column("STATE", "state"), column("DETAIL", "detail")));

    private Views() {}

    /** Returns the list of API tokens as they are now. */
    static Table tokens(Instant now) {
        return new Table(List.of(
                column("ID", "token_id"),
                column("NAME", "name"),
                column("ROLE", "role"),
                column("TENANT", "tenant"),
                column("EXPIRES", "expires_at"),
                column("LAST USED", "last_used_at"),
                wide("CREATED", "created_at"),
                wide("CREATED BY", "created_by"),
                column("STATE", token -> state(token, now))));
    }

    private static String state(JsonNode token, Instant now) {
        if (token.hasNonNull("revoked_at")) {
            return "revoked";
        }
        boolean over = token.hasNonNull("expires_at")
                && !Instant.parse(token.get("expires_at").asText()).isAfter(now);
        return over ? "expired" : "valid";
    }

    private static String status(JsonNode unit) {
        return unit.path("status").asText() + (unit.path("stopped").asBoolean() ? ",stopped" : "");
    }

    private static String memory(JsonNode unit) {
        return Rounded.size(unit.path("limits").path("memory_max").asLong());
    }

    private static String fact(JsonNode server, String name) {
        return server.path("facts").path(name).asText();
    }

    private static String reason(JsonNode server) {
        return server.hasNonNull("reason")
                ? server.get("reason").asText()
                : server.path("cordon_reason").asText("");
    }

    /** Returns what an operation is about. */
    static String target(JsonNode operation) {
        return operation.hasNonNull("compute_id")
                ? operation.get("compute_id").asText()
                : operation.path("hostname").asText();
    }

    private static String took(JsonNode operation) {
        if (!operation.hasNonNull("started_at") || !operation.hasNonNull("ended_at")) {
            return "";
        }
        Duration time = Duration.between(
                Instant.parse(operation.get("started_at").asText()),
                Instant.parse(operation.get("ended_at").asText()));
        return Rounded.millis(time.toMillis());
    }

    /** Returns an event in words. */
    static String event(String name, JsonNode data) {
        return switch (name) {
            case "unit" -> "unit " + data.path("compute_id").asText() + " is " + status(data);
            case "unit_expiring" ->
                "unit " + data.path("compute_id").asText() + " expires at "
                        + Rounded.time(data.path("expires_at").asText());
            case "server" ->
                "server " + data.path("hostname").asText() + " is "
                        + data.path("status").asText()
                        + (data.path("cordoned").asBoolean() ? ",cordoned" : "");
            case "drift" ->
                "server " + data.path("hostname").asText() + " differs in "
                        + data.path("deviations").size() + " facts";
            case "unit_gone" -> "unit " + data.path("compute_id").asText() + " is no longer yours";
            case "operation" -> {
                long done = steps(data).stream().filter(Views::isDone).count();
                yield "operation " + data.path("id").asText() + " ("
                        + data.path("kind").asText() + " of "
                        + target(data) + ") " + data.path("state").asText()
                        + (steps(data).isEmpty()
                                ? ""
                                : ", " + done + " of " + steps(data).size() + " steps");
            }
            default -> name + " " + data;
        };
    }

    /** Returns the steps of an operation. */
    static List<JsonNode> steps(JsonNode operation) {
        List<JsonNode> steps = new java.util.ArrayList<>();
        operation.path("steps").forEach(steps::add);
        return steps;
    }

    /** Tells whether a step has ended. */
    static boolean isDone(JsonNode step) {
        String state = step.path("state").asText();
        return !state.equals("pending") && !state.equals("running");
    }
}
