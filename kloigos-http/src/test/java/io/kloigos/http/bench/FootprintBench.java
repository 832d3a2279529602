package io.kloigos.http.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;

/** From the start of the process to the first answer, beside the smallest program of the same HTTP library; and memory at rest. */
final class FootprintBench {
    private FootprintBench() {}

    public static void main(String[] arguments) throws Exception {
        int pairs = List.of(arguments).contains("--quick") ? 3 : 7;
        try (BenchDirectory directory = BenchDirectory.create()) {
            BenchFleet fleet = BenchFleet.ofUnits(directory.resolve("fleet.db"), 1_000);
            Ratios start = new Ratios();
            Ratios memory = new Ratios();
            for (int pair = 0; pair < pairs; pair++) {
                Started kloigos = started(() -> ServerProcess.kloigos(fleet.file(), 0));
                Started hello = started(ServerProcess::hello);
                start.add(kloigos.millis(), hello.millis());
                memory.add(kloigos.megabytes(), hello.megabytes());
            }
            System.out.println(Ratios.head());
            System.out.println(start.row("start to first answer : Javalin's hello world", "ms"));
            System.out.println(memory.row("most resident memory until then", "MB"));
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
}
