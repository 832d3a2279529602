package io.kloigos.http;

import java.net.URI;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How the HTTP API is protected.
 *
 * @param tls the certificate that it shows; null for plain HTTP
 * @param oidc whose bearer tokens are accepted beside API tokens; null for nobody's
 * @param publicUrl where browsers find it, if a proxy stands before it: scheme, host and port; null if there is none
 * @param requestsPerSecond how many requests a second each caller may send for long; four times as many for a moment
 * @param eventStreams how many event streams may be open at once
 */
public record AccessSettings(
        @Nullable Tls tls,
        @Nullable Oidc oidc,
        @Nullable URI publicUrl,
        int requestsPerSecond,
        EventStreams eventStreams) {
    /** How many requests a second each caller may send unless told otherwise. */
    public static final int DEFAULT_REQUESTS_PER_SECOND = 50;

    /**
     * PEM files, which are read again when they change.
     *
     * @param certificate the certificate, followed by those that lead to a trusted one
     * @param key its private key in PKCS #8, without a password
     */
    public record Tls(Path certificate, Path key) {
        public Tls {
            Objects.requireNonNull(certificate);
            Objects.requireNonNull(key);
        }
    }

    /**
     * An OpenID Connect provider.
     *
     * @param issuer its name, where its configuration is found
     * @param audience whom its tokens must be for
     * @param rolesClaim the claim that holds {@code kloigos-admin}, {@code kloigos-operator}, {@code kloigos-tenant} or {@code
     *     kloigos-read-only}; dots lead into objects
     * @param tenantClaim the claim that says whose units a tenant has; dots lead into objects
     */
    public record Oidc(URI issuer, String audience, String rolesClaim, String tenantClaim) {
        public Oidc {
            Objects.requireNonNull(issuer);
            Objects.requireNonNull(audience);
            Objects.requireNonNull(rolesClaim);
            Objects.requireNonNull(tenantClaim);
        }
    }

    /**
     * How many event streams may be open at once.
     *
     * @param perCaller of each caller; not looked at without authentication
     * @param total of all callers together
     */
    public record EventStreams(int perCaller, int total) {
        public EventStreams {
            if (perCaller < 1 || total < 1) {
                throw new IllegalArgumentException("one event stream at least may be open");
            }
        }

        /** Returns 32 of each caller, which is many windows of a browser, and 1000 of all. */
        public static EventStreams standard() {
            return new EventStreams(32, 1000);
        }
    }

    public AccessSettings {
        Objects.requireNonNull(eventStreams);
        if (requestsPerSecond < 1) {
            throw new IllegalArgumentException("a caller may send a request a second at least");
        }
    }

    /** Settings with as many event streams as is usual. */
    public AccessSettings(@Nullable Tls tls, @Nullable Oidc oidc, @Nullable URI publicUrl, int requestsPerSecond) {
        this(tls, oidc, publicUrl, requestsPerSecond, EventStreams.standard());
    }

    /** Returns these settings with other limits for event streams. */
    public AccessSettings with(EventStreams streams) {
        return new AccessSettings(tls, oidc, publicUrl, requestsPerSecond, streams);
    }

    /** Returns plain HTTP, and API tokens if there are any. */
    public static AccessSettings standard() {
        return new AccessSettings(null, null, null, DEFAULT_REQUESTS_PER_SECOND);
    }

    /** Tells whether browsers reach it by HTTPS. */
    boolean isSecure() {
        return tls != null || (publicUrl != null && "https".equals(publicUrl.getScheme()));
    }
}
