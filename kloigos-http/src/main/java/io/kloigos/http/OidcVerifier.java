package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.JWT;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.JWTParser;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.kloigos.http.Authentication.Means;
import io.kloigos.http.Authentication.Recognised;
import io.kloigos.model.Caller;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the bearer tokens of an OpenID Connect provider. Its keys are found by discovery, kept for a while, and looked up anew
 * when a token names one that is not known, though not more often than every half minute. Thread-safe.
 *
 * @see <a href="https://openid.net/specs/openid-connect-discovery-1_0.html">OpenID Connect Discovery 1.0</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8725">RFC 8725, JSON Web Token Best Current Practices</a>
 */
final class OidcVerifier {
    private static final Logger LOG = LoggerFactory.getLogger(OidcVerifier.class);
    private static final int TIMEOUT_MILLIS = 5000;
    private static final int MOST_BYTES = 1 << 20;
    private static final Duration BETWEEN_DISCOVERIES = Duration.ofSeconds(5);
    private static final int CLOCK_SKEW_SECONDS = 60;
    private static final String ROLE_PREFIX = "kloigos-";

    /** Neither {@code none}, nor those by which a public key could be taken for a shared secret. */
    private static final Set<JWSAlgorithm> ALGORITHMS = Set.of(
            JWSAlgorithm.RS256,
            JWSAlgorithm.RS384,
            JWSAlgorithm.RS512,
            JWSAlgorithm.PS256,
            JWSAlgorithm.PS384,
            JWSAlgorithm.PS512,
            JWSAlgorithm.ES256,
            JWSAlgorithm.ES384,
            JWSAlgorithm.ES512);

    private final AccessSettings.Oidc settings;
    private final DefaultResourceRetriever retriever =
            new DefaultResourceRetriever(TIMEOUT_MILLIS, TIMEOUT_MILLIS, MOST_BYTES);
    private final InstantSource clock;
    private final ReentrantLock discovering = new ReentrantLock();
    private Instant discoverAgain = Instant.MIN;
    private volatile @Nullable DefaultJWTProcessor<SecurityContext> processor;

    /** Whether the provider did not answer when it was last asked. */
    private volatile boolean silent;

    OidcVerifier(AccessSettings.Oidc settings, InstantSource clock) {
        this.settings = settings;
        this.clock = clock;
        retriever.setDisconnectsAfterUse(true);
    }

    /**
     * Returns whose the token is; empty if it is not for this server, not from the provider, over, or gives no role.
     *
     * @throws HttpResponseException 503 if the provider cannot be reached
     */
    Optional<Recognised> verify(String token) {
        try {
            JWT parsed = JWTParser.parse(token);
            JWTClaimsSet stated = parsed.getJWTClaimsSet();
            if (stated == null || !settings.issuer().toString().equals(stated.getIssuer())) {
                // The provider is not asked for keys of what is not its own.
                return Optional.empty();
            }
            JWTClaimsSet claims = processor().process(parsed, null);
            silent = false;
            return caller(claims)
                    .map(caller -> new Recognised(
                            caller, Means.OIDC, claims.getExpirationTime().toInstant()));
        } catch (RateLimitReachedException e) {
            if (silent) {
                throw unavailable(e);
            }
            // Its key is unknown, and whether the provider has a new one was asked a moment ago.
            LOG.debug("A bearer token is refused: {}", e.toString());
            return Optional.empty();
        } catch (KeySourceException | IOException e) {
            silent = true;
            throw unavailable(e);
        } catch (ParseException | BadJOSEException | JOSEException | KloigosException e) {
            LOG.debug("A bearer token is refused: {}", e.toString());
            return Optional.empty();
        }
    }

    private HttpResponseException unavailable(Exception why) {
        LOG.warn("The OpenID Connect provider {} cannot be asked for its keys: {}", settings.issuer(), why.toString());
        return new HttpResponseException(
                HttpStatus.SERVICE_UNAVAILABLE.getCode(),
                "The OpenID Connect provider cannot be asked for its keys now; try again, or use an API token.");
    }

