package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.kloigos.Kloigos;
import io.kloigos.http.Authentication.Means;
import io.kloigos.http.Authentication.Recognised;
import io.kloigos.model.Caller;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What every request passes before it reaches the API: whether its origin is this server, who sent it, how often they ask,
 * whether they may, and whether what they ask about is theirs; then what is to be changed is written to the audit log. Whoever
 * is refused is written there too. Thread-safe.
 */
final class Gate {
    /** The name of a request, in the answer and in the audit log. */
    static final String REQUEST_ID = "X-Request-Id";

    private static final String RECOGNISED = "kloigos.recognised";
    private static final double FAILURES_PER_SECOND = 1.0 / 6;
    private static final double FAILURES_AT_ONCE = 10;
    private static final int BURST = 4;
    private static final String PLACE = "kloigos.place";
    private static final String PLACE_OF_STRANGER = "kloigos.place_of_stranger";
    /** A quarter of the threads that answer requests. */
    private static final int PLACES = 64;
    /** Of those who have not logged in, by address. */
    private static final int PLACES_OF_STRANGERS = 16;

    private static final int LONGEST_SHOWN = 40;

    private final Kloigos kloigos;
    private final Authentication authentication;
    private final AuditTrail audit;
    private final SameOrigin origin;
    private final RateLimits requests;
    private final RateLimits failures;
    private final Places<Tenant> places = new Places<>(PLACES);
    private final Places<String> placesOfStrangers = new Places<>(PLACES_OF_STRANGERS);
    private final Metrics metrics;

    Gate(Kloigos kloigos, HttpSettings settings, Metrics metrics, InstantSource clock) {
        AccessSettings access = settings.access();
        this.kloigos = kloigos;
        this.metrics = metrics;
        this.authentication = new Authentication(kloigos.access(), access, clock);
        this.audit = new AuditTrail(kloigos, settings, clock);
        this.origin = new SameOrigin(access.publicUrl(), settings.host());
        this.requests = new RateLimits(clock, access.requestsPerSecond(), BURST * access.requestsPerSecond());
        this.failures = new RateLimits(clock, FAILURES_PER_SECOND, FAILURES_AT_ONCE);
    }

    void addTo(RoutesConfig routes) {
        routes.before(this::arrive);
        routes.beforeMatched(this::enter);
        routes.after(audit::end);
        routes.after(this::leave);
    }

    Authentication authentication() {
        return authentication;
    }

    AuditTrail audit() {
        return audit;
    }

    /** Tells whether the request may change something. */
    static boolean isWrite(Context context) {
        String method = context.req().getMethod();
        return !method.equals("GET") && !method.equals("HEAD");
    }

    /** Returns who sent the request; only requests that need no login may have been sent by nobody. */
    static Optional<Recognised> recognised(Context context) {
        return Optional.ofNullable(context.attribute(RECOGNISED));
    }

    /** Returns who sent a request that needs a login. */
    static Caller caller(Context context) {
        return recognised(context).orElseThrow().caller();
    }

    private void arrive(Context context) {
        context.header(REQUEST_ID, UUID.randomUUID().toString());
        // In this order, so that whoever asks on the machine itself whether the server is alive learns it without the
        // database.
        if (!origin.isAskedAsLoopback(context) && !authentication.isOn()) {
            throw stranger(
                    context,
                    "This server has no authentication and answers only when it is asked for as localhost, not as \""
                            + shown(context.req().getServerName()) + "\".");
        }
        if (origin.isForeign(context)) {
            throw stranger(context, "Pages of other sites may not use this server.");
        }
    }

    /** Of these no more are written down than may fail to log in. */
    private HttpResponseException stranger(Context context, String detail) {
        if (failures.take(network(context)).isEmpty()) {
            audit.refused(context, null, context.req().getMethod() + " " + shown(context.path()), detail);
        }
        return new HttpResponseException(HttpStatus.FORBIDDEN.getCode(), detail);
    }

    private static String shown(String text) {
        return text.length() <= LONGEST_SHOWN ? text : text.substring(0, LONGEST_SHOWN) + "...";
    }

    private void enter(Context context) {
        String route = route(context);
        if (AccessRules.isFromMemory(route)) {
            return;
        }
        if (AccessRules.isPublic(route)) {
            limit(context, "address " + network(context));
            takePlaceOfStranger(context);
            return;
        }
        Recognised recognised = recognise(context, route);
        context.attribute(RECOGNISED, recognised);
        Caller caller = recognised.caller();
        limit(context, "caller " + caller.subject());
        takePlace(context, route, caller);
        try {
            requireSameOrigin(context, recognised);
            requireAllowed(context, route, caller);
            requireOwn(context, caller);
        } catch (HttpResponseException | KloigosException refusal) {
            audit.refused(context, caller, AuditTrail.action(route), String.valueOf(refusal.getMessage()));
            throw refusal;
        }
        if (isWrite(context) && !(AuditTrail.hasDryRun(route) && isDryRun(context))) {
            audit.begin(context, caller, AuditTrail.action(route));
        }
    }

    /** Returns the method and path as the API document names them. */
    private static String route(Context context) {
        String method = context.req().getMethod();
        return (method.equals("HEAD") ? "GET" : method) + " "
                + Objects.requireNonNull(context.endpoints().matchedHttpEndpoint()).path;
    }

