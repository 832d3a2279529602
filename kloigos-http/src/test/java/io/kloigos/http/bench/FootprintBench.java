package io.kloigos.http.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * From the start of bin/kloigos to the first answer, beside the smallest program of the same HTTP library; what the server takes
 * while nobody asks it; and what there is to install.
 */
final class FootprintBench {
    private static final Path TARGET = Path.of("kloigos-http", "target");

    private FootprintBench() {}

    public static void main(String[] arguments) throws Exception {
        boolean quick = List.of(arguments).contains("--quick");
        try (BenchDirectory directory = BenchDirectory.create()) {
            BenchFleet fleet = BenchFleet.ofUnits(directory.resolve("fleet.db"), 1_000);
            // What is built at the first start is not measured.
            started(() -> ServerProcess.asInstalled(fleet.file()));
            start(fleet, quick ? 3 : 7);
            rest(fleet, quick ? 10 : 30);
            sizes();
        }
    }

    private interface Start {
        ServerProcess begin() throws Exception;
    }

    private record Started(double millis, double megabytes) {}

    private static Started started(Start start) throws Exception {
        long begin = System.nanoTime();
        try (ServerProcess server = start.begin()) {
            return new Started(TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - begin) / 1e3, server.mostMegabytes());
        }
    }

    private static void start(BenchFleet fleet, int pairs) throws Exception {
        Ratios start = new Ratios();
        Ratios memory = new Ratios();
        for (int pair = 0; pair < pairs; pair++) {
            Started kloigos = started(() -> ServerProcess.asInstalled(fleet.file()));
            Started hello = started(ServerProcess::hello);
            start.add(kloigos.millis(), hello.millis());
            memory.add(kloigos.megabytes(), hello.megabytes());
        }
        System.out.println(Ratios.head());
        System.out.println(start.row("start to first answer : Javalin's hello world", "ms"));
        System.out.println(memory.row("most resident memory until then", "MB"));
    }

    private static void rest(BenchFleet fleet, int seconds) throws Exception {
        try (ServerProcess server = ServerProcess.asInstalled(fleet.file())) {
            TimeUnit.SECONDS.sleep(5);
            double before = server.cpuMillis();
            TimeUnit.SECONDS.sleep(seconds);
            System.out.printf(
                    Locale.ROOT,
                    "at rest: %.0f MB resident, %.0f ms of CPU time in %d s%n",
                    server.megabytes(),
                    server.cpuMillis() - before,
                    seconds);
        }
    }

    private static void sizes() throws IOException {
        long libraries = 0;
        try (Stream<Path> jars = Files.list(TARGET.resolve("lib"))) {
            for (Path jar : jars.toList()) {
                libraries += Files.size(jar);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "kloigos-http.jar %.1f MB, with all that it needs %.1f MB%n",
                Files.size(TARGET.resolve("kloigos-http.jar")) / 1e6,
                (Files.size(TARGET.resolve("kloigos-http.jar")) + libraries) / 1e6);
    }
}
