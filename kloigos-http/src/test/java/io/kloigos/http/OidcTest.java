package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kloigos.model.Role;
import io.kloigos.testkit.SettableClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bearer tokens of an OpenID Connect provider, which is a small one on this machine. */
@Timeout(60)
class OidcTest {
    private final HttpServer provider = provider();
    private final String issuer = "http://127.0.0.1:" + provider.getAddress().getPort() + "/realms/x";
    private volatile RSAKey key = key("first");
    private volatile String claimedIssuer = issuer;
    private final SettableClock clock = SettableClock.at(Instant.now());
    private TestServer test;

    private HttpServer provider() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext(
                    "/realms/x/.well-known/openid-configuration",
                    exchange -> answer(
                            exchange,
                            "{\"issuer\": \"" + claimedIssuer + "\", \"jwks_uri\": \"" + issuer + "/keys\"}"));
            server.createContext("/realms/x/keys", exchange -> answer(exchange, new JWKSet(key).toString(true)));
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void answer(HttpExchange exchange, String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static RSAKey key(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void start(@TempDir Path directory) {
        AccessSettings access = new AccessSettings(
                null, new AccessSettings.Oidc(URI.create(issuer), "kloigos", "realm_access.roles", "team"), null, 1000);
        test = new TestServer(directory, HttpSettings.loopback().with(access), clock);
    }

    @AfterEach
    void stop() {
        test.close();
        provider.stop(0);
    }

    private JWTClaimsSet.Builder claims(String role) {
        return new JWTClaimsSet.Builder()
                .issuer(issuer)
                .audience(List.of("other", "kloigos"))
                .subject("7f3a")
                .claim("team", "acme")
                .claim("realm_access", Map.of("roles", List.of("offline_access", role)))
                .expirationTime(Date.from(Instant.now().plus(Duration.ofMinutes(5))));
    }

    private static String signed(RSAKey key, JWSHeader header, JWTClaimsSet claims) {
        try {
            SignedJWT token = new SignedJWT(header, claims);
            token.sign(new RSASSASigner(key));
            return token.serialize();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private String token(UnaryOperator<JWTClaimsSet.Builder> change) {
        return signed(
                key,
                new JWSHeader.Builder(JWSAlgorithm.RS256)
                        .keyID(key.getKeyID())
                        .type(JOSEObjectType.JWT)
                        .build(),
                change.apply(claims("kloigos-operator")).build());
    }

    private int status(String token) {
        return test.api.withToken(token).get("/api/servers").status();
    }

    @Test
    void whomTheProviderKnowsIsLetInAsItsClaimsSay() {
        ApiClient operator = test.api.withToken(token(claims -> claims));
        JsonNode session = operator.get("/api/session").expect(200).body();
        assertThat(session.get("means").asText()).isEqualTo("oidc");
        assertThat(session.get("subject").asText()).isEqualTo("oidc:7f3a");
        assertThat(session.get("roles").get(0).asText()).isEqualTo("operator");
        test.await(operator.post("/api/admin/init_server", TestServer.INIT).expect(200), operator);

        ApiClient tenant =
                test.api.withToken(token(claims -> claims.claim("realm_access", Map.of("roles", "kloigos-tenant"))));
        JsonNode unit = tenant.post("/api/compute_units/allocate", TestServer.ALLOCATE)
                .expect(200)
                .body();
        assertThat(unit.get("owner").asText()).isEqualTo("oidc:acme");
        tenant.get("/api/servers").expect(403);
        assertThat(operator.get("/api/audit?who=oidc:7f3a&action=allocate")
                        .expect(200)
                        .body())
                .hasSize(1);
        test.as(Role.READ_ONLY, null).get("/api/servers").expect(200);
    }

    @Test
    void aBrowserLogsInWithTheProvidersToken() {
        String cookie = test.api
                .post("/api/session", "{\"token\": \"" + token(claims -> claims) + "\"}")
                .expect(200)
                .header("Set-Cookie");
        assertThat(Integer.parseInt(cookie.replaceAll(".*Max-Age=(\\d+).*", "$1")))
                .as("no longer than the token")
                .isBetween(1, 300);
        test.api.with("Cookie", cookie.split(";", 2)[0]).get("/api/servers").expect(200);
    }

    @Test
    void everyOtherTokenIsRefused() throws JOSEException {
        assertThat(status(token(claims -> claims))).isEqualTo(200);
        assertThat(status(token(claims -> claims.issuer(issuer + "/y")))).isEqualTo(401);
        assertThat(status(token(claims -> claims.audience("other")))).isEqualTo(401);
        assertThat(status(token(claims -> claims.subject(null)))).isEqualTo(401);
        assertThat(status(token(claims -> claims.subject("a b")))).isEqualTo(401);
        assertThat(status(token(claims -> claims.expirationTime(null)))).isEqualTo(401);
        JWTClaimsSet good = claims("kloigos-admin").build();
        assertThat(status(new PlainJWT(good).serialize())).as("not signed").isEqualTo(401);
        SignedJWT shared = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(key.getKeyID()).build(), good);
        shared.sign(new MACSigner(key.toRSAPublicKey().getEncoded()));
        assertThat(status(shared.serialize()))
                .as("signed with the public key as a secret")
                .isEqualTo(401);
        JWSHeader header =
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build();
        assertThat(status(signed(key("first"), header, good)))
                .as("another key of the same name")
                .isEqualTo(401);
        JWSHeader logout = new JWSHeader.Builder(JWSAlgorithm.RS256)
                .keyID(key.getKeyID())
                .type(new JOSEObjectType("logout+jwt"))
                .build();
        assertThat(status(signed(key, logout, good)))
                .as("a token of another kind")
                .isEqualTo(401);
    }

    @Test
    void whoHasNoRoleHereIsRefused() {
        assertThat(status(token(claims -> claims.claim("realm_access", Map.of("roles", List.of("admin", "operator"))))))
                .as("roles of other programs")
                .isEqualTo(401);
        assertThat(status(token(claims -> claims.claim("realm_access", null)))).isEqualTo(401);
    }

    @Test
    void clocksMayDifferByAMinute() {
        Instant now = Instant.now();
        assertThat(status(token(claims -> claims.expirationTime(Date.from(now.minusSeconds(30))))))
                .isEqualTo(200);
        assertThat(status(token(claims -> claims.expirationTime(Date.from(now.minusSeconds(90))))))
                .isEqualTo(401);
        assertThat(status(token(claims -> claims.notBeforeTime(Date.from(now.plusSeconds(30))))))
                .isEqualTo(200);
        assertThat(status(token(claims -> claims.notBeforeTime(Date.from(now.plusSeconds(90))))))
                .isEqualTo(401);
    }

    private static String header(String key) {
        return new JWSHeader.Builder(JWSAlgorithm.RS256)
                .keyID(key)
                .build()
                .toBase64URL()
                .toString();
    }

    @Test
    void aNewKeyIsLookedUp() {
        assertThat(status(token(claims -> claims))).isEqualTo(200);
        key = key("second");
        assertThat(status(token(claims -> claims))).isEqualTo(200);
        String unknown = token(claims -> claims).replaceFirst("^[^.]+", header("third"));
        assertThat(status(unknown)).as("not more often than every half minute").isEqualTo(401);
    }

    @Test
    void aTenantOfWhomTheTokenDoesNotSayWhoItIsIsNobody() {
        for (Object team : Arrays.asList(null, "", " ", List.of("acme"), Map.of("name", "acme"))) {
            String token = token(claims ->
                    claims.claim("team", team).claim("realm_access", Map.of("roles", List.of("kloigos-tenant"))));
            assertThat(test.api.withToken(token).get("/api/compute_units").status())
                    .as("team %s", team)
                    .isEqualTo(401);
        }
    }

    @Test
    void aProviderOfAnotherNameOrOutOfReachIsToldAndApiTokensWorkStill() {
        claimedIssuer = "https://evil.example";
        assertThat(status(token(claims -> claims))).isEqualTo(503);
        claimedIssuer = issuer;
        assertThat(status(token(claims -> claims)))
                .as("not every request waits for it")
                .isEqualTo(503);
        clock.advance(Duration.ofSeconds(5));
        assertThat(status(token(claims -> claims))).isEqualTo(200);
        provider.stop(0);
        test.as(Role.READ_ONLY, null).get("/api/servers").expect(200);
    }

    @Test
    void whereAProviderIsNamedNobodyIsLetInWithoutAToken() {
        assertThat(test.api.get("/api/servers").status()).isEqualTo(401);
    }
}
