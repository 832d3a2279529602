package io.kloigos.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a server tells as it happens. One thread reads; any may close.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">HTML, Server-sent events</a>
 */
public final class EventSource implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventSource.class);
    private static final JsonMapper JSON = new JsonMapper();

    /** Three heartbeats of a server, which sends one every ten seconds. */
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private final InputStream stream;
    private final BufferedReader lines;
    private final Duration silence;
    private final Executor later;
    private final AtomicBoolean closed = new AtomicBoolean();
    private long heard;
    private boolean reading;

    EventSource(InputStream stream) {
        this(stream, SILENCE);
    }

    /** @param silence after which the line is taken for cut */
    EventSource(InputStream stream, Duration silence) {
        this.stream = stream;
        this.lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
        this.silence = silence;
        this.later = CompletableFuture.delayedExecutor(
                Math.max(1, silence.toMillis() / 3), TimeUnit.MILLISECONDS, Runnable::run);
        later.execute(this::endIfSilent);
    }

    /**
     * Something that happened.
     *
     * @param name what to: {@code unit}, {@code unit_expiring}, {@code server}, {@code drift} or {@code operation}
     * @param data how it now is, as the API tells it
     */
    public record Message(String name, JsonNode data) {}

    /**
     * Waits for the next message and returns it; what is no JSON is passed over. Empty when the stream has ended, or the server
     * has said nothing for three of its heartbeats.
     */
    public Optional<Message> next() {
        String name = "";
        StringBuilder data = new StringBuilder();
        try {
            for (String line = line(); line != null; line = line()) {
                if (line.startsWith("event:")) {
                    name = line.substring("event:".length()).strip();
                } else if (line.startsWith("data:")) {
                    data.append(line.substring("data:".length()).strip()).append('\n');
                } else if (line.isEmpty()) {
                    Optional<Message> message = message(name, data.toString());
                    if (message.isPresent()) {
                        return message;
                    }
                    name = "";
                    data.setLength(0);
                }
            }
        } catch (IOException e) {
            // A stream that was cut off has ended, as one that was closed.
            LOG.debug("The stream of events was cut off: {}", e.getMessage());
        }
        close();
        return Optional.empty();
    }

    private @Nullable String line() throws IOException {
        mark(true);
        try {
            return lines.readLine();
        } finally {
            mark(false);
        }
    }

    /** Silence counts only while it is listened to: whoever reads may take its time in between. */
    private synchronized void mark(boolean begun) {
        reading = begun;
        heard = System.nanoTime();
    }

    private static Optional<Message> message(String name, String data) {
        if (data.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Message(name, JSON.readTree(data)));
        } catch (JsonProcessingException e) {
            LOG.warn("The server sent an event of kind {} that is not JSON; it is passed over", name, e);
            return Optional.empty();
        }
    }

    private void endIfSilent() {
        if (closed.get()) {
            return;
        }
        boolean silent;
        synchronized (this) {
            silent = reading && System.nanoTime() - heard > silence.toNanos();
        }
        if (silent) {
            LOG.warn("The server has told nothing for {} s, not even that it is there", silence.toSeconds());
            close();
        } else {
            later.execute(this::endIfSilent);
        }
    }

    /** Ends the stream. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                stream.close();
            } catch (IOException e) {
                LOG.debug("The stream of events was cut off: {}", e.getMessage());
            }
        }
    }
}
