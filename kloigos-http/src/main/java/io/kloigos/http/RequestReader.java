package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Faults;
import io.kloigos.model.KloigosException;
import io.kloigos.model.RequestKey;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads the parts of one request and collects what is wrong with all of them. */
final class RequestReader {
    static final int MOST_BODY_BYTES = 1 << 20;

    /** A connection that is closed before its sender was read to the end is cut, and the answer may be lost with it. */
    private static final int MOST_SKIPPED_BYTES = 16 << 20;

    private static final String IDEMPOTENCY_KEY = "Idempotency-Key";

    private final Context context;
    private final Faults faults = new Faults();
    private @Nullable JsonNode read;

    RequestReader(Context context) {
        this.context = context;
    }

    /** Returns what the body says. */
    <T> Optional<T> body(JsonType<T> type) {
        requireJson();
        byte[] bytes = bytes();
        return faults.attempt(
                () -> {
                    JsonNode body = Json.read(bytes);
                    read = body;
                    return type.read(body);
                },
                "body");
    }

    /** Returns what a field of the body names, be the rest of the body right or wrong. */
    Optional<String> named(String field) {
        return Optional.ofNullable(read == null ? null : read.path(field).textValue());
    }

    /** Returns what the query parameters say; each is a string, and one that is not asked for is a fault. */
    <T> Optional<T> query(Function<JsonFields, T> read) {
        ObjectNode parameters = JsonNodeFactory.instance.objectNode();
        context.queryParamMap().forEach((name, values) -> {
            if (values.size() == 1) {
                parameters.put(name, values.get(0));
            } else if (values.isEmpty()) {
                faults.add("malformed", "has a malformed percent-encoding", "query", name);
            } else {
                faults.add("repeated", "is given " + values.size() + " times", "query", name);
            }
        });
        return faults.attempt(() -> JsonType.object(read).read(parameters), "query");
    }

    /** Makes sure that there are no query parameters. */
    RequestReader withoutQuery() {
        query(fields -> fields);
        return this;
    }

    /** Returns what a part of the path says. */
    <T> Optional<T> path(String name, Function<String, T> parse) {
        return faults.attempt(() -> parse.apply(context.pathParam(name)), "path", name);
    }

    /** Returns the key under which the request may be repeated. */
    Optional<RequestKey> requestKey() {
        return faults.attempt(() -> new RequestKey(context.header(IDEMPOTENCY_KEY)), "header", IDEMPOTENCY_KEY);
    }

    /** Throws if anything was wrong. */
    void finish() {
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot read the request");
    }

    /** Returns whether nothing shall be changed. */
    static boolean dryRun(JsonFields query) {
        return flag(query, "dry_run");
    }

    /** Returns a parameter that is {@code true} or {@code false}, the latter unless given. */
    static boolean flag(JsonFields query, String name) {
        return query.orElse(name, JsonType.text(RequestReader::bool), false);
    }

    /** Returns {@code true} or {@code false}. */
    static boolean bool(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw KloigosException.invalid("bool_parsing", "is \"true\" or \"false\"");
        };
    }

    /** Returns a whole number. */
    static int integer(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw KloigosException.invalid("int_parsing", "is not a whole number");
        }
    }

    private void requireJson() {
        String type = Optional.ofNullable(context.contentType()).orElse("").toLowerCase(Locale.ROOT);
        String[] parts = type.split(";", 2);
        String rest = parts.length < 2 ? "" : parts[1].replaceAll("[\\s\"]", "");
        if (!parts[0].strip().equals("application/json") || !(rest.isEmpty() || rest.equals("charset=utf-8"))) {
            throw new HttpResponseException(
                    HttpStatus.UNSUPPORTED_MEDIA_TYPE.getCode(),
                    "The body is read as JSON in UTF-8 only: send \"Content-Type: application/json\".");
        }
    }

    private byte[] bytes() {
        try (InputStream in = context.bodyInputStream()) {
            byte[] bytes = in.readNBytes(MOST_BODY_BYTES + 1);
            if (bytes.length <= MOST_BODY_BYTES) {
                return bytes;
            }
            skipRest(in);
            throw tooLarge();
        } catch (IOException e) {
            throw new HttpResponseException(HttpStatus.BAD_REQUEST.getCode(), "The body ended too early.");
        }
    }

    private static void skipRest(InputStream in) throws IOException {
        byte[] skipped = new byte[1 << 14];
        int count = 0;
        for (int read = in.read(skipped); read > 0 && count < MOST_SKIPPED_BYTES; read = in.read(skipped)) {
            count += read;
        }
    }

    private static HttpResponseException tooLarge() {
        return new HttpResponseException(
                HttpStatus.CONTENT_TOO_LARGE.getCode(), "A body has at most " + MOST_BODY_BYTES + " bytes.");
    }
}
