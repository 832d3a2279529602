package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.Javalin;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.http.Authentication.Means;
import io.kloigos.http.Authentication.Recognised;
import io.kloigos.model.Caller;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.TokenSecret;
import io.kloigos.testkit.SettableClock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is let in, and what is written down of it. */
@Timeout(60)
class AccessTest {
    private static final String ALLOCATE = "/api/compute_units/allocate";

    private final SettableClock clock = SettableClock.at(Instant.parse("2026-11-23T12:00:00Z"));
    private Path directory;
    private TestServer test;

    @BeforeEach
    void start(@TempDir Path temporary) {
        directory = temporary;
        test = new TestServer(temporary, HttpSettings.loopback(), clock).withHost1();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), test.server.port())) {
            socket.getOutputStream()
                    .write((request + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private String origin() {
        return "http://127.0.0.1:" + test.server.port();
    }

    private List<JsonNode> audit(ApiClient client, String query) {
        List<JsonNode> entries = new ArrayList<>();
        client.get("/api/audit" + query).expect(200).body().forEach(entries::add);
        return entries;
    }

    // Without authentication

    @Test
    void withoutTokensEverybodyOnThisMachineIsAdministrator() {
        assertThat(test.api.get("/api/session").expect(200).text())
                .startsWith(
                        "{\"authentication\":false,\"authenticated\":true,\"means\":\"open\",\"subject\":\"anybody\","
                                + "\"roles\":[\"admin\"],\"tenant\":null,\"expires_at\":null,\"may\":[\"DELETE /api/admin/")
                .endsWith("\"may_dry_run\":true}");
        test.api.post(ALLOCATE, TestServer.ALLOCATE).expect(200);
        assertThat(audit(test.api, "?action=allocate"))
                .singleElement()
                .satisfies(entry -> assertThat(entry.get("who").asText()).isEqualTo("anybody"));
    }

    @Test
    void anotherNameOfThisMachineIsNotAnswered() throws IOException {
        assertThat(raw("GET /api/servers HTTP/1.1\r\nHost: rebound.example"))
                .startsWith("HTTP/1.1 403")
                .contains("rebound.example", "localhost");
        assertThat(raw("GET / HTTP/1.1\r\nHost: rebound.example")).startsWith("HTTP/1.1 403");
        assertThat(raw("GET /api/servers HTTP/1.1\r\nHost: 127.0.0.1.rebound.example"))
                .startsWith("HTTP/1.1 403");
        for (String name : List.of("localhost", "localhost:9000", "127.0.0.1", "[::1]:8080")) {
            assertThat(raw("GET /api/servers HTTP/1.1\r\nHost: " + name)).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void pagesOfOtherSitesAreNotAnswered() {
        for (String foreign : List.of(
                "http://evil.example",
                "null",
                "https://127.0.0.1",
                "http://127.0.0.1:1",
                "127.0.0.1:" + test.server.port())) {
            assertThat(test.api
                            .with("Origin", foreign)
                            .post(ALLOCATE, TestServer.ALLOCATE)
                            .status())
                    .as(foreign)
                    .isEqualTo(403);
        }
        for (String site : List.of("cross-site", "same-site")) {
            assertThat(test.api.with("Sec-Fetch-Site", site).get("/api/servers").status())
                    .isEqualTo(403);
            assertThat(test.api
                            .with("Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate")
                            .post(ALLOCATE, TestServer.ALLOCATE)
                            .status())
                    .isEqualTo(403);
            test.api
                    .with("Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate")
                    .get("/")
                    .expect(200);
        }
        assertThat(test.api.get("/api/compute_units?status=free").expect(200).body())
                .hasSize(3);
        assertThat(audit(test.api, "?outcome=refused"))
                .hasSizeBetween(8, 10)
                .allSatisfy(entry -> assertThat(entry.get("detail").asText())
                        .isEqualTo("Pages of other sites may not use this server."));
        test.api.with("Origin", origin()).post(ALLOCATE, TestServer.ALLOCATE).expect(200);
    }

    @Test
    void othersMayOnlyReachItWhereThereIsAuthentication() {
        HttpSettings everywhere = new HttpSettings("0.0.0.0", 0, "root", 22);
        assertThatThrownBy(() -> HttpServer.start(test.kloigos, everywhere))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("Cannot listen on 0.0.0.0 without authentication")
                .hasMessageContaining("kloigos token create");
        test.token(Role.ADMIN, null);
        try (HttpServer server = HttpServer.start(test.kloigos, everywhere)) {
            assertThat(new ApiClient("http://127.0.0.1:" + server.port())
                            .get("/api/servers")
                            .status())
                    .isEqualTo(401);
        }
    }

    // Tokens

    private static String wanted(String name, String role) {
        return "{\"name\": \"" + name + "\", \"role\": \"" + role + "\"}";
    }

    @Test
    void theFirstTokenIsAnAdministratorsAndClosesTheServer() {
        assertThat(test.api
                        .post("/api/tokens", wanted("ci", "operator"))
                        .expect(409)
                        .text())
                .contains("administrator");
        JsonNode made =
                test.api.post("/api/tokens", wanted("ann", "admin")).expect(200).body();
        Answer refused = test.api.get("/api/servers").expect(401);
        assertThat(refused.header("WWW-Authenticate")).startsWith("Bearer");
        assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
        test.api.get("/healthz").expect(200);
        test.api.get("/").expect(200);

        ApiClient ann = test.api.withToken(made.get("token").asText());
        ann.get("/api/servers").expect(200);
        assertThat(ann.get("/api/tokens").expect(200).text())
                .contains(
                        "\"name\":\"ann\"",
                        "\"created_by\":\"anybody\"",
                        made.at("/details/token_id").asText())
                .doesNotContain(made.get("token").asText());
    }

    @Test
    void aTokenIsRefusedOnceItIsRevokedOrOver() {
        ApiClient admin = test.as(Role.ADMIN, null);
        JsonNode made = admin.post(
                        "/api/tokens",
                        "{\"name\": \"ci\", \"role\": \"tenant\", \"tenant\": \"acme\","
                                + " \"expires_at\": \"2026-11-23T13:00:00Z\"}")
                .expect(200)
                .body();
        ApiClient ci = test.api.withToken(made.get("token").asText());
        ci.get("/api/compute_units").expect(200);
        clock.advance(Duration.ofHours(1));
        ci.get("/api/compute_units").expect(401);

        String second = admin.post("/api/tokens", wanted("second", "operator"))
                .expect(200)
                .body()
                .get("token")
                .asText();
        ApiClient operator = test.api.withToken(second);
        operator.get("/api/servers").expect(200);
        String id = TokenSecret.parse(second).orElseThrow().id();
        assertThat(admin.delete("/api/tokens/" + id)
                        .expect(200)
                        .body()
                        .get("revoked_at")
                        .isNull())
                .isFalse();
        operator.get("/api/servers").expect(401);
        admin.delete("/api/tokens/" + id).expect(409);
        admin.delete("/api/tokens/unknown").expect(404);
    }

    @Test
    void allFaultsOfATokenAreToldAtOnce() {
        ApiClient admin = test.as(Role.ADMIN, null);
        assertThat(admin.post(
                                "/api/tokens",
                                "{\"name\": \"a b\", \"role\": \"tenant\", \"expires_at\":"
                                        + " \"2020-01-01T00:00:00Z\"}")
                        .expect(422)
                        .text())
                .contains("[\"body\",\"name\"]", "[\"body\",\"tenant\"]", "[\"body\",\"expires_at\"]");
        admin.post("/api/tokens", wanted("x", "root")).expect(422);
    }

    // Sessions

    private Answer login(String token) {
        return test.api.post("/api/session", "{\"token\": \"" + token + "\"}");
    }

    @Test
    void aSessionIsGoodForThisServersOwnPagesOnly() {
        TokenSecret token = test.token(Role.OPERATOR, null);
        Answer login = login(token.text()).expect(200);
        String cookie = login.header("Set-Cookie");
        assertThat(cookie)
                .startsWith("kloigos_session=kloigos_")
                .contains("Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200")
                .doesNotContain("Secure", token.random());
        assertThat(login.body().get("subject").asText()).isEqualTo("operator");
        String pair = cookie.split(";", 2)[0];

        ApiClient browser = test.api.with("Cookie", pair);
        assertThat(browser.get("/api/session").expect(200).body().get("means").asText())
                .isEqualTo("session");
        browser.get("/api/servers").expect(200);
        assertThat(browser.post(ALLOCATE, TestServer.ALLOCATE).expect(403).text())
                .contains("own pages");
        test.api
                .with("Cookie", pair, "Origin", "http://evil.example")
                .post(ALLOCATE, TestServer.ALLOCATE)
                .expect(403);
        test.api
                .with("Cookie", pair, "Sec-Fetch-Site", "same-origin")
                .post(ALLOCATE, TestServer.ALLOCATE)
                .expect(200);
        ApiClient page = test.api.with("Cookie", pair, "Origin", origin());
        page.post(ALLOCATE, TestServer.ALLOCATE).expect(200);

        assertThat(page.delete("/api/session").expect(200).header("Set-Cookie"))
                .startsWith("kloigos_session=;")
                .contains("Expires=Thu, 01 Jan 1970");
        browser.get("/api/servers").expect(401);
        assertThat(browser.get("/api/session")
                        .expect(200)
                        .body()
                        .get("authenticated")
                        .asBoolean())
                .isFalse();
    }

    @Test
    void aSessionEndsWithItsTokenAndAfterTwelveHours() {
        ApiClient admin = test.as(Role.ADMIN, null);
        TokenSecret token = test.token(Role.OPERATOR, null);
        ApiClient first =
                test.api.with("Cookie", login(token.text()).header("Set-Cookie").split(";", 2)[0]);
        first.get("/api/servers").expect(200);
        clock.advance(Duration.ofHours(12));
        first.get("/api/servers").expect(401);
        ApiClient second =
                test.api.with("Cookie", login(token.text()).header("Set-Cookie").split(";", 2)[0]);
        second.get("/api/servers").expect(200);
        admin.delete("/api/tokens/" + token.id()).expect(200);
        second.get("/api/servers").expect(401);
    }

    // How much

    @Test
    void whoAsksTooOftenIsToldWhenToTryAgain() {
        ApiClient operator = test.as(Role.OPERATOR, null);
        ApiClient other = test.as(Role.READ_ONLY, null);
        for (int i = 0; i < 200; i++) {
            operator.get("/api/operations?limit=1").expect(200);
        }
        Answer refused = operator.get("/api/operations?limit=1").expect(429);
        assertThat(refused.header("Retry-After")).isEqualTo("1");
        assertThat(refused.body().get("code").asText()).isEqualTo("too_many_requests");
        other.get("/api/operations?limit=1").expect(200);
        clock.advance(Duration.ofSeconds(1));
        operator.get("/api/operations?limit=1").expect(200);
    }

    @Test
    void manyWhoShareAnAddressTakeNeitherPagesNorProbesFromEachOther() {
        test.as(Role.READ_ONLY, null).get("/api/servers").expect(200);
        for (int i = 0; i < 201; i++) {
            test.api.get("/").expect(200);
        }
        for (int i = 0; i < 200; i++) {
            test.api.get("/api/session").expect(200);
        }
        test.api.get("/api/session").expect(429);
        test.api.get("/").expect(200);
        test.api.get("/healthz").expect(200);
        test.api.get("/readyz").expect(200);
    }

    @Test
    void failedLoginsAreSlowedDownAndLockNobodyOut() {
        TokenSecret token = test.token(Role.ADMIN, null);
        String wrong = new TokenSecret(token.id(), "A".repeat(43)).text();
        for (int i = 0; i < 10; i++) {
            login(wrong).expect(401);
        }
        assertThat(login(wrong).expect(429).header("Retry-After")).isEqualTo("6");
        test.api.withToken(wrong).get("/api/servers").expect(429);
        login(token.text()).expect(200);
        clock.advance(Duration.ofSeconds(6));
        login(wrong).expect(401);
        assertThat(audit(test.api.withToken(token.text()), "?action=login&outcome=refused&limit=1000"))
                .hasSize(11);
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 20, 8 << 20})
    void bodiesHaveALimitAndWhoPassesItIsToldSo(int length) {
        test.token(Role.ADMIN, null);
        test.api
                .post("/api/session", "{\"token\": \"" + "x".repeat(length) + "\"}")
                .expect(413);
    }

    @Test
    void browsersAreToldToTrustNothingElse() {
        Answer page = test.api.get("/").expect(200);
        assertThat(page.header("Content-Security-Policy"))
                .contains(
                        "default-src 'none'",
                        "script-src 'self'",
                        "style-src 'self'",
                        "connect-src 'self'",
                        "img-src 'self' data:",
                        "frame-ancestors 'none'",
                        "base-uri 'none'",
                        "form-action 'none'")
                .doesNotContain("unsafe");
        Answer answered = test.api.get("/api/servers").expect(200);
        // A page holds nothing that is anybody's, but is asked for again after an upgrade.
        assertThat(page.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(answered.header("Cache-Control")).isEqualTo("no-store");
        for (Answer answer : List.of(page, answered, test.api.get("/nowhere"))) {
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(answer.header("Referrer-Policy")).isEqualTo("no-referrer");
            assertThat(answer.header("X-Frame-Options")).isEqualTo("DENY");
            assertThat(answer.header("Permissions-Policy")).contains("camera=()");
            assertThat(answer.header("Cross-Origin-Opener-Policy")).isEqualTo("same-origin");
            assertThat(answer.header("Cross-Origin-Resource-Policy")).isEqualTo("same-origin");
            assertThat(answer.header("Strict-Transport-Security"))
                    .as("only by HTTPS")
                    .isEmpty();
        }
    }

    // Tenants

    @Test
    void aTenantLivesWithItsOwnUnitsOnly() {
        ApiClient acme = test.as(Role.TENANT, "acme");
        ApiClient other = test.as(Role.TENANT, "other");
        ApiClient operator = test.as(Role.OPERATOR, null);
        JsonNode mine = acme.post(ALLOCATE, TestServer.ALLOCATE).expect(200).body();
        JsonNode theirs = other.post(ALLOCATE, TestServer.ALLOCATE).expect(200).body();
        String unit = "/api/compute_units/" + mine.get("compute_id").asText();
        assertThat(mine.get("owner").asText()).isEqualTo("acme");

        assertThat(acme.get("/api/compute_units").expect(200).body()).containsExactly(mine);
        assertThat(acme.get("/api/compute_units?owner=other").expect(200).body())
                .isEmpty();
        assertThat(operator.get("/api/compute_units?owner=other").expect(200).body())
                .containsExactly(theirs);
        assertThat(acme.get("/api/operations").expect(200).body().findValuesAsText("compute_id"))
                .containsExactly(mine.get("compute_id").asText());
        assertThat(operator.get("/api/operations").expect(200).body()).hasSize(3);

        acme.get(unit + "/drift").expect(200);
        acme.send("PUT", unit + "/tags", BodyPublishers.ofString("{\"tags\": {}}"), "Content-Type", "application/json")
                .expect(200);
        acme.post(unit + "/stop", "").expect(200);
        acme.post(unit + "/start", "").expect(200);
        assertThat(acme.delete("/api/compute_units/deallocate/"
                                + mine.get("compute_id").asText() + "?dry_run=TRUE")
                        .expect(403)
                        .text())
                .contains("operators may");
        test.await(
                acme.delete("/api/compute_units/deallocate/"
                                + mine.get("compute_id").asText())
                        .expect(200),
                operator);
        assertThat(acme.get("/api/compute_units").expect(200).body()).isEmpty();
        acme.get(unit).expect(404);
    }

    /** The names of events and what they are about. */
    private static List<String> until(BufferedReader lines, String last) throws IOException {
        List<String> told = new ArrayList<>();
        String name = "";
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith("event: ")) {
                name = line.substring(7);
            } else if (line.startsWith("data: ")) {
                told.add(name + " " + line.substring(6));
                if (name.equals(last)) {
                    return told;
                }
            }
        }
        throw new AssertionError("the stream ended after " + told);
    }

    @Test
    void aTenantIsToldOfItsOwnUnitsOnlyAndThatTheyAreGone() throws IOException {
        ApiClient acme = test.as(Role.TENANT, "acme");
        ApiClient other = test.as(Role.TENANT, "other");
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(acme.stream("/api/events"), StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).startsWith("retry:");
            String theirs = other.post(ALLOCATE, TestServer.ALLOCATE)
                    .expect(200)
                    .body()
                    .get("compute_id")
                    .asText();
            String mine = acme.post(ALLOCATE, TestServer.ALLOCATE)
                    .expect(200)
                    .body()
                    .get("compute_id")
                    .asText();
            acme.delete("/api/compute_units/deallocate/" + mine).expect(200);

            List<String> told = until(lines, "unit_gone");
            assertThat(told)
                    .isNotEmpty()
                    .noneMatch(event -> event.contains(theirs))
                    .allMatch(event -> event.contains("\"" + mine + "\""))
                    .anyMatch(event -> event.startsWith("unit {") && event.contains("\"allocated\""));
            assertThat(told.get(told.size() - 1)).isEqualTo("unit_gone {\"compute_id\":\"" + mine + "\"}");
        }
    }

    @Test
    void nobodyHasMoreEventStreamsThanTheyMay(@TempDir Path other) throws IOException {
        HttpSettings settings =
                HttpSettings.loopback().with(AccessSettings.standard().with(new AccessSettings.EventStreams(1, 2)));
        try (TestServer narrow = new TestServer(other, settings, clock)) {
            ApiClient ann = narrow.as(Role.READ_ONLY, null);
            ApiClient bob = narrow.as(Role.OPERATOR, null);
            ApiClient eve = narrow.as(Role.ADMIN, null);
            try (InputStream first = ann.stream("/api/events")) {
                assertThat(first.read()).isPositive();

                ApiClient.Answer refusal = ann.get("/api/events").expect(429);
                assertThat(refusal.body().get("detail").asText()).contains("read-only has 1 event streams open");
                assertThat(refusal.header("Retry-After")).isEqualTo("10");

                try (InputStream second = bob.stream("/api/events")) {
                    assertThat(second.read()).isPositive();
                    assertThat(eve.get("/api/events").expect(429).text()).contains("All 2 event streams");
                    assertThat(eve.get("/metrics").text()).contains("\nkloigos_event_streams 2.0\n");
                }
            }
        }
    }

    @Test
    void anEventStreamThatEndedLeavesItsPlace() {
        StreamPlaces places = new StreamPlaces(new AccessSettings.EventStreams(1, 9));
        Recognised ann = new Recognised(new Caller("ann", Role.ADMIN, null, null), Means.TOKEN, null);
        Recognised anybody = new Recognised(new Caller("anybody", Role.ADMIN, null, null), Means.OPEN, null);

        assertThat(places.take(ann)).isEmpty();
        assertThat(places.take(ann)).isPresent();
        places.giveBack(ann);
        assertThat(places.take(ann)).isEmpty();
        assertThat(places.take(anybody)).isEmpty();
        assertThat(places.take(anybody)).isEmpty();
    }

    @Test
    void theEventsEndForWhoMayListenNoMore() throws IOException {
        TokenSecret token = test.token(Role.READ_ONLY, null);
        HttpSettings settings = HttpSettings.loopback();
        Gate gate = new Gate(test.kloigos, settings, new Metrics(new Readiness(test.kloigos, clock)), clock);
        try (EventStream events = new EventStream(test.kloigos, settings, Duration.ofMillis(50))) {
            Javalin server = Javalin.create(config -> {
                        gate.addTo(config.routes);
                        config.routes.get("/api/events", context -> events.serve(context, gate));
                    })
                    .start("127.0.0.1", 0);
            ApiClient client = new ApiClient("http://127.0.0.1:" + server.port()).withToken(token.text());
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(client.stream("/api/events"), StandardCharsets.UTF_8))) {
                assertThat(lines.readLine()).startsWith("retry:");
                test.kloigos.access().tokens().revoke(token.id(), clock.instant());
                assertThat(lines.lines()).allMatch(line -> line.isEmpty() || line.equals(": heartbeat"));
            } finally {
                server.stop();
            }
        }
    }

    @Test
    void aTenantIsToldWhatItWouldGetAndNotWhere() {
        ApiClient acme = test.as(Role.TENANT, "acme");
        String preview = acme.post(ALLOCATE + "?dry_run=true", TestServer.ALLOCATE)
                .expect(200)
                .text();
        JsonNode unit = acme.post(ALLOCATE, TestServer.ALLOCATE).expect(200).body();

        assertThat(preview)
                .isEqualTo(String.format(
                        "{\"units\":[{\"region\":\"eu\",\"zone\":\"a\",\"cpu_count\":4,\"memory_max\":%s,\"swap_max\":0,"
                                + "\"tasks_max\":%s}]}",
                        unit.get("limits").get("memory_max"), unit.get("limits").get("tasks_max")));
        String tooLarge = TestServer.ALLOCATE.replace("{\"tags\"", "{\"cpu_count\": 64, \"tags\"");
        assertThat(acme.post(ALLOCATE + "?dry_run=true", tooLarge).expect(409).text())
                .contains("Free: ", "of 4 CPUs in eu/a")
                .doesNotContain("host1");
        test.as(Role.OPERATOR, null)
                .post("/api/servers/host1/cordon", "{\"reason\": \"a secret\"}")
                .expect(200);
        assertThat(acme.post(ALLOCATE, TestServer.ALLOCATE).expect(409).text())
                .as("a cordoned server is nothing that a tenant could mend")
                .contains("no unit is free")
                .doesNotContain("host1", "a secret");
        assertThat(audit(test.as(Role.ADMIN, null), "?who=acme"))
                .as("a dry run does nothing")
                .hasSize(2);
        test.as(Role.READ_ONLY, null)
                .post(ALLOCATE + "?dry_run=true", TestServer.ALLOCATE)
                .expect(403);
    }

    // The audit log

    @Test
    void theAuditLogTellsWhoDidWhatBeforeAndAfter() {
        ApiClient admin = test.as(Role.ADMIN, null);
        ApiClient operator = test.as(Role.OPERATOR, null);
        ApiClient acme = test.as(Role.TENANT, "acme");
        Answer allocated = acme.send(
                        "POST",
                        ALLOCATE,
                        BodyPublishers.ofString(TestServer.ALLOCATE),
                        "Content-Type",
                        "application/json",
                        "Idempotency-Key",
                        "k1")
                .expect(200);
        String unit = allocated.body().get("compute_id").asText();
        operator.post("/api/servers/host1/cordon", "{\"reason\": \"disk\"}").expect(200);
        acme.post("/api/servers/host1/uncordon", "").expect(403);
        acme.get("/api/compute_units/host1_12-15").expect(404);
        operator.post("/api/compute_units/" + unit + "/withdraw", "{\"reason\": \"x\"}")
                .expect(409);
        admin.post("/api/tokens", wanted("new", "read-only")).expect(200);
        operator.delete("/api/compute_units/deallocate/" + unit + "?dry_run=true")
                .expect(200);
        operator.post("/api/servers/host1/uncordon?dry_run=true", "").expect(422);
        assertThat(audit(admin, "?action=deallocate"))
                .as("a dry run does nothing")
                .isEmpty();
        assertThat(audit(admin, "?action=uncordon&who=operator"))
                .as("what cannot be a dry run is none")
                .hasSize(1);

        assertThat(audit(admin, "?who=acme&outcome=succeeded")).singleElement().satisfies(entry -> {
            assertThat(entry.get("action").asText()).isEqualTo("allocate");
            assertThat(entry.get("target").asText()).isEqualTo(unit);
            assertThat(entry.get("role").asText()).isEqualTo("tenant");
            assertThat(entry.get("address").asText()).isEqualTo("127.0.0.1");
            assertThat(entry.get("idempotency_key").asText()).isEqualTo("k1");
            assertThat(entry.get("request_id").asText()).isEqualTo(allocated.header("X-Request-Id"));
            assertThat(entry.get("at").asText()).isEqualTo("2026-11-23T12:00:00Z");
        });
        assertThat(audit(admin, "?target=host1&action=cordon")).singleElement().satisfies(entry -> {
            assertThat(entry.get("before").toString()).isEqualTo("{\"cordoned\":false,\"cordon_reason\":null}");
            assertThat(entry.get("after").toString()).isEqualTo("{\"cordoned\":true,\"cordon_reason\":\"disk\"}");
        });
        assertThat(audit(admin, "?who=acme&outcome=refused"))
                .extracting(entry -> entry.get("action").asText())
                .containsExactly("getComputeUnit", "uncordon");
        assertThat(audit(admin, "?outcome=failed&action=withdraw"))
                .singleElement()
                .satisfies(entry -> assertThat(entry.get("detail").asText()).contains("Only a free unit can be"));
        assertThat(audit(admin, "?target=host1"))
                .as("a server is found with its units")
                .extracting(entry -> entry.get("target").asText())
                .contains("host1", unit, "host1_12-15");
        assertThat(audit(admin, "?who=ac&role=tenant&address=127.0&outcome=succeeded"))
                .hasSize(1);
        assertThat(audit(admin, "?who=acme&role=admin")).isEmpty();
        assertThat(audit(admin, "?address=10.")).isEmpty();
        assertThat(audit(operator, "?role=admin")).isEmpty();
        assertThat(audit(admin, "?action=createToken")).hasSize(1);
        assertThat(audit(operator, "?action=createToken"))
                .as("what administrators do is not for operators")
                .isEmpty();
        assertThat(audit(operator, "")).isNotEmpty();
        assertThat(admin.get("/api/audit").text()).doesNotContain("kloigos_");
    }

    @Test
    void theAuditLogTellsWhatATokenWasAndIs() {
        ApiClient admin = test.as(Role.ADMIN, null);
        Answer made = admin.post(
                        "/api/tokens",
                        "{\"name\": \"ci\", \"role\": \"tenant\", \"tenant\": \"acme\", \"expires_at\": \"2027-01-01T00:00:00Z\"}")
                .expect(200);
        String id = made.body().get("details").get("token_id").asText();
        admin.delete("/api/tokens/" + id).expect(200);
        admin.delete("/api/tokens/" + id).expect(409);

        String token = "{\"token_id\":\"" + id + "\",\"name\":\"ci\",\"role\":\"tenant\",\"tenant\":\"acme\","
                + "\"created_at\":\"2026-11-23T12:00:00Z\",\"expires_at\":\"2027-01-01T00:00:00Z\",\"revoked_at\":";
        String valid = token + "null,\"state\":\"valid\"}";
        assertThat(audit(admin, "?action=createToken")).singleElement().satisfies(entry -> {
            assertThat(entry.get("target").asText()).isEqualTo(id);
            assertThat(entry.get("before").isNull()).isTrue();
            assertThat(entry.get("after")).hasToString(valid);
        });
        List<JsonNode> revocations = audit(admin, "?target=" + id + "&action=revokeToken");
        assertThat(revocations).hasSize(2);
        assertThat(revocations.get(0).get("outcome").asText()).isEqualTo("failed");
        assertThat(revocations.get(0).get("after").isNull()).isTrue();
        assertThat(revocations.get(1).get("before")).hasToString(valid);
        assertThat(revocations.get(1).get("after"))
                .hasToString(token + "\"2026-11-23T12:00:00Z\",\"state\":\"revoked\"}");
        String secret = made.body().get("token").asText();
        assertThat(admin.get("/api/audit").text())
                .doesNotContain(secret, secret.substring(secret.length() - 20), "hash");
    }

    @Test
    void theAuditLogNamesWhatFailedToComeAbout() {
        ApiClient admin = test.as(Role.ADMIN, null);
        admin.post("/api/admin/init_server", "{\"hostname\": \"host7\", \"ip\": 7}")
                .expect(422);
        admin.post("/api/admin/init_server", TestServer.INIT).expect(409);
        admin.post(ALLOCATE, TestServer.ALLOCATE.replace("{\"tags\"", "{\"cpu_count\": 99, \"zone\": \"b\", \"tags\""))
                .expect(409);
        admin.post(ALLOCATE, "no json").expect(422);

        assertThat(audit(admin, "?outcome=failed"))
                .extracting(entry -> entry.get("target").asText(null))
                .containsExactly(null, "*/b", "host1", "host7");
        assertThat(audit(admin, "?outcome=failed"))
                .allSatisfy(entry -> assertThat(entry.get("after").isNull()).isTrue());
    }

    @Test
    void theAuditLogHasPagesAndIsExported() {
        ApiClient admin = test.as(Role.ADMIN, null);
        admin.post("/api/servers/host1/cordon", "{\"reason\": \"=1+1\"}").expect(200);
        admin.post("/api/servers/host1/uncordon", "").expect(200);
        List<JsonNode> first = audit(admin, "?who=admin&limit=1");
        assertThat(first).extracting(entry -> entry.get("action").asText()).containsExactly("uncordon");
        assertThat(audit(
                        admin, "?who=admin&before=" + first.get(0).get("number").asText()))
                .extracting(entry -> entry.get("action").asText())
                .containsExactly("cordon");
        assertThat(audit(admin, "?since=2026-11-23T12:00:01Z")).isEmpty();
        assertThat(audit(admin, "?since=2026-11-23T12:00:00Z&until=2026-11-23T12:00:01Z"))
                .hasSize(3);

        Answer lines = admin.get("/api/audit?format=ndjson").expect(200);
        assertThat(lines.header("Content-Type")).isEqualTo("application/x-ndjson");
        assertThat(lines.text().lines()).hasSize(3).allMatch(line -> line.startsWith("{\"number\":"));
        Answer csv = admin.get("/api/audit?format=csv").expect(200);
        assertThat(csv.header("Content-Type")).startsWith("text/csv");
        assertThat(csv.text().lines()).hasSize(4).first().asString().startsWith("number,at,who,role");
        assertThat(admin.get("/api/audit?format=xml&limit=0&since=x&outcome=odd")
                        .expect(422)
                        .body()
                        .get("detail"))
                .hasSize(4);
    }

    @Test
    void whatCannotBeWrittenDownIsNotDone() throws SQLException {
        ApiClient admin = test.as(Role.ADMIN, null);
        admin.get("/api/servers").expect(200);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("kloigos.db"));
                Statement statement = connection.createStatement()) {
            statement.execute("ALTER TABLE audit_log RENAME TO audit_log_lost");
        }
        assertThat(admin.post(ALLOCATE, TestServer.ALLOCATE)
                        .expect(503)
                        .body()
                        .get("code")
                        .asText())
                .isEqualTo("store_failed");
        assertThat(admin.get("/api/compute_units?status=free").expect(200).body())
                .hasSize(3);
    }
}
