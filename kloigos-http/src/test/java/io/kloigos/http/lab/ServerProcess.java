package io.kloigos.http.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kloigos.testkit.lab.Lab;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/** {@code kloigos serve} as a process of its own, so that a test can kill it, and its API. */
final class ServerProcess implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(6);

    private final Process process;
    private final String base;
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    /**
     * An answer.
     *
     * @param status the HTTP status
     * @param body the JSON body
     * @param operation the operation's id, or an empty text
     */
    record Answer(int status, JsonNode body, String operation) {
        Answer expect(int wanted) {
            if (status != wanted) {
                throw new AssertionError("expected HTTP " + wanted + ", got " + status + ": " + body);
            }
            return this;
        }
    }

    private ServerProcess(Process process, String base) {
        this.process = process;
        this.base = base;
    }

    static ServerProcess start(Path database, Lab lab) {
        try {
            Process process = new ProcessBuilder(List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            "io.kloigos.command.KloigosCommand",
                            "serve",
                            "--listen",
                            "127.0.0.1:0",
                            "--database",
                            database.toString(),
                            "--ssh-key",
                            lab.privateKey().toString()))
                    .redirectError(ProcessBuilder.Redirect.appendTo(
                            database.resolveSibling("server.log").toFile()))
                    .start();
            BufferedReader out =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            String ready = out.readLine();
            if (ready == null) {
                throw new AssertionError(
                        "the server ended before it was ready; see " + database.resolveSibling("server.log"));
            }
            return new ServerProcess(
                    process, ready.substring(ready.indexOf("http")).strip() + "/api");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Answer get(String path) {
        return send(HttpRequest.newBuilder(URI.create(base + path)).GET());
    }

    Answer post(String path, String json) {
        return send(HttpRequest.newBuilder(URI.create(base + path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    Answer delete(String path) {
        return send(HttpRequest.newBuilder(URI.create(base + path)).DELETE());
    }

    private Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response =
                    client.send(request.timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofString());
            return new Answer(
                    response.statusCode(),
                    response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body()),
                    response.headers().firstValue("X-Operation-Id").orElse(""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    JsonNode unit(String computeId) {
        return get("/compute_units/" + computeId).expect(200).body();
    }

    /** Waits until the operation has ended and returns it. */
    JsonNode ended(String operationId) {
        return operation(
                operationId, operation -> operation.get("state").asText().matches("succeeded|failed"));
    }

    /** Waits until the operation has ended, which must have gone well. */
    JsonNode succeeded(String operationId) {
        JsonNode operation = ended(operationId);
        if (!operation.get("state").asText().equals("succeeded")) {
            throw new AssertionError("operation failed: " + operation.toPrettyString());
        }
        return operation;
    }

    /** Waits until the operation is as wanted and returns it. */
    JsonNode operation(String operationId, Predicate<JsonNode> wanted) {
        return Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> get("/operations/" + operationId).expect(200).body(), wanted);
    }

    /** Ends the server without a chance to clean up. */
    void kill9() {
        process.destroyForcibly();
        waitForEnd();
    }

    @Override
    public void close() {
        process.destroy();
        waitForEnd();
    }

    private void waitForEnd() {
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("the server did not end within 60 s of SIGTERM");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
