package io.kloigos.http.lab;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.lab.Lab;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/** {@code kloigos serve} as a process of its own, so that a test can kill it, and its API. */
final class ServerProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(6);

    private final Process process;
    private final ApiClient api;

    private ServerProcess(Process process, ApiClient api) {
        this.process = process;
        this.api = api;
    }

    /** Starts a server on a SQLite file, beside which its log is. */
    static ServerProcess start(Path database, Lab lab) {
        return start(database.toString(), database.resolveSibling("server.log"), lab);
    }

    static ServerProcess start(String database, Path log, Lab lab) {
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
                            database,
                            "--ssh-key",
                            lab.privateKey().toString()))
                    .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            BufferedReader out =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            String ready = out.readLine();
            if (ready == null) {
                throw new AssertionError("the server ended before it was ready; see " + log);
            }
            return new ServerProcess(process, new ApiClient(ready.substring(ready.indexOf("http")) + "/api"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the address of its console. */
    String console() {
        return api.base().replaceFirst("/api$", "");
    }

    Answer get(String path) {
        return api.get(path);
    }

    Answer post(String path, String json) {
        return api.post(path, json);
    }

    Answer send(String method, String path, String json) {
        return api.send(method, path, BodyPublishers.ofString(json), "Content-Type", "application/json");
    }

    Answer delete(String path) {
        return api.delete(path);
    }

    JsonNode unit(String computeId) {
        return get("/compute_units/" + computeId).expect(200).body();
    }

    /** Waits until the operation has ended and returns it. */
    JsonNode ended(String operationId) {
        return operation(
                operationId, operation -> operation.get("state").asText().matches("succeeded|failed|cancelled"));
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
