package io.kloigos.http.bench;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** The list of all units of a large fleet, beside the same number of bytes written from memory. */
final class ListsBench {
    private static final int UNITS = 100_000;
    private static final int WARM_UP = 5;
    private static final byte[] LIST = HttpConnection.get("/api/compute_units");

    private ListsBench() {}

    public static void main(String[] arguments) throws Exception {
        boolean quick = List.of(arguments).contains("--quick");
        try (BenchDirectory directory = BenchDirectory.create()) {
            BenchFleet fleet = BenchFleet.ofUnits(directory.resolve("fleet.db"), quick ? UNITS / 10 : UNITS);
            try (ServerProcess server = ServerProcess.kloigos(fleet.file(), 0)) {
                measure(server, fleet.units(), quick ? 3 : 5);
            }
        }
    }

    private static void measure(ServerProcess server, int units, int pairs) throws IOException {
        long bytes = 0;
        for (int round = 0; round < WARM_UP; round++) {
            bytes = list(server.port()).length();
        }
        HttpServer memory = fromMemory((int) bytes);
        try {
            list(memory.getAddress().getPort());
            Ratios whole = new Ratios();
            Ratios first = new Ratios();
            for (int pair = 0; pair < pairs; pair++) {
                Timed kloigos = list(server.port());
                Timed reference = list(memory.getAddress().getPort());
                whole.add(kloigos.millis(), reference.millis());
                first.add(kloigos.millisToFirstByte(), reference.millisToFirstByte());
            }
            System.out.println(Ratios.head());
            System.out.println(whole.row(units + " units : the same bytes from memory", "ms"));
            System.out.println(first.row("first byte of the same", "ms"));
            System.out.printf(
                    Locale.ROOT,
                    "%d bytes; most resident memory of the server so far: %.0f MB%n",
                    bytes,
                    server.mostMegabytes());
        } finally {
            memory.stop(0);
        }
    }

    private record Timed(long length, double millis, double millisToFirstByte) {}

    private static Timed list(int port) throws IOException {
        try (HttpConnection connection = new HttpConnection(port)) {
            long begin = System.nanoTime();
            HttpConnection.Answer answer = connection.send(LIST);
            return new Timed(answer.length(), (System.nanoTime() - begin) / 1e6, answer.nanosToFirstByte() / 1e6);
        }
    }

    private static HttpServer fromMemory(int length) throws IOException {
        byte[] body = "x".repeat(length).getBytes(StandardCharsets.US_ASCII);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server;
    }
}
