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
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.component.Graceful;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Offers a {@link Kloigos} over HTTP: the API, its description, its events and the console. Thread-safe.
 *
 * <p>While there is neither an API token nor an OpenID Connect provider, whoever can reach the address controls the fleet, so
 * it must be of the loopback interface then.
 */
public final class HttpServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
                    + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /** After a restart all who listen to events come back at once; those for whom there is no place try again a second later. */
    private static final int MOST_CONNECTING = 1024;

    /** Two years, as browsers ask for. */
    private static final String STRICT_TRANSPORT = "max-age=63072000";

    private final HttpSettings settings;
    private final EventStream events;
    private final Javalin javalin;
    private final Gate gate;
    private final Readiness readiness;
    private final Metrics metrics;
    private final @Nullable TlsCertificate certificate;

    private HttpServer(Kloigos kloigos, HttpSettings settings, InstantSource clock) {
        this.settings = settings;
        this.readiness = new Readiness(kloigos, clock);
        this.metrics = new Metrics(readiness);
        this.gate = new Gate(kloigos, settings, metrics, clock);
        requireProtection();
        AccessSettings.Tls tls = settings.access().tls();
        this.certificate = tls == null ? null : new TlsCertificate(tls);
        this.events = new EventStream(kloigos, settings);
        metrics.count(kloigos, events);
        Api api = new Api(kloigos, settings, events, gate, clock);
        this.javalin = Javalin.create(config -> {
            configure(config);
            gate.addTo(config.routes);
            api.addTo(config.routes);
            new MonitoringApi(readiness, metrics).addTo(config.routes);
            new Console().addTo(config.routes);
            new ApiPage().addTo(config.routes);
        });
    }

    /**
     * Returns a server that accepts requests; closing it does not close {@code kloigos}.
     *
     * @throws UncheckedIOException if the address cannot be listened on
     * @throws KloigosException INVALID_REQUEST if others can reach the address and there is no authentication, or if the
     *     certificate cannot be used
     */
    public static HttpServer start(Kloigos kloigos, HttpSettings settings) {
        return start(kloigos, settings, InstantSource.system());
    }

    static HttpServer start(Kloigos kloigos, HttpSettings settings, InstantSource clock) {
        HttpServer server = new HttpServer(kloigos, settings, clock);
        try {
            server.javalin.start();
        } catch (RuntimeException e) {
            server.closeParts();
            throw e;
        }
        return server;
    }

    private void closeParts() {
        metrics.close();
        events.close();
        if (certificate != null) {
            certificate.close();
        }
    }

    private void requireProtection() {
        if (!isLoopback(settings.host()) && !gate.authentication().isOn()) {
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Cannot listen on " + settings.host()
                            + " without authentication: whoever reached it would control the"
                            + " fleet. Make the first token by \"kloigos token create NAME --role admin --database"
                            + " ...\" with the same database, or name an OpenID Connect provider, or listen on 127.0.0.1.");
        }
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            // That there is no such host is told when it is listened on.
            return true;
        }
    }

    /** Shows the certificate that is in the files now. */
    void lookAtCertificate() {
        if (certificate != null) {
            certificate.look();
        }
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.prefer405over404 = true;
        config.router.treatMultipleSlashesAsSingleSlash = true;
        config.requestLogger.http(metrics::answered);
        config.jetty.modifyServer(server -> {
            server.insertHandler(new GracefulHandler());
            server.setErrorHandler(new ProblemErrorHandler());
        });
        config.jetty.modifyHttpConfiguration(http -> http.addCustomizer((request, headers) -> {
            addSecurityHeaders(headers);
            if (settings.access().isSecure()) {
                headers.put("Strict-Transport-Security", STRICT_TRANSPORT);
            }
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
        headers.put("Cross-Origin-Opener-Policy", "same-origin");
        headers.put("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
        headers.put("X-Frame-Options", "DENY");
        headers.put("Cache-Control", "no-store");
    }

    private ServerConnector connector(Server server, HttpConfiguration http) {
        ServerConnector connector = new ServerConnector(server, protocols(http));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.setAcceptQueueSize(MOST_CONNECTING);
        try {
            connector.open();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Cannot listen on " + settings.host() + " port " + settings.port() + ": " + reason(e), e);
        }
        return connector;
    }

    private ConnectionFactory[] protocols(HttpConfiguration http) {
        HttpConnectionFactory http1 = new HttpConnectionFactory(http);
        if (certificate == null) {
            return new ConnectionFactory[] {http1};
        }
        // One certificate is shown whatever name is asked for, also to who asks for an address.
        http.addCustomizer(new SecureRequestCustomizer(false));
        ALPNServerConnectionFactory choice = new ALPNServerConnectionFactory();
        choice.setDefaultProtocol(http1.getProtocol());
        return new ConnectionFactory[] {
            new SslConnectionFactory(certificate.context(), choice.getProtocol()),
            choice,
            new HTTP2ServerConnectionFactory(http),
            http1
        };
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
        AuditTrail.detail(context, String.valueOf(refusal.getMessage()));
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
        AuditTrail.detail(context, problem.detail());
        context.status(problem.status()).contentType(Problem.CONTENT_TYPE).result(Json.write(problem));
    }

    /** Returns the port on which it listens. */
    public int port() {
        return javalin.port();
    }

    /** From now on says that it is not ready, so that load balancers send no more; whoever asks is still answered. */
    public void withdraw() {
        readiness.withdraw();
    }

    /** Takes no more requests, ends the event streams, and gives requests under way a few seconds to end. */
    public void drain() {
        withdraw();
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
        closeParts();
        javalin.stop();
    }
}
