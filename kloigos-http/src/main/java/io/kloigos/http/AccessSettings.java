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
 */
public record AccessSettings(
        @Nullable Tls tls, @Nullable Oidc oidc, @Nullable URI publicUrl, int requestsPerSecond) {
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

    public AccessSettings {
        if (requestsPerSecond < 1) {
            throw new IllegalArgumentException("a caller may send a request a second at least");
        }
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
