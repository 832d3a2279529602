package io.kloigos.http;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.kloigos.Kloigos;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.component.Graceful;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Offers a {@link Kloigos} over HTTP: the API, its description, its events and a start page. Thread-safe.
 *
 * <p>There is no authentication yet: whoever can reach the address controls the fleet.
 */
public final class HttpServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final HttpSettings settings;
    private final EventStream events;
    private final Javalin javalin;

    private HttpServer(Kloigos kloigos, HttpSettings settings) {
        this.settings = settings;
        this.events = new EventStream(kloigos, settings);
        Api api = new Api(kloigos, settings, events);
        this.javalin = Javalin.create(config -> {
            configure(config);
            api.addTo(config.routes);
            StartPage.addTo(config.routes);
        });
    }

    /**
     * Returns a server that accepts requests; closing it does not close {@code kloigos}.
     *
     * @throws UncheckedIOException if the address cannot be listened on
     */
    public static HttpServer start(Kloigos kloigos, HttpSettings settings) {
        HttpServer server = new HttpServer(kloigos, settings);
        try {
            server.javalin.start();
        } catch (RuntimeException e) {
            server.events.close();
            throw e;
        }
        return server;
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.prefer405over404 = true;
        config.router.treatMultipleSlashesAsSingleSlash = true;
        config.jetty.modifyServer(server -> {
            server.insertHandler(new GracefulHandler());
            server.setErrorHandler(new ProblemErrorHandler());
        });
        config.jetty.modifyHttpConfiguration(http -> http.addCustomizer((request, headers) -> {
            addSecurityHeaders(headers);
            return request;
        }));
        config.jetty.addConnector(this::connector);
        config.routes.exception(KloigosException.class, HttpServer::refuse);
        config.routes.exception(HttpResponseException.class, HttpServer::refuse);
        config.routes.exception(Exception.class, HttpServer::fail);
    }

    /** Tells browsers to trust nothing but this server's own files, and to keep nothing. */
    static void addSecurityHeaders(HttpFields.Mutable headers) {
        headers.put("Content-Security-Policy", POLICY);
        headers.put("X-Content-Type-Options", "nosniff");
        headers.put("Referrer-Policy", "no-referrer");
        headers.put("Cross-Origin-Resource-Policy", "same-origin");
        headers.put("Cache-Control", "no-store");
    }

    private ServerConnector connector(Server server, HttpConfiguration http) {
        ServerConnector connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        try {
            connector.open();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Cannot listen on " + settings.host() + " port " + settings.port() + ": " + reason(e), e);
        }
        return connector;
    }

    private static String reason(IOException failure) {
        Throwable cause = failure.getCause() == null ? failure : failure.getCause();
        return cause instanceof UnresolvedAddressException
                ? "there is no such host"
                : String.valueOf(cause.getMessage());
    }

    private static void refuse(KloigosException refusal, Context context) {
        if (refusal.code() == ErrorCode.INVALID_REQUEST) {
            invalid(context, refusal);
        } else if (refusal.code() == ErrorCode.HOST_UNSUITABLE) {
            List<Fault> faults =
                    refusal.faults().stream().map(fault -> fault.under("body")).toList();
            invalid(context, new KloigosException(refusal.code(), "The host is unsuitable", faults));
        } else if (refusal.code().kind() == ErrorCode.Kind.PROGRAM) {
            fail(refusal, context);
        } else {
            answer(context, Problem.of(refusal, context.path()));
        }
    }

    private static void invalid(Context context, KloigosException refusal) {
        context.status(HttpStatus.UNPROCESSABLE_CONTENT)
                .contentType(Answers.JSON)
                .result(Json.write(Problem.Invalid.of(refusal)));
    }

    private static void refuse(HttpResponseException refusal, Context context) {
        HttpStatus status = HttpStatus.forStatus(refusal.getStatus());
        String detail = String.valueOf(refusal.getMessage());
        if (status == HttpStatus.METHOD_NOT_ALLOWED) {
            String allowed = String.join(", ", refusal.getDetails().values());
            context.header("Allow", allowed);
            detail = context.method() + " is not possible here; possible are " + allowed + ".";
        } else if (status == HttpStatus.NOT_FOUND) {
            detail = "There is nothing at " + context.path() + "; see /api/openapi.json for what there is.";
        }
        answer(context, Problem.of(status, status.name().toLowerCase(Locale.ROOT), detail, context.path()));
    }

    private static void fail(Exception error, Context context) {
        LOG.error("{} {} failed", context.method(), context.path(), error);
        answer(
                context,
                Problem.of(
                        HttpStatus.INTERNAL_SERVER_ERROR,
                        Problem.code(ErrorCode.INTERNAL),
                        "Something went wrong in Kloigos that should not have; its log says what.",
                        context.path()));
    }

    private static void answer(Context context, Problem problem) {
        context.status(problem.status()).contentType(Problem.CONTENT_TYPE).result(Json.write(problem));
    }

    /** Returns the port on which it listens. */
    public int port() {
        return javalin.port();
    }

    /** Takes no more requests, ends the event streams, and gives requests under way a few seconds to end. */
    public void drain() {
        events.close();
        try {
            Graceful.shutdown(javalin.jettyServer().server()).get(GRACE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.info("Some requests are still under way and are cut off");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops at once what {@link #drain} has not ended. */
    @Override
    public void close() {
        events.close();
        javalin.stop();
    }
}
