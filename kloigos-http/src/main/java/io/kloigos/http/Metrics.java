package io.kloigos.http;

import io.javalin.http.Context;
import io.kloigos.Fleet.Registration;
import io.kloigos.Kloigos;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Operation;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmGarbageCollectorMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmMemoryMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmRuntimeInfoMetric;
import io.prometheus.metrics.instrumentation.jvm.JvmThreadsMetrics;
import io.prometheus.metrics.instrumentation.jvm.ProcessMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What monitoring systems are told: what this server counted since it began, and what is counted in the inventory when they ask.
 * Thread-safe.
 *
 * @see <a href="https://prometheus.io/docs/practices/naming/">Prometheus, Metric and label naming</a>
 */
final class Metrics implements AutoCloseable {
    static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    private static final String EVENTS = "/api/events";

    /** From a change of one file to making file systems on large disks. */
    private static final double[] OPERATION_SECONDS = {0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600, 1800};

    private static final double[] REQUEST_SECONDS = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();
    private @Nullable Registration observing;

    private final Histogram operations = Histogram.builder()
            .name("kloigos_operation_duration_seconds")
            .help("How long operations took that this server ran, by what became of them.")
            .labelNames("kind", "outcome")
            .classicOnly()
            .classicUpperBounds(OPERATION_SECONDS)
            .register(registry);
    private final Counter errors = Counter.builder()
            .name("kloigos_operation_errors_total")
            .help("Operations that this server ran and that failed, by the code of the error.")
            .labelNames("kind", "code")
            .register(registry);
    private final Counter requests = Counter.builder()
            .name("kloigos_http_requests_total")
            .help("Requests answered, by the template of their path.")
            .labelNames("method", "route", "status")
            .register(registry);
    private final Histogram durations = Histogram.builder()
            .name("kloigos_http_request_duration_seconds")
            .help("How long requests took to answer; event streams, which do not end, are left out.")
            .labelNames("method", "route")
            .classicOnly()
            .classicUpperBounds(REQUEST_SECONDS)
            .register(registry);
    private final Counter failedLogins = Counter.builder()
            .name("kloigos_login_failures_total")
            .help("Requests with a token or session that is not accepted.")
            .register(registry);
    private final Counter limited = Counter.builder()
            .name("kloigos_rate_limited_requests_total")
            .help(
                    "Requests refused because the caller sends too many, has too many event streams, or failed to log in too often.")
            .register(registry);

    Metrics(Readiness readiness) {
        GaugeWithCallback.builder()
                .name("kloigos_ready")
                .help("Whether this server can take work (1) or not (0), as /readyz says.")
                .callback(gauge -> gauge.call(readiness.state() == Readiness.State.READY ? 1 : 0))
                .register(registry);
        Info.builder()
                .name("kloigos_build_info")
                .help("The version of this server.")
                .labelNames("version")
                .register(registry)
                .addLabelValues(version());
        JvmMemoryMetrics.builder().register(registry);
        JvmThreadsMetrics.builder().register(registry);
        JvmGarbageCollectorMetrics.builder().register(registry);
        JvmRuntimeInfoMetric.builder().register(registry);
        ProcessMetrics.builder().register(registry);
        failedLogins.initLabelValues();
        limited.initLabelValues();
    }

    private static String version() {
        return Objects.requireNonNullElse(Metrics.class.getPackage().getImplementationVersion(), "unpackaged");
    }

    /** Counts from now on what is in the inventory, the operations that end here, and who listens to events. */
    void count(Kloigos kloigos, EventStream events) {
        registry.register(new FleetCollector(kloigos));
        GaugeWithCallback.builder()
                .name("kloigos_event_streams")
                .help("Event streams that are open.")
                .callback(gauge -> gauge.call(events.open()))
                .register(registry);
        observing = kloigos.observe(this::ended);
    }

    private void ended(Operation operation) {
        Instant start = Objects.requireNonNullElse(operation.startedAt(), operation.createdAt());
        Instant end = Objects.requireNonNullElse(operation.endedAt(), start);
        operations
                .labelValues(operation.kind().toString(), operation.state().toString())
                .observe(seconds(Duration.between(start, end)));
        ErrorCode code = operation.errorCode();
        if (code != null) {
            errors.labelValues(operation.kind().toString(), code.name().toLowerCase(Locale.ROOT))
                    .inc();
        }
    }

    private static double seconds(Duration duration) {
        return Math.max(0, duration.toNanos() / 1e9);
    }

    /** Counts a request that was answered. Paths and methods that nobody made up here would be series without end. */
    void answered(Context context, float millis) {
        String sent = context.req().getMethod();
        String method = METHODS.contains(sent) ? sent : "other";
        var endpoint = context.endpoints().matchedHttpEndpoint();
        String route = endpoint == null ? "none" : endpoint.path;
        requests.labelValues(method, route, Integer.toString(context.statusCode()))
                .inc();
        if (!route.equals(EVENTS)) {
            durations.labelValues(method, route).observe(millis / 1e3);
        }
    }

    void loginFailed() {
        failedLogins.inc();
    }

    void limited() {
        limited.inc();
    }

    /** Writes all that there is, in Prometheus's text format. */
    void write(OutputStream out) throws IOException {
        writer.write(out, registry.scrape(), EscapingScheme.UNDERSCORE_ESCAPING);
    }

    @Override
    public void close() {
        if (observing != null) {
            observing.close();
        }
    }
}
