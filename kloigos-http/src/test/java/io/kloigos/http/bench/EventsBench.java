package io.kloigos.http.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** How long it takes until the last of many listeners has been told of an allocation, and what each takes of the memory. */
final class EventsBench {
    private static final int LISTENERS = 1_000;
    private static final int WARM_UP = 5;
    private static final byte[] UNIT = "event: unit\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] GREETING = "retry: 2000\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ALLOCATE = HttpConnection.post(
            "/api/compute_units/allocate",
            "{\"tags\": {\"deployment_id\": \"web\"}, \"ssh_public_key\":"
                    + " \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f bench\"}");

    /** Of its two changes, to allocating and to allocated. */
    private static final int EVENTS_OF_AN_ALLOCATION = 2;

    private EventsBench() {}

    /** What a listener was told: how often a line came that it waits for. */
    private static final class Listener {
        private byte[] line = GREETING;
        private int matched;
        private int seen;

        void read(ByteBuffer bytes) {
            while (bytes.hasRemaining()) {
                byte next = bytes.get();
                matched = next == line[matched] ? matched + 1 : next == line[0] ? 1 : 0;
                if (matched == line.length) {
                    matched = 0;
                    seen++;
                }
            }
        }

        void count(byte[] other) {
            line = other;
            seen = 0;
        }
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = List.of(arguments).contains("--quick") ? 10 : 50;
        try (BenchDirectory directory = BenchDirectory.create()) {
            BenchFleet fleet = BenchFleet.ofUnits(directory.resolve("fleet.db"), 1_000);
            try (ServerProcess server = ServerProcess.kloigos(fleet.file(), 0);
                    Selector selector = Selector.open();
                    HttpConnection client = new HttpConnection(server.port())) {
                for (int round = 0; round < WARM_UP; round++) {
                    client.send(ALLOCATE);
                }
                double before = server.megabytes();
                long begin = System.nanoTime();
                List<Listener> listeners = listen(selector, server.port());
                long connected = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
                double after = server.megabytes();
                List<Double> last = new ArrayList<>();
                for (int round = 0; round < rounds; round++) {
                    last.add(tell(client, selector, listeners));
                }
                System.out.printf(
                        Locale.ROOT,
                        "%d listeners, connected in %d ms: the last is told of an allocation after %.0f ms (median of %d; at most %.0f ms), from"
                                + " the request for it; %.1f kB of memory each (%.0f to %.0f MB resident)%n",
                        LISTENERS,
                        connected,
                        Ratios.median(last),
                        rounds,
                        last.stream().mapToDouble(Double::doubleValue).max().orElseThrow(),
                        (after - before) * 1024 / LISTENERS,
                        before,
                        after);
                selector.keys().forEach(key -> close((SocketChannel) key.channel()));
            }
        }
    }

    private static List<Listener> listen(Selector selector, int port) throws IOException {
        List<Listener> listeners = new ArrayList<>();
        ByteBuffer request = ByteBuffer.wrap(HttpConnection.get("/api/events"));
        for (int number = 0; number < LISTENERS; number++) {
            SocketChannel channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            channel.write(request.duplicate());
            channel.configureBlocking(false);
            Listener listener = new Listener();
            channel.register(selector, SelectionKey.OP_READ, listener);
            listeners.add(listener);
        }
        readUntilEachHas(1, selector, listeners);
        return listeners;
    }

    /** Returns after how many milliseconds the last listener had been told of an allocation. */
    private static double tell(HttpConnection client, Selector selector, List<Listener> listeners)
            throws IOException, InterruptedException {
        listeners.forEach(listener -> listener.count(UNIT));
        long begin = System.nanoTime();
        Thread allocation = new Thread(() -> send(client));
        allocation.start();
        readUntilEachHas(EVENTS_OF_AN_ALLOCATION, selector, listeners);
        double millis = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - begin) / 1e3;
        allocation.join();
        return millis;
    }

    private static void send(HttpConnection client) {
        try {
            int status = client.send(ALLOCATE).status();
            if (status != 200) {
                throw new IllegalStateException("the allocation was answered with " + status);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void readUntilEachHas(int seen, Selector selector, List<Listener> listeners) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        while (listeners.stream().anyMatch(listener -> listener.seen < seen)) {
            selector.select();
            for (SelectionKey key : selector.selectedKeys()) {
                if (((SocketChannel) key.channel()).read(buffer.clear()) < 0) {
                    throw new IOException("a listener was disconnected");
                }
                ((Listener) key.attachment()).read(buffer.flip());
            }
            selector.selectedKeys().clear();
        }
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
