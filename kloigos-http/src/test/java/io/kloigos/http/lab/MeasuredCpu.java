package io.kloigos.http.lab;

import io.kloigos.testkit.lab.Lab;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** The last of a lab's three CPUs, for what is measured: this machine's last CPU emulates it and nothing else. */
final class MeasuredCpu {
    private MeasuredCpu() {}

    /**
     * Gives the thread that emulates the measured unit's CPU the last CPU of this machine, and all others the rest. Those that emulate
     * devices and timers for all CPUs go first there: otherwise the measured one would wait for its timer until a burning one has
     * used up its time slice.
     */
    static void give(Lab lab) throws IOException, InterruptedException {
        int last = Runtime.getRuntime().availableProcessors() - 1;
        Path tasks = Path.of("/proc", Objects.requireNonNull(lab.status().get("pid")), "task");
        boolean found = false;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(tasks)) {
            for (Path thread : threads) {
                String id = thread.getFileName().toString();
                String name = Files.readString(thread.resolve("comm")).strip();
                boolean measured = name.equals("CPU 2/TCG");
                found |= measured;
                run("taskset", "-pc", measured ? Integer.toString(last) : "0-" + (last - 1), id);
                if (measured || !name.startsWith("CPU ")) {
                    run("chrt", "-f", "-p", "50", id);
                }
            }
        }
        if (!found) {
            throw new IOException("QEMU has no thread named CPU 2/TCG that could be given a CPU of its own");
        }
    }

    private static void run(String... argv) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", argv) + ": " + said);
        }
    }
}