    /** The provider need not be there when this server starts; one request at most waits for it then. */
    private DefaultJWTProcessor<SecurityContext> processor() throws IOException {
        DefaultJWTProcessor<SecurityContext> known = processor;
        if (known != null) {
            return known;
        }
        if (!discovering.tryLock()) {
            throw new IOException("it is being asked, and has not answered yet");
        }
        try {
            return discovered();
        } finally {
            discovering.unlock();
        }
    }

    private DefaultJWTProcessor<SecurityContext> discovered() throws IOException {
        DefaultJWTProcessor<SecurityContext> known = processor;
        if (known != null) {
            return known;
        }
        if (clock.instant().isBefore(discoverAgain)) {
            throw new IOException("it did not answer a moment ago");
        }
        try {
            DefaultJWTProcessor<SecurityContext> found = processor(keys());
            processor = found;
            return found;
        } finally {
            discoverAgain = clock.instant().plus(BETWEEN_DISCOVERIES);
        }
    }

    private JWKSource<SecurityContext> keys() throws IOException {
        String issuer = settings.issuer().toString();
        URI place = URI.create(issuer.replaceFirst("/$", "") + "/.well-known/openid-configuration");
        JsonNode found;
        try {
            found = Json.read(
                    retriever.retrieveResource(place.toURL()).getContent().getBytes(StandardCharsets.UTF_8));
        } catch (KloigosException e) {
            throw new IOException(place + " is no JSON object", e);
        }
        if (!issuer.equals(found.path("issuer").asText())) {
            throw new IOException(place + " is of the issuer " + found.path("issuer") + ", not of " + issuer);
        }
        URI keys = URI.create(found.path("jwks_uri").asText());
        if (!String.valueOf(keys.getScheme()).equals(settings.issuer().getScheme())) {
            throw new IOException(place + " names keys at " + keys + ", which is not as safe as the issuer");
        }
        return JWKSourceBuilder.create(keys.toURL(), retriever).retrying(true).build();
    }

    private DefaultJWTProcessor<SecurityContext> processor(JWKSource<SecurityContext> keys) {
        DefaultJWTProcessor<SecurityContext> made = new DefaultJWTProcessor<>();
        made.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, keys));
        made.setJWSTypeVerifier(
                new DefaultJOSEObjectTypeVerifier<>(JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
        DefaultJWTClaimsVerifier<SecurityContext> claims = new DefaultJWTClaimsVerifier<>(
                settings.audience(),
                new JWTClaimsSet.Builder().issuer(settings.issuer().toString()).build(),
                Set.of("sub", "exp"));
        claims.setMaxClockSkew(CLOCK_SKEW_SECONDS);
        made.setJWTClaimsSetVerifier(claims);
        return made;
    }

    /** What a provider calls somebody is told apart from what a token is named here. */
    private Optional<Caller> caller(JWTClaimsSet claims) {
        String subject = new Tenant("oidc:" + claims.getSubject()).name();
        return role(claims)
                .flatMap(role -> role == Role.TENANT
                        ? tenant(claims).map(tenant -> new Caller(subject, role, tenant, null))
                        : Optional.of(new Caller(subject, role, null, null)));
    }

    /** Returns whose units a tenant's are; empty if the token does not say: all of those would be one tenant. */
    private Optional<Tenant> tenant(JWTClaimsSet claims) {
        Object claim = claim(claims, settings.tenantClaim());
        boolean isName = claim instanceof Number || (claim instanceof String name && !name.isBlank());
        return isName ? Optional.of(new Tenant("oidc:" + claim)) : Optional.empty();
    }

    /** The role that allows most, of those that are given. */
    private Optional<Role> role(JWTClaimsSet claims) {
        Object value = claim(claims, settings.rolesClaim());
        List<?> given = value instanceof List<?> list ? list : Arrays.asList(value);
        return List.of(Role.ADMIN, Role.OPERATOR, Role.READ_ONLY, Role.TENANT).stream()
                .filter(role -> given.contains(ROLE_PREFIX + role))
                .findFirst();
    }

    private static @Nullable Object claim(JWTClaimsSet claims, String path) {
        Object value = claims.getClaim(path);
        if (value != null) {
            return value;
        }
        Object found = claims.toJSONObject();
        for (String name : path.split("\\.", -1)) {
            found = found instanceof Map<?, ?> object ? object.get(name) : null;
        }
        return found;
    }
}
