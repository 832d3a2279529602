package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import io.kloigos.Event;
import io.kloigos.Fleet;
import io.kloigos.client.ClientSettings;
import io.kloigos.client.RemoteKloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Reason;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The remote facade behind a line that loses answers, and before servers that are none. */
class LostAnswersTest {
    private static final String DRIFT = """
            {"hostname": "host1", "checked_at": "2026-01-01T00:00:00Z", "facts": 3, "deviations": [%s]}""";

    private final List<HttpExchange> arrived = Collections.synchronizedList(new ArrayList<>());
    private TestServer server;
    private com.sun.net.httpserver.HttpServer line;
    private RemoteKloigos remote;
    private Predicate<HttpExchange> isLost = exchange -> false;

    @BeforeEach
    void start(@TempDir Path directory) throws IOException {
        server = new TestServer(directory).withHost1();
        line = com.sun.net.httpserver.HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        line.start();
        remote = RemoteKloigos.connect(ClientSettings.of(address()).withToken("klg_secret"));
    }

    private String address() {
        return "http://127.0.0.1:" + line.getAddress().getPort();
    }

    @AfterEach
    void stop() {
        remote.close();
        line.stop(0);
        server.close();
    }

    private void forward(HttpExchange exchange) throws IOException {
        arrived.add(exchange);
        byte[] body = exchange.getRequestBody().readAllBytes();
        String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
        ApiClient.Answer answer = server.api.send(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                BodyPublishers.ofByteArray(body),
                "Content-Type",
                "application/json",
                "Idempotency-Key",
                key == null ? "none" : key);
        if (isLost.test(exchange)) {
            exchange.close();
            return;
        }
        exchange.getResponseHeaders().add("X-Operation-Id", answer.operation());
        answer(exchange, answer.status(), answer.text());
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Test
    void anAllocationWhoseAnswerWasLostIsDoneOnce() {
        line.createContext("/", this::forward);
        isLost = exchange -> arrived.size() < 3;

        remote.allocate(new AllocateRequest(4, null, null, Tags.none(), new SshPublicKey(TestServer.KEY)));

        assertThat(arrived).hasSize(3);
        assertThat(arrived.stream().map(one -> one.getRequestHeaders().getFirst("Idempotency-Key")))
                .doesNotContainNull()
                .containsOnly(arrived.get(0).getRequestHeaders().getFirst("Idempotency-Key"));
        assertThat(server.kloigos.units(UnitFilter.all()))
                .filteredOn(unit -> unit.status() == UnitStatus.ALLOCATED)
                .hasSize(1);
    }

    @Test
    void whatIsTakenOutOfServiceIsDoneOnceToo() {
        line.createContext("/", this::forward);
        isLost = exchange -> arrived.size() % 2 == 1;
        ComputeId unit = new ComputeId("host1_4-7");

        assertThat(remote.withdraw(unit, new Reason("broken")).status()).isEqualTo(UnitStatus.UNAVAILABLE);
        assertThat(remote.putBack(unit).status()).isEqualTo(UnitStatus.FREE);
        assertThat(remote.cordon("host1", new Reason("broken")).cordon()).isEqualTo(new Reason("broken"));
        assertThat(remote.uncordon("host1").cordon()).isNull();
        assertThat(arrived).hasSize(8);
    }

    @Test
    void anEventThatANewerServerTellsIsPassedOverAndTheNextIsHeard() throws InterruptedException {
        line.createContext("/api/events", exchange -> {
            exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody()
                    .write((drift("{\"kind\": \"from_the_future\"}") + "event: unit\ndata: {\n\n" + drift(""))
                            .getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
        });
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();

        try (Fleet.Registration registration = remote.listen(events::add)) {
            assertThat(events.poll(30, TimeUnit.SECONDS)).isInstanceOfSatisfying(Event.DriftChanged.class, event -> {
                assertThat(event.report().hostname()).isEqualTo("host1");
                assertThat(event.report().deviations()).isEmpty();
            });
            assertThat(registration).isNotNull();
        }
    }

    private static String drift(String deviations) {
        return "event: drift\ndata: " + DRIFT.formatted(deviations) + "\n\n";
    }

    @Test
    void whatTheServerKnowsNoKeyForIsNotRepeated() {
        line.createContext("/", this::forward);
        isLost = exchange -> true;

        assertThatThrownBy(() -> remote.cancel("any"))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SERVER_UNREACHABLE))
                .hasMessageContaining("may have been done");
        assertThat(arrived).hasSize(1);
    }