    private Recognised recognise(Context context, String route) {
        Optional<Recognised> recognised = authentication.of(context);
        if (recognised.isPresent()) {
            return recognised.get();
        }
        boolean attempted = authentication.isAttempted(context);
        String detail = attempted
                ? "The token or session is not known here, or was revoked, or has expired."
                : "Who are you? Send \"Authorization: Bearer TOKEN\", or log in at /.";
        throw unrecognised(context, AuditTrail.action(route), detail, attempted);
    }

    /**
     * Returns the refusal of somebody who was not recognised. Only failures are counted: nobody can lock out others, and no
     * number of attempts finds a secret of 256 bits.
     */
    HttpResponseException unrecognised(Context context, String action, String detail, boolean attempted) {
        if (attempted) {
            metrics.loginFailed();
        }
        Optional<Duration> wait = failures.take(network(context));
        if (wait.isEmpty()) {
            audit.refused(context, null, action, detail);
        } else if (attempted) {
            return tooMany(context, wait.get(), "Too many attempts to log in failed from your address.");
        }
        context.header("WWW-Authenticate", "Bearer realm=\"kloigos\"");
        return new HttpResponseException(HttpStatus.UNAUTHORIZED.getCode(), detail);
    }

    private void limit(Context context, String whose) {
        if (authentication.isKnownToBeOn()) {
            requests.take(whose).ifPresent(wait -> {
                throw tooMany(context, wait, "You send more requests than you may.");
            });
        }
    }

    /** An event stream waits without a thread, and has places of its own. */
    private void takePlace(Context context, String route, Caller caller) {
        Tenant tenant = caller.tenant();
        if (tenant == null || route.equals(AccessRules.EVENTS)) {
            return;
        }
        if (!places.take(tenant)) {
            throw tooMany(
                    context,
                    Duration.ofSeconds(1),
                    PLACES + " requests of " + tenant + " are being answered, and there may be no more at once.");
        }
        context.attribute(PLACE, tenant);
    }

    private void takePlaceOfStranger(Context context) {
        String network = network(context);
        if (!placesOfStrangers.take(network)) {
            throw tooMany(
                    context,
                    Duration.ofSeconds(1),
                    PLACES_OF_STRANGERS
                            + " requests without a login from your address are being answered, and there may be"
                            + " no more at once.");
        }
        context.attribute(PLACE_OF_STRANGER, network);
    }

    private void leave(Context context) {
        String network = context.attribute(PLACE_OF_STRANGER);
        if (network != null) {
            placesOfStrangers.giveBack(network);
        }
        Tenant tenant = context.attribute(PLACE);
        if (tenant != null) {
            places.giveBack(tenant);
        }
    }

    /** Returns the refusal of what is one too many. */
    HttpResponseException tooMany(Context context, Duration wait, String detail) {
        metrics.limited();
        long seconds = Math.max(1, wait.plusMillis(999).toSeconds());
        context.header("Retry-After", Long.toString(seconds));
        return new HttpResponseException(
                HttpStatus.TOO_MANY_REQUESTS.getCode(), detail + " Try again in " + seconds + " s.");
    }

    /** A cookie comes by itself with whatever a browser is made to send. */
    private void requireSameOrigin(Context context, Recognised recognised) {
        if (recognised.means() == Means.SESSION && isWrite(context) && !origin.isProven(context)) {
            throw new HttpResponseException(
                    HttpStatus.FORBIDDEN.getCode(),
                    "A session is good for changes from this server's own pages only; programs send a token.");
        }
    }

    private static void requireAllowed(Context context, String route, Caller caller) {
        if (!AccessRules.of(route).contains(caller.role())) {
            throw forbidden(
                    caller,
                    "do this; it is for: "
                            + AccessRules.of(route).stream().map(Role::toString).collect(Collectors.joining(", ")));
        }
        if (isDryRun(context) && !AccessRules.mayDryRun(caller.role(), route)) {
            throw forbidden(caller, "see what would be done on a host; operators may");
        }
    }

    private static HttpResponseException forbidden(Caller caller, String what) {
        return new HttpResponseException(
                HttpStatus.FORBIDDEN.getCode(),
                caller.subject() + " has the role " + caller.role() + " and may not " + what + ".");
    }

    private static boolean isDryRun(Context context) {
        return context.queryParams("dry_run").stream().anyMatch("true"::equalsIgnoreCase);
    }

    /** A tenant is told of what is another's as of what is not there. Names that are none are refused where they are read. */
    private void requireOwn(Context context, Caller caller) {
        Tenant tenant = caller.tenant();
        if (tenant == null) {
            return;
        }
        String unit = context.pathParamMap().get("compute_id");
        if (unit != null) {
            readable(unit).ifPresent(kloigos.of(tenant)::unit);
        }
        String operation = context.pathParamMap().get("id");
        if (operation != null) {
            kloigos.of(tenant).operation(operation);
        }
    }

    private static Optional<ComputeId> readable(String text) {
        try {
            return Optional.of(new ComputeId(text));
        } catch (KloigosException e) {
            if (e.code() != ErrorCode.INVALID_REQUEST) {
                throw e;
            }
            return Optional.empty();
        }
    }

    /** Returns the sender's address, of IPv6 the part that one sender does not choose freely. */
    private static String network(Context context) {
        String address = context.ip();
        String[] groups = address.split(":", -1);
        return groups.length <= 4
                ? address
                : String.join(":", Arrays.asList(groups).subList(0, 4));
    }

    /** Returns the fleet as whoever sent the request may see it. */
    static Kloigos fleet(Kloigos whole, Context context) {
        @Nullable
        Tenant tenant =
                recognised(context).map(Recognised::caller).map(Caller::tenant).orElse(null);
        return tenant == null ? whole : whole.of(tenant);
    }
}
