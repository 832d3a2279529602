package io.kloigos.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What a server tells as it happens. One thread reads; any may close.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">HTML, Server-sent events</a>
 */
public final class EventSource implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final InputStream stream;
    private final BufferedReader lines;
    private final AtomicBoolean closed = new AtomicBoolean();

    EventSource(InputStream stream) {
        this.stream = stream;
        this.lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
    }

    /**
     * Something that happened.
     *
     * @param name what to: {@code unit}, {@code unit_expiring}, {@code server}, {@code drift} or {@code operation}
     * @param data how it now is, as the API tells it
     */
    public record Message(String name, JsonNode data) {}

    /** Waits for the next message and returns it; empty when the stream has ended. */
    public Optional<Message> next() {
        String name = "";
        StringBuilder data = new StringBuilder();
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("event:")) {
                    name = line.substring("event:".length()).strip();
                } else if (line.startsWith("data:")) {
                    data.append(line.substring("data:".length()).strip()).append('\n');
                } else if (line.isEmpty() && !data.isEmpty()) {
                    return Optional.of(new Message(name, JSON.readTree(data.toString())));
                }
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The server sent an event that is not JSON", e);
        } catch (IOException e) {
            // A stream that was cut off has ended, as one that was closed.
            return Optional.empty();
        }
        return Optional.empty();
    }

    /** Ends the stream. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                stream.close();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
