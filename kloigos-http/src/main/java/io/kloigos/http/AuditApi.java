package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.kloigos.Kloigos;
import io.kloigos.inventory.AuditLog;
import io.kloigos.model.AuditEntry;
import io.kloigos.model.AuditEntry.Outcome;
import io.kloigos.model.AuditFilter;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the address of the audit log does. Thread-safe. */
final class AuditApi {
    private static final int DEFAULT_ENTRIES = 100;
    private static final int PAGE = 5000;

    private final AuditLog log;
    private final Answers answers;

    AuditApi(Kloigos kloigos, Answers answers) {
        this.log = kloigos.access().auditLog();
        this.answers = answers;
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, "/api/audit", this::list);
    }

    private enum Format {
        JSON,
        /** One entry a line, all that match. */
        NDJSON,
        /** One entry a line, all that match. */
        CSV;

        static Format parse(String text) {
            return switch (text) {
                case "json" -> JSON;
                case "ndjson" -> NDJSON;
                case "csv" -> CSV;
                default -> throw KloigosException.invalid("format", "is none of json, ndjson, csv");
            };
        }
    }

    /** What is asked for. */
    private record Query(
            AuditFilter filter,
            @Nullable Long before,
            @Nullable Integer limit,
            Format format) {}

    private static Query query(JsonFields fields) {
        return new Query(
                new AuditFilter(
                        fields.optional("who", JsonType.text(), null),
                        fields.optional("role", JsonType.text(Role::parse), null),
                        fields.optional("address", JsonType.text(), null),
                        fields.optional("action", JsonType.text(), null),
                        fields.optional("target", JsonType.text(), null),
                        fields.optional("since", RequestTypes.TIME, null),
                        fields.optional("until", RequestTypes.TIME, null),
                        fields.optional("outcome", JsonType.text(Outcome::parse), null),
                        null),
                fields.optional("before", JsonType.text(AuditApi::number), null),
                fields.optional("limit", JsonType.text(Api::limit), null),
                fields.orElse("format", JsonType.text(Format::parse), Format.JSON));
    }

    private static Long number(String text) {
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException e) {
            throw KloigosException.invalid("int_parsing", "is not a whole number");
        }
    }

    /** An entry as the API tells it; described in the API document under the same name. */
    record AuditEntryResponse(
            long number,
            Instant at,
            String who,
            @Nullable String role,
            @Nullable String tokenId,
            String address,
            String requestId,
            @Nullable String idempotencyKey,
            String action,
            @Nullable String target,
            @Nullable JsonNode before,
            @Nullable JsonNode after,
            String outcome,
            @Nullable String detail) {
        private static final List<String> COLUMNS = List.of(
                "number",
                "at",
                "who",
                "role",
                "token_id",
                "address",
                "request_id",
                "idempotency_key",
                "action",
                "target",
                "before",
                "after",
                "outcome",
                "detail");

        static AuditEntryResponse of(AuditEntry entry) {
            Role role = entry.role();
            return new AuditEntryResponse(
                    entry.number(),
                    entry.at(),
                    entry.who(),
                    role == null ? null : role.toString(),
                    entry.tokenId(),
                    entry.address(),
                    entry.requestId(),
                    entry.idempotencyKey(),
                    entry.action(),
                    entry.target(),
                    json(entry.before()),
                    json(entry.after()),
                    entry.outcome().toString(),
                    entry.detail());
        }

        private static @Nullable JsonNode json(@Nullable String text) {
            return text == null ? null : Json.read(text.getBytes(StandardCharsets.UTF_8));
        }

        /**
         * Returns the entry as a line of RFC 4180. Spreadsheets run a cell that begins like a formula, and anybody may have
         * chosen what is in it.
         */
        String csv() {
            return Stream.<@Nullable Object>of(
                            number,
                            at,
                            who,
                            role,
                            tokenId,
                            address,
                            requestId,
                            idempotencyKey,
                            action,
                            target,
                            before,
                            after,
                            outcome,
                            detail)
                    .map(value -> Objects.toString(value, ""))
                    .map(text -> text.matches("(?s)[=+\\-@\\t\\r].*") ? "'" + text : text)
                    .map(text -> "\"" + text.replace("\"", "\"\"") + "\"")
                    .collect(Collectors.joining(","));
        }
    }

    private void list(Context context) throws IOException {
        RequestReader reader = new RequestReader(context);
        Optional<Query> asked = reader.query(AuditApi::query);
        reader.finish();
        Query query = asked.orElseThrow();
        Role hidden = Gate.caller(context).role() == Role.OPERATOR ? Role.ADMIN : null;
        AuditFilter filter = query.filter().without(hidden);
        switch (query.format()) {
            case JSON ->
                answers.sendAll(
                        context,
                        log
                                .find(
                                        filter,
                                        query.before(),
                                        Objects.requireNonNullElse(query.limit(), DEFAULT_ENTRIES))
                                .stream()
                                .map(AuditEntryResponse::of));
            case NDJSON -> {
                context.contentType("application/x-ndjson");
                export(
                        context,
                        "",
                        filter,
                        query,
                        entry -> new String(Json.write(entry), StandardCharsets.UTF_8) + "\n");
            }
            case CSV -> {
                context.contentType("text/csv;charset=utf-8")
                        .header("Content-Disposition", "attachment; filename=\"kloigos-audit.csv\"");
                export(
                        context,
                        String.join(",", AuditEntryResponse.COLUMNS) + "\r\n",
                        filter,
                        query,
                        entry -> entry.csv() + "\r\n");
            }
        }
    }

    private interface Line {
        String of(AuditEntryResponse entry);
    }

    /** Page by page, so that a long log is never in memory as a whole. */
    private void export(Context context, String head, AuditFilter filter, Query query, Line line) throws IOException {
        LongAnswer.send(context, out -> {
            out.write(head.getBytes(StandardCharsets.UTF_8));
            Long before = query.before();
            int left = Objects.requireNonNullElse(query.limit(), Integer.MAX_VALUE);
            while (left > 0) {
                List<AuditEntry> page = log.find(filter, before, Math.min(PAGE, left));
                for (AuditEntry entry : page) {
                    out.write(line.of(AuditEntryResponse.of(entry)).getBytes(StandardCharsets.UTF_8));
                    before = entry.number();
                }
                left = page.size() < PAGE ? 0 : left - page.size();
            }
        });
    }
}
