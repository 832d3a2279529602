package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.kloigos.http.Readiness.State;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;

/** What the addresses do that load balancers and monitoring systems ask. Thread-safe. */
final class MonitoringApi {
    private final Readiness readiness;
    private final Metrics metrics;

    MonitoringApi(Readiness readiness, Metrics metrics) {
        this.readiness = readiness;
        this.metrics = metrics;
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, "/readyz", this::ready);
        Api.get(routes, "/metrics", this::metrics);
    }

    private void ready(Context context) {
        State state = readiness.state();
        if (state == State.READY) {
            context.contentType(Answers.JSON).result(Json.write(Map.of("status", state.code())));
            return;
        }
        Problem problem = Problem.of(HttpStatus.SERVICE_UNAVAILABLE, state.code(), state.detail(), context.path());
        context.status(problem.status()).contentType(Problem.CONTENT_TYPE).result(Json.write(problem));
    }

    private void metrics(Context context) throws IOException {
        new RequestReader(context).withoutQuery().finish();
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        metrics.write(text);
        context.contentType(Metrics.CONTENT_TYPE).result(text.toByteArray());
    }
}
