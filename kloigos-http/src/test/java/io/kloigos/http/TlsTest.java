package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.kloigos.client.ApiConnection;
import io.kloigos.client.ClientSettings;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.TokenSecret;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** HTTPS by PEM files. */
@Timeout(60)
class TlsTest {
    private final TestCertificate first = TestCertificate.elliptic(1);

    @TempDir
    private Path directory;

    private TestServer test;
    private String base;

    @BeforeEach
    void start() {
        AccessSettings access = new AccessSettings(first.write(directory), null, null, 1000);
        test = new TestServer(directory, HttpSettings.loopback().with(access), InstantSource.system());
        base = "https://127.0.0.1:" + test.server.port();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private static HttpClient client(TestCertificate trusted, HttpClient.Version version) {
        return HttpClient.newBuilder()
                .sslContext(trusted.trusted())
                .version(version)
                .build();
    }

    private ApiClient api(TestCertificate trusted) {
        return new ApiClient(base, client(trusted, HttpClient.Version.HTTP_2));
    }

    @ParameterizedTest
    @CsvSource({"HTTP_2", "HTTP_1_1"})
    void speaksWhatTheClientChooses(HttpClient.Version version) throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(base + "/healthz")).build();
        var answer = client(first, version).send(request, BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.version()).isEqualTo(version);
        assertThat(answer.headers().firstValue("Strict-Transport-Security")).contains("max-age=63072000");
    }

    @Test
    void sessionsAndEventsWorkByHttp2() throws IOException {
        ApiClient api = api(first);
        TokenSecret token = test.token(Role.ADMIN, null);
        Answer login = api.post("/api/session", "{\"token\": \"" + token.text() + "\"}")
                .expect(200);
        String cookie = login.header("Set-Cookie");
        assertThat(cookie)
                .startsWith("__Host-kloigos=kloigos_")
                .contains("Path=/", "Secure", "HttpOnly", "SameSite=Strict");
        ApiClient page = api.with("Cookie", cookie.split(";", 2)[0], "Origin", base);
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(page.stream("/api/events"), StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).startsWith("retry:");
            test.await(page.post("/api/admin/init_server", TestServer.INIT).expect(200), page);
            assertThat(lines.lines().filter(line -> line.startsWith("event:")).findFirst())
                    .isPresent();
        }
    }

    @Test
    void aCertificateThatChangesIsShownFromThenOn() throws IOException {
        api(first).get("/healthz").expect(200);
        TestCertificate second = TestCertificate.of("RSA", "SHA256withRSA", 2);
        second.write(directory);
        test.server.lookAtCertificate();
        api(second).get("/healthz").expect(200);
        assertThatThrownBy(() -> api(first).get("/healthz")).isInstanceOf(UncheckedIOException.class);

        Files.writeString(directory.resolve("key.pem"), "half of a ke");
        test.server.lookAtCertificate();
        api(second).get("/healthz").expect(200);
    }

    private static List<ILoggingEvent> complaints(ListAppender<ILoggingEvent> log, TlsCertificate shown, int looks) {
        for (int i = 0; i < looks; i++) {
            shown.look();
        }
        return log.list.stream()
                .filter(event -> event.getLevel() == Level.ERROR)
                .toList();
    }

    @Test
    void filesThatCannotBeUsedAreComplainedOfOnceAndNotAmidARenewal() throws IOException, GeneralSecurityException {
        Path own = Files.createDirectories(directory.resolve("own"));
        TlsCertificate shown = new TlsCertificate(first.write(own));
        // From here on it looks only when it is told to.
        shown.close();
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger logger = (Logger) LoggerFactory.getLogger(TlsCertificate.class);
        logger.addAppender(log);
        try {
            TestCertificate second = TestCertificate.elliptic(2);
            Files.writeString(
                    own.resolve("cert.pem"),
                    TestCertificate.pem("CERTIFICATE", second.certificate().getEncoded()));
            assertThat(complaints(log, shown, 1)).isEmpty();
            second.write(own);
            assertThat(complaints(log, shown, 2)).isEmpty();

            Files.writeString(own.resolve("key.pem"), "half of a ke");
            assertThat(complaints(log, shown, 4)).hasSize(1);
            Files.writeString(own.resolve("key.pem"), "another half");
            assertThat(complaints(log, shown, 4)).hasSize(2);
            second.write(own);
            assertThat(complaints(log, shown, 2)).hasSize(2);
        } finally {
            logger.detachAppender(log);
        }
    }

    @Test
    void aClientThatDoesNotTrustTheCertificateSaysSoAndThatNothingWasSent() {
        ApiConnection stranger = new ApiConnection(ClientSettings.of(base));
        assertThatThrownBy(() -> stranger.get("/api/servers"))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("was sent nothing: its certificate is not trusted")
                .hasMessageContaining("--ca")
                .extracting(e -> ((KloigosException) e).code())
                .isEqualTo(ErrorCode.SERVER_UNREACHABLE);
        assertThatThrownBy(stranger::events)
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("its certificate is not trusted");
    }

    @ParameterizedTest
    @CsvSource({"RSA, SHA256withRSA", "EC, SHA256withECDSA", "Ed25519, Ed25519"})
    void everyUsualKeyIsRead(String algorithm, String signature) throws GeneralSecurityException {
        TestCertificate certificate = TestCertificate.of(algorithm, signature, 3);
        assertThat(TlsCertificate.read(certificate.write(directory)).getCertificate("kloigos"))
                .isEqualTo(certificate.certificate());
    }

    @Test
    void saysWhatIsWrongWithTheFiles() throws IOException {
        AccessSettings.Tls files = first.write(directory);
        Files.writeString(
                files.key(),
                TestCertificate.pem(
                        "PRIVATE KEY",
                        TestCertificate.elliptic(4).pair().getPrivate().getEncoded()));
        assertRefused(files, "key.pem for TLS: its key is not that of the certificate");
        Files.writeString(files.key(), TestCertificate.pem("EC PRIVATE KEY", new byte[] {1}));
        assertRefused(files, "openssl pkcs8 -topk8");
        Files.writeString(files.certificate(), "no certificate");
        assertRefused(files, "cert.pem for TLS: it holds no certificate in PEM");
        Files.delete(files.certificate());
        assertRefused(files, "cert.pem for TLS: it cannot be read");
    }

    private static void assertRefused(AccessSettings.Tls files, String why) {
        assertThatThrownBy(() -> TlsCertificate.read(files))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining(why);
    }
}
