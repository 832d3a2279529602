package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.HostFailure;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How the server begins and ends, and what it answers before a request reaches the API. */
@Timeout(60)
class HttpServerTest {
    private TestServer test;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    @Test
    void requestsUnderWayEndBeforeTheServerDoes() throws Exception {
        int port = test.server.port();
        test.host.inject(new HostFailure.Stall(0));
        CompletableFuture<Answer> allocation =
                CompletableFuture.supplyAsync(() -> test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE));
        test.host.awaitStalled(1);
        // The common pool may have one thread only, and the allocation holds that.
        CompletableFuture<Void> drained =
                CompletableFuture.runAsync(test.server::drain, task -> new Thread(task).start());
        test.host.heal();
        assertThat(allocation.get().expect(200).body().get("status").asText()).isEqualTo("allocated");
        drained.get();
        assertThatThrownBy(() -> new ApiClient("http://127.0.0.1:" + port).get("/healthz"))
                .isInstanceOf(UncheckedIOException.class);
    }

    @Test
    void aPortInUseIsToldWithTheAddress() {
        HttpSettings taken = new HttpSettings("127.0.0.1", test.server.port(), "root", 22);
        assertThatThrownBy(() -> HttpServer.start(test.kloigos, taken))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("127.0.0.1 port " + test.server.port())
                .hasMessageContaining("in use");
    }

    @Test
    void anUnknownHostIsTold() {
        assertThatThrownBy(() -> HttpServer.start(test.kloigos, new HttpSettings("nowhere.invalid", 0, "root", 22)))
                .hasMessage("Cannot listen on nowhere.invalid port 0: there is no such host");
    }

    @Test
    void aMalformedRequestIsAProblemToo() throws Exception {
        String answer = raw("GET /api/servers/%zz HTTP/1.1");
        assertThat(answer)
                .startsWith("HTTP/1.1 400")
                .contains("application/problem+json", "\"code\":\"bad_request\"", "Content-Security-Policy")
                .doesNotContain("jetty", "Exception");
        assertThat(raw("GET /api/compute_units?zone=%zz HTTP/1.1"))
                .startsWith("HTTP/1.1 422")
                .contains("{\"loc\":[\"query\",\"zone\"],", "\"type\":\"malformed\"");
    }

    private String raw(String line) throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), test.server.port())) {
            socket.getOutputStream()
                    .write((line + "\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
