package io.kloigos.http;

import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.kloigos.Event;
import io.kloigos.Fleet;
import io.kloigos.Kloigos;
import io.kloigos.KloigosListener;
import io.kloigos.http.Authentication.Recognised;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Operation;
import io.kloigos.model.SshEndpoint;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the clients of {@code GET /api/events} what happens, as server-sent events. Thread-safe.
 *
 * <p>The engine only puts an event into a queue; one thread writes it down as JSON once and hands it to every client, none of
 * which it waits for. An operation's progress that waits in the queue is replaced by its later progress, which tells the
 * earlier steps as well. Kloigos is listened to only while there are clients.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">HTML, Server-sent events</a>
 */
final class EventStream implements KloigosListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventStream.class);
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);
    private static final Duration LATER = Duration.ofSeconds(10);
    private static final int MOST_WAITING = 10_000;
    private static final byte[] COMMENT = ": heartbeat\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] GREETING = "retry: 2000\n\n".getBytes(StandardCharsets.US_ASCII);

    private final Kloigos kloigos;
    private final HttpSettings settings;
    private final Duration heartbeat;
    private final StreamPlaces places;
    private final Set<EventClient> clients = ConcurrentHashMap.newKeySet();
    private final Thread thread = new Thread(this::run, "kloigos-events");
    private Map<Object, Event> waiting = new LinkedHashMap<>();
    private Fleet.@Nullable Registration registration;
    private boolean closed;
    private long asked = System.nanoTime();

    EventStream(Kloigos kloigos, HttpSettings settings) {
        this(kloigos, settings, HEARTBEAT);
    }

    EventStream(Kloigos kloigos, HttpSettings settings, Duration heartbeat) {
        this.kloigos = kloigos;
        this.settings = settings;
        this.heartbeat = heartbeat;
        this.places = new StreamPlaces(settings.access().eventStreams());
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Makes the caller of this request a client, for as long as they would be let in.
     *
     * @throws io.javalin.http.HttpResponseException 429 if they have, or all have, as many streams as may be
     */
    void serve(Context context, Gate gate) {
        context.contentType("text/event-stream;charset=utf-8").header("X-Accel-Buffering", "no");
        if (context.method().equals(HandlerType.HEAD)) {
            return;
        }
        Recognised recognised = Gate.recognised(context).orElseThrow();
        places.take(recognised).ifPresent(refusal -> {
            throw gate.tooMany(context, LATER, refusal);
        });
        // Nothing else may touch the answer when the stream ends: the connection may be gone by then.
        context.skipRemainingHandlers().future(() -> begin(context, gate, recognised));
    }

    private CompletableFuture<Void> begin(Context context, Gate gate, Recognised recognised) {
        EventClient client;
        try {
            Audience audience = Audience.of(recognised.caller(), kloigos);
            client = new EventClient(context, audience, gate.authentication().later(context, recognised));
        } catch (RuntimeException e) {
            places.giveBack(recognised);
            throw e;
        }
        client.offer(GREETING);
        add(client);
        return client.gone().thenRun(() -> {
            places.giveBack(recognised);
            remove(client);
        });
    }

    /** Returns how many clients there are. */
    int open() {
        return clients.size();
    }

    private synchronized void add(EventClient client) {
        if (closed) {
            client.end();
            return;
        }
        clients.add(client);
        if (registration == null) {
            registration = kloigos.listen(this);
        }
    }

    private synchronized void remove(EventClient client) {
        clients.remove(client);
        if (clients.isEmpty() && registration != null) {
            registration.close();
            registration = null;
            waiting.clear();
        }
    }

    @Override
    public synchronized void happened(Event event) {
        if (waiting.size() >= MOST_WAITING) {
            LOG.warn("Events come faster than they can be told; {} clients have to connect again", clients.size());
            waiting.clear();
            List.copyOf(clients).forEach(EventClient::abort);
        }
        // What is told last is how it stands, so the newest goes to the end.
        Object place = place(event);
        waiting.remove(place);
        waiting.put(place, event);
        notifyAll();
    }

    /** Returns what is the same for events of which only the last needs to be told. */
    private static Object place(Event event) {
        return event instanceof Event.OperationChanged changed
                        && changed.operation().state() == Operation.State.RUNNING
                ? changed.operation().id()
                : event;
    }

    private void run() {
        try {
            while (true) {
                List<Event> events = take();
                if (events.isEmpty()) {
                    tell(COMMENT);
                }
                events.forEach(this::tell);
                sendAwayWhoMayNoMore();
            }
        } catch (InterruptedException e) {
            LOG.debug("No more events are told");
        }
    }

    /** Waits for events, but not longer than until the next heartbeat. */
    private synchronized List<Event> take() throws InterruptedException {
        long end = System.nanoTime() + heartbeat.toNanos();
        for (long left = heartbeat.toNanos(); waiting.isEmpty() && left > 0; left = end - System.nanoTime()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        List<Event> taken = new ArrayList<>(waiting.values());
        waiting = new LinkedHashMap<>();
        return taken;
    }

    private void sendAwayWhoMayNoMore() {
        long now = System.nanoTime();
        if (now - asked >= heartbeat.toNanos()) {
            asked = now;
            clients.stream().filter(client -> !client.mayStay()).forEach(EventClient::end);
        }
    }

    private void tell(Event event) {
        try {
            byte[] message = message(event);
            clients.forEach(client -> {
                if (client.audience().sees(event)) {
                    client.offer(message);
                } else {
                    client.audience().lost(event).ifPresent(gone -> client.offer(message("unit_gone", gone)));
                }
            });
        } catch (RuntimeException e) {
            // Clients must not believe that they know what they were not told.
            LOG.error("Cannot tell of an event; {} clients have to connect again", clients.size(), e);
            List.copyOf(clients).forEach(EventClient::abort);
        }
    }

    private void tell(byte[] message) {
        clients.forEach(client -> client.offer(message));
    }

    private byte[] message(Event event) {
        if (event instanceof Event.UnitChanged changed) {
            return message("unit", changed.unit());
        }
        if (event instanceof Event.UnitExpiring expiring) {
            return message("unit_expiring", expiring.unit());
        }
        if (event instanceof Event.ServerChanged changed) {
            return message("server", ServerResponse.of(changed.server(), settings));
        }
        if (event instanceof Event.DriftChanged changed) {
            return message("drift", DriftResponse.of(changed.report()));
        }
        Operation operation = ((Event.OperationChanged) event).operation();
        return message("operation", OperationResponse.of(operation));
    }

    private byte[] message(String name, ComputeUnit unit) {
        SshEndpoint endpoint = kloigos.sshEndpoint(unit.hostname());
        return message(name, ComputeUnitResponse.of(unit, endpoint.portOr(settings.sshPort()), endpoint.hostKey()));
    }

    private static byte[] message(String name, Object data) {
        String json = new String(Json.write(data), StandardCharsets.UTF_8);
        return ("event: " + name + "\ndata: " + json + "\n\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Ends the stream of every client. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        thread.interrupt();
        List.copyOf(clients).forEach(EventClient::end);
    }
}
