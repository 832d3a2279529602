package io.kloigos.http;

import io.javalin.http.Context;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.ee10.servlet.ServletChannel;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client of the event stream. Messages wait in a queue of limited size and are written whenever the client can take
 * more, without a thread of its own; a client that lets the queue run over is disconnected. Thread-safe.
 */
final class EventClient implements WriteListener {
    private static final Logger LOG = LoggerFactory.getLogger(EventClient.class);
    private static final int MOST_WAITING_BYTES = 4 << 20;

    /** The container keeps a buffer for as long as the stream is open; what is longer is written without it. */
    private static final int BUFFER_BYTES = 1 << 10;

    private final ServletOutputStream out;
    private final ServletChannel channel;
    private final Audience audience;
    private final BooleanSupplier mayStay;
    private final CompletableFuture<Void> gone = new CompletableFuture<>();
    private final Deque<byte[]> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private boolean writable;
    private boolean flushed = true;

    /**
     * A client from now on.
     *
     * @param mayStay tells whether the caller would be let in still
     */
    EventClient(Context context, Audience audience, BooleanSupplier mayStay) {
        this.audience = audience;
        this.mayStay = mayStay;
        context.res().setBufferSize(BUFFER_BYTES);
        try {
            this.out = context.res().getOutputStream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.channel =
                ServletContextRequest.getServletContextRequest(context.req()).getServletChannel();
        out.setWriteListener(this);
    }

    /** Is completed when the client is no longer there. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    /** Queues a message. */
    void offer(byte[] message) {
        boolean overrun;
        synchronized (this) {
            overrun = waitingBytes + message.length > MOST_WAITING_BYTES;
            if (!overrun) {
                waiting.add(message);
                waitingBytes += message.length;
            }
        }
        if (overrun) {
            abort();
        } else {
            write();
        }
    }

    @Override
    public void onWritePossible() {
        synchronized (this) {
            writable = true;
        }
        write();
    }

    private void write() {
        try {
            writeWaiting();
        } catch (IOException | RuntimeException e) {
            onError(e);
        }
    }

    private synchronized void writeWaiting() throws IOException {
        while (writable && !gone.isDone() && (!waiting.isEmpty() || !flushed)) {
            // After a false answer the container calls onWritePossible, and must not be asked again before.
            writable = out.isReady();
            if (writable) {
                writeNext();
            }
        }
    }

    private void writeNext() throws IOException {
        byte[] message = waiting.poll();
        if (message == null) {
            out.flush();
            flushed = true;
        } else {
            waitingBytes -= message.length;
            out.write(message);
            flushed = false;
        }
    }

    @Override
    public void onError(Throwable error) {
        gone.complete(null);
    }

    /** Ends the stream after what the client can still take. */
    void end() {
        gone.complete(null);
    }

    /** Cuts the stream, so that the client notices that it has missed something; of HTTP/1.1, the connection. */
    void abort() {
        channel.abort(new IOException("the client was too slow, or missed something"));
        gone.complete(null);
    }

    Audience audience() {
        return audience;
    }

    /** Tells whether the caller would be let in still. What cannot be found out is not so. */
    boolean mayStay() {
        try {
            return mayStay.getAsBoolean();
        } catch (RuntimeException e) {
            LOG.warn("A client of the events has to connect again: {}", e.getMessage());
            return false;
        }
    }
}