    @Test
    void theTokenIsSentAndNeverPrinted() {
        line.createContext("/", this::forward);

        remote.servers();

        assertThat(arrived.get(0).getRequestHeaders().getFirst("Authorization")).isEqualTo("Bearer klg_secret");
        assertThat(ClientSettings.of(address()).withToken("klg_secret").toString())
                .doesNotContain("klg_secret");
    }

    @ParameterizedTest
    @CsvSource({
        "401, unauthorized, UNAUTHORIZED",
        "403, forbidden, FORBIDDEN",
        "429, too_many_requests, TOO_MANY_REQUESTS",
        "413, content_too_large, INVALID_REQUEST",
        "500, something_new, INTERNAL"
    })
    void refusalsOfTheServerItselfHaveTheirCodes(int status, String name, ErrorCode code) {
        line.createContext(
                "/",
                exchange -> answer(exchange, status, "{\"code\": \"%s\", \"detail\": \"so it is\"}".formatted(name)));

        KloigosException refusal = catchThrowableOfType(KloigosException.class, remote::servers);
        assertThat(refusal.code()).isEqualTo(code);
        assertThat(refusal).hasMessage("so it is");
    }

    @ParameterizedTest
    @CsvSource({"200, <html>", "404, Not Found", "200, 7", "502, {}"})
    void whatIsNoKloigosServerIsSaid(int status, String text) {
        line.createContext("/", exchange -> answer(exchange, status, text));

        assertThatThrownBy(remote::servers)
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SERVER_UNREACHABLE))
                .hasMessageContaining("Check the address");
    }

    @Test
    void anAnswerOfANewerServerThatIsNotUnderstoodIsSaid() {
        line.createContext("/", exchange -> answer(exchange, 200, "[" + DRIFT.formatted("{\"kind\": \"new\"}") + "]"));

        assertThatThrownBy(remote::driftReports)
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL))
                .hasMessageContaining("Use a client as new as the server");
    }

    @Test
    void aServerThatIsNotThereIsSaid() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        try (RemoteKloigos nobody = RemoteKloigos.connect(ClientSettings.of("http://127.0.0.1:" + free))) {
            assertThatThrownBy(nobody::servers)
                    .hasMessageContaining("The server http://127.0.0.1:" + free + " cannot be reached");
            assertThatThrownBy(() -> nobody.listen(event -> {})).hasMessageContaining("cannot be reached");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://kloigos.example",
                "http://10.0.0.1:8080",
                "http://127.0.0.1.example",
                "http://[2001:db8::1]"
            })
    void aTokenDoesNotLeaveTheMachineUnencryptedUnlessThatIsAllowed(String address) {
        ClientSettings settings = ClientSettings.of(address).withToken("klg_secret");

        assertThatThrownBy(() -> RemoteKloigos.connect(settings))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                .hasMessageContaining("the token would go to " + address + " unencrypted")
                .hasMessageNotContaining("klg_secret");
        RemoteKloigos.connect(settings.allowingPlainHttp()).close();
        RemoteKloigos.connect(ClientSettings.of(address)).close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"http://localhost:8080", "http://127.0.0.2", "http://[::1]:8080", "https://kloigos.example"})
    void aTokenGoesWhereNobodyElseCanReadIt(String address) {
        RemoteKloigos.connect(ClientSettings.of(address).withToken("klg_secret"))
                .close();
    }

    @ParameterizedTest
    @CsvSource({"localhost:8080", "ftp://host", "http:///path", "http://user:secret@host", "http://host?x=y", "not an"})
    void anAddressMustBeOne(String address) {
        assertThatThrownBy(() -> ClientSettings.of(address))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST));
    }
}
