package io.kloigos.http;

import io.javalin.http.Context;
import io.kloigos.inventory.Access;
import io.kloigos.inventory.Sessions.Session;
import io.kloigos.model.ApiToken;
import io.kloigos.model.Caller;
import io.kloigos.model.Role;
import io.kloigos.model.TokenSecret;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Who sent a request. Thread-safe. */
final class Authentication {
    private static final Caller ANYBODY = new Caller("anybody", Role.ADMIN, null, null);
    private static final Duration LONGEST_SESSION = Duration.ofHours(12);
    private static final String BEARER = "Bearer ";

    private final Access access;
    private final @Nullable OidcVerifier oidc;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();
    private final boolean secureCookies;
    private volatile boolean on;

    Authentication(Access access, AccessSettings settings, InstantSource clock) {
        this.access = access;
        AccessSettings.Oidc provider = settings.oidc();
        this.oidc = provider == null ? null : new OidcVerifier(provider, clock);
        this.clock = clock;
        this.secureCookies = settings.isSecure();
        this.on = oidc != null;
    }

    /** By what a caller was recognised. */
    enum Means {
        /** By nothing: there is no authentication. */
        OPEN,
        TOKEN,
        OIDC,
        /** By a cookie, which browsers send whoever asks them to. */
        SESSION
    }

    /**
     * A caller that was recognised.
     *
     * @param expiresAt when that ends; null if never
     */
    record Recognised(Caller caller, Means means, @Nullable Instant expiresAt) {}

    /** What a request shows to be recognised by. */
    private record Shown(Means means, String text) {}

    /** Tells whether callers must be recognised. Once there has been a token, they always must. */
    boolean isOn() {
        if (!on && access.tokens().areInUse()) {
            on = true;
        }
        return on;
    }

    /** Tells the same without a look at the database: false for a moment after the start, until somebody needs to be recognised. */
    boolean isKnownToBeOn() {
        return on;
    }

    /** Tells whether the request shows anything to be recognised by. */
    boolean isAttempted(Context context) {
        return shown(context).isPresent();
    }

    /**
     * Returns who sent the request; empty if that cannot be told.
     *
     * @throws io.javalin.http.HttpResponseException 503 if the OpenID Connect provider cannot be reached
     */
    Optional<Recognised> of(Context context) {
        if (!isOn()) {
            return Optional.of(new Recognised(ANYBODY, Means.OPEN, null));
        }
        return shown(context)
                .flatMap(shown -> shown.means() == Means.SESSION ? session(shown.text()) : bearer(shown.text()));
    }

    private Optional<Shown> shown(Context context) {
        String header = context.header("Authorization");
        if (header != null) {
            return Optional.of(new Shown(
                    Means.TOKEN,
                    header.regionMatches(true, 0, BEARER, 0, BEARER.length())
                            ? header.substring(BEARER.length()).strip()
                            : ""));
        }
        return Optional.ofNullable(context.cookie(cookieName())).map(text -> new Shown(Means.SESSION, text));
    }

    /** Returns whose this API token, or token of the OpenID Connect provider, is. */
    Optional<Recognised> bearer(String text) {
        Optional<TokenSecret> secret = TokenSecret.parse(text);
        if (secret.isPresent()) {
            return access.tokens().open(secret.get(), clock.instant()).map(Authentication::byToken);
        }
        return oidc == null ? Optional.empty() : oidc.verify(text);
    }

    private static Recognised byToken(ApiToken token) {
        return new Recognised(token.caller(), Means.TOKEN, token.expiresAt());
    }

    private Optional<Recognised> session(String text) {
        return TokenSecret.parse(text)
                .flatMap(secret -> access.sessions().open(secret, clock.instant()))
                .map(session -> new Recognised(session.caller(), Means.SESSION, session.expiresAt()));
    }

    /** Returns a fresh secret. */
    TokenSecret newSecret() {
        byte[] bytes = new byte[TokenSecret.BYTES];
        random.nextBytes(bytes);
        return TokenSecret.of(bytes);
    }

    /** A session that has begun, and what its cookie says. */
    record Begun(Recognised recognised, TokenSecret secret, Duration length) {}

    /** Begins a session for somebody who was recognised. */
    Begun begin(Recognised recognised) {
        Instant now = clock.instant();
        Instant longest = now.plus(LONGEST_SESSION);
        Instant known = recognised.expiresAt();
        Instant end = known == null || known.isAfter(longest) ? longest : known;
        TokenSecret secret = newSecret();
        access.sessions().begin(new Session(recognised.caller(), end), secret);
        return new Begun(new Recognised(recognised.caller(), Means.SESSION, end), secret, Duration.between(now, end));
    }

    /** Ends the session of the request, if it has one. */
    void end(Context context) {
        String cookie = context.cookie(cookieName());
        if (cookie != null) {
            TokenSecret.parse(cookie).ifPresent(access.sessions()::end);
        }
    }

    /** Returns the cookie's name; with the prefix, browsers take it only by HTTPS, from this host and for all of it. */
    String cookieName() {
        return secureCookies ? "__Host-kloigos" : "kloigos_session";
    }

    boolean hasSecureCookies() {
        return secureCookies;
    }

    /** Tells whether somebody who was recognised a while ago by this request would be so still. */
    private boolean isStill(Recognised recognised, Shown shown) {
        Instant end = recognised.expiresAt();
        return switch (recognised.means()) {
            case OPEN -> !isOn();
            case OIDC -> end == null || clock.instant().isBefore(end);
            case TOKEN -> bearer(shown.text()).isPresent();
            case SESSION -> session(shown.text()).isPresent();
        };
    }

    /** Returns the question whether who sent this request would be recognised still, to be asked later. */
    BooleanSupplier later(Context context, Recognised recognised) {
        Shown shown = shown(context).orElse(new Shown(Means.OPEN, ""));
        return () -> isStill(recognised, shown);
    }
}
