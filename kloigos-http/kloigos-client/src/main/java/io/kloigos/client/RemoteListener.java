package io.kloigos.client;

import io.kloigos.Event;
import io.kloigos.KloigosListener;
import io.kloigos.model.KloigosException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells a listener what a server tells, and connects again when the connection is lost. Thread-safe. */
final class RemoteListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteListener.class);
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final ApiConnection api;
    private final KloigosListener listener;
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable EventSource source;

    RemoteListener(ApiConnection api, KloigosListener listener) {
        this.api = api;
        this.listener = listener;
    }

    /** Returns when the server tells this listener; the rest goes on on a thread of its own. */
    void start() {
        EventSource first = api.events();
        use(first);
        Thread thread = new Thread(() -> run(first), "kloigos-client-events");
        thread.setDaemon(true);
        thread.start();
    }

    private synchronized void use(EventSource next) {
        source = next;
        if (isClosed()) {
            next.close();
        }
    }

    private void run(EventSource first) {
        tell(first);
        boolean said = false;
        while (!isClosedWithin(PAUSE)) {
            try {
                EventSource next = api.events();
                said = false;
                use(next);
                tell(next);
            } catch (KloigosException e) {
                if (!said) {
                    LOG.warn("Events are told no more until the server can be listened to again: {}", e.getMessage());
                    said = true;
                }
            }
        }
    }

    private void tell(EventSource events) {
        for (Optional<EventSource.Message> message = events.next();
                message.isPresent() && !isClosed();
                message = events.next()) {
            read(message.get()).ifPresent(this::tell);
        }
    }

    /** Returns what happened; empty if it is of a kind, or tells something, that is not known here. */
    private static Optional<Event> read(EventSource.Message message) {
        try {
            return ModelReader.event(message);
        } catch (RuntimeException e) {
            LOG.warn(
                    "An event of kind {} cannot be read and is passed over; the server may be newer than this client",
                    message.name(),
                    e);
            return Optional.empty();
        }
    }

    private void tell(Event event) {
        try {
            listener.happened(event);
        } catch (RuntimeException e) {
            LOG.warn("A listener failed at {}", event, e);
        }
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private boolean isClosedWithin(Duration time) {
        try {
            return closed.await(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    @Override
    public void close() {
        closed.countDown();
        synchronized (this) {
            if (source != null) {
                source.close();
            }
        }
    }
}
