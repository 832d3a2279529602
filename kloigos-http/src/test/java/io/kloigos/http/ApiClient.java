package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Calls the HTTP API of a server. */
public final class ApiClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(6);

    private final String base;
    private final HttpClient client;
    private final String[] always;

    /** A client of the server at {@code base}, e.g. {@code http://127.0.0.1:8080}. */
    public ApiClient(String base) {
        this(
                base,
                HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build());
    }

    /** As that client, which sends by {@code client} and always these headers. */
    public ApiClient(String base, HttpClient client, String... always) {
        this.base = base;
        this.client = client;
        this.always = always;
    }

    /** Returns what every path is appended to. */
    public String base() {
        return base;
    }

    /** Returns a client of the same server that sends these headers with each request, and no others. */
    public ApiClient with(String... headers) {
        return new ApiClient(base, client, headers);
    }

    /** Returns a client of the same server that sends a token with each request. */
    public ApiClient withToken(String token) {
        return with("Authorization", "Bearer " + token);
    }

    /**
     * An answer.
     *
     * @param status the HTTP status
     * @param headers the headers
     * @param text the body
     */
    public record Answer(int status, HttpHeaders headers, String text) {
        /** Returns the body as JSON. */
        public JsonNode body() {
            try {
                return JSON.readTree(text);
            } catch (IOException e) {
                throw new AssertionError("not JSON: " + text, e);
            }
        }

        /** Returns the header, or an empty text. */
        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        /** Returns the id of the operation that goes on in the background, or an empty text. */
        public String operation() {
            return header("X-Operation-Id");
        }

        /** Returns this answer if it has the status. */
        public Answer expect(int wanted) {
            if (status != wanted) {
                throw new AssertionError("expected HTTP " + wanted + ", got " + status + ": " + text);
            }
            return this;
        }
    }

    public Answer get(String path) {
        return send("GET", path, HttpRequest.BodyPublishers.noBody());
    }

    public Answer post(String path, String json) {
        return send("POST", path, HttpRequest.BodyPublishers.ofString(json), "Content-Type", "application/json");
    }

    public Answer delete(String path) {
        return send("DELETE", path, HttpRequest.BodyPublishers.noBody());
    }

    public Answer send(String method, String path, HttpRequest.BodyPublisher body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .method(method, body)
                .timeout(PATIENCE);
        if (headers.length > 0) {
            request.headers(headers);
        }
        if (always.length > 0) {
            request.headers(always);
        }
        HttpResponse<String> response = send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.headers(), response.body());
    }

    /** Returns the body of an endless answer, which the caller closes. */
    public InputStream stream(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + path)).header("Accept", "text/event-stream");
        if (always.length > 0) {
            request.headers(always);
        }
        return send(request.build(), HttpResponse.BodyHandlers.ofInputStream()).body();
    }

    private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
        try {
            return client.send(request, handler);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
