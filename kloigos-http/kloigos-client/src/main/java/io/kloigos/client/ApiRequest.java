package io.kloigos.client;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.model.RequestKey;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One request to the API of a Kloigos server.
 *
 * @param method the HTTP method
 * @param path the path, with its parts percent-encoded
 * @param query the query parameters
 * @param body what is sent as JSON; null for nothing
 * @param idempotencyKey under which the server does it once only; null if it knows no key for this
 */
public record ApiRequest(
        String method,
        String path,
        Map<String, String> query,
        @Nullable JsonNode body,
        @Nullable String idempotencyKey) {
    public ApiRequest {
        Objects.requireNonNull(method);
        Objects.requireNonNull(path);
        query = Map.copyOf(query);
    }

    /**
     * Returns a request without query, body or key.
     *
     * @param path the path, in which each {@code {}} stands for one of {@code parts}
     * @param parts any texts, which are percent-encoded
     */
    public static ApiRequest of(String method, String path, String... parts) {
        String filled = path;
        for (String part : parts) {
            int place = filled.indexOf("{}");
            filled = filled.substring(0, place) + encoded(part) + filled.substring(place + 2);
        }
        return new ApiRequest(method, filled, Map.of(), null, null);
    }

    /** Returns this request with a query parameter, unless {@code value} is null. */
    public ApiRequest with(String parameter, @Nullable Object value) {
        if (value == null) {
            return this;
        }
        Map<String, String> more = new LinkedHashMap<>(query);
        more.put(parameter, value.toString());
        return new ApiRequest(method, path, more, body, idempotencyKey);
    }

    /** Returns this request with a body. */
    public ApiRequest with(JsonNode json) {
        return new ApiRequest(method, path, query, json, idempotencyKey);
    }

    /** Returns this request asking for what would be done, which changes nothing. */
    public ApiRequest dryRun() {
        return with("dry_run", true);
    }

    /** Returns this request, done once however often it is sent. */
    public ApiRequest once() {
        return once(RequestKey.of(UUID.randomUUID().toString()));
    }

    /** Returns this request, done once for all requests with this key, or by itself if that is none. */
    public ApiRequest once(RequestKey key) {
        String text = key.text();
        return text == null ? once() : new ApiRequest(method, path, query, body, text);
    }

    /** Tells whether doing it twice is the same as doing it once. */
    boolean isRepeatable() {
        return idempotencyKey != null || method.equals("GET") || method.equals("PUT");
    }

    /** Returns the path and the query. */
    String target() {
        return query.isEmpty()
                ? path
                : path + "?"
                        + query.entrySet().stream()
                                .map(entry -> encoded(entry.getKey()) + "=" + encoded(entry.getValue()))
                                .sorted()
                                .collect(Collectors.joining("&"));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
