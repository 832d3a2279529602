package io.kloigos.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a client makes of a stream of events. */
@Timeout(60)
class EventSourceTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsNoJsonIsPassedOver() {
        try (EventSource events = new EventSource(new ByteArrayInputStream(bytes("""
                retry: 2000

                event: unit
                data: {"compute_id":\s

                : heartbeat

                event: server
                data: {"a": 1}

                """)))) {
            assertThat(events.next()).hasValueSatisfying(message -> {
                assertThat(message.name()).isEqualTo("server");
                assertThat(message.data().get("a").asInt()).isEqualTo(1);
            });
            assertThat(events.next()).isEmpty();
        }
    }

    @Test
    void aLineThatWasCutEndsAfterSomeSilence() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                Socket other = server.accept();
                EventSource events = new EventSource(client.getInputStream(), Duration.ofMillis(300))) {
            other.getOutputStream().write(bytes("event: server\ndata: {}\n\n"));

            assertThat(events.next()).isPresent();
            assertThat(events.next()).isEmpty();
        }
    }
}
