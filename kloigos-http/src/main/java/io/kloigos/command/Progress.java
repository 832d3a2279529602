package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.client.ApiConnection;
import io.kloigos.model.KloigosException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Shows what goes on meanwhile, if it takes longer than the user's patience. */
final class Progress {
    private static final Duration PERIOD = Duration.ofMillis(200);
    private static final int WIDEST = 100;

    private final ApiConnection api;
    private final PrintWriter err;
    private final Surroundings.Screen screen;
    private final long loudFrom;
    private int told;
    private boolean lineIsOpen;

    Progress(ApiConnection api, PrintWriter err, Surroundings.Screen screen, Duration patience) {
        this.api = api;
        this.err = err;
        this.screen = screen;
        this.loudFrom = System.nanoTime() + patience.toNanos();
    }

    /** Returns an operation when it has ended. */
    JsonNode until(String operationId) {
        JsonNode operation = api.get("/api/operations/{}", operationId);
        boolean waited = isUnderWay(operation);
        while (isUnderWay(operation)) {
            show(operation);
            pause();
            operation = api.get("/api/operations/{}", operationId);
        }
        if (waited) {
            show(operation);
        }
        closeLine();
        told = 0;
        return operation;
    }

    /** Returns what {@code work} returns, and meanwhile shows the operation that {@code under} finds. */
    <T> T during(Supplier<T> work, Supplier<Optional<String>> under) {
        CompletableFuture<T> future = CompletableFuture.supplyAsync(work);
        boolean waited = false;
        try {
            while (true) {
                try {
                    T result = future.get(PERIOD.toMillis(), TimeUnit.MILLISECONDS);
                    if (waited) {
                        look(under);
                    }
                    return result;
                } catch (TimeoutException e) {
                    waited = true;
                    look(under);
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof KloigosException refusal) {
                throw refusal;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            closeLine();
        }
    }

    /** What cannot be shown does not end the work. */
    private void look(Supplier<Optional<String>> under) {
        if (isLoud()) {
            try {
                under.get().ifPresent(id -> show(api.get("/api/operations/{}", id)));
            } catch (KloigosException e) {
                closeLine();
            }
        }
    }

    private boolean isLoud() {
        return System.nanoTime() >= loudFrom;
    }

    private static boolean isUnderWay(JsonNode operation) {
        String state = operation.path("state").asText();
        return state.equals("pending") || state.equals("running");
    }

    private void show(JsonNode operation) {
        if (!isLoud()) {
            return;
        }
        List<JsonNode> steps = Views.steps(operation);
        if (screen == Surroundings.Screen.TERMINAL) {
            long done = steps.stream().filter(Views::isDone).count();
            String current = steps.stream()
                    .filter(step -> !Views.isDone(step))
                    .map(step -> Printable.line(step.path("description").asText()))
                    .findFirst()
                    .orElse("");
            rewrite("%d/%d %s".formatted(done, steps.size(), current));
            told++;
            return;
        }
        for (; told < steps.size() && Views.isDone(steps.get(told)); told++) {
            JsonNode step = steps.get(told);
            err.printf(
                    "%3d/%d  %-9s  %5d ms  %s%n",
                    told + 1,
                    steps.size(),
                    step.path("state").asText(),
                    step.path("millis").asLong(),
                    Printable.line(step.path("description").asText()));
        }
        err.flush();
    }

    private void rewrite(String text) {
        // ECMA-48: to the first column, and erase to the end of the line.
        err.print("\r\u001b[K" + (text.length() <= WIDEST ? text : text.substring(0, WIDEST)));
        err.flush();
        lineIsOpen = true;
    }

    private void closeLine() {
        if (lineIsOpen) {
            rewrite("");
            lineIsOpen = false;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PERIOD.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
