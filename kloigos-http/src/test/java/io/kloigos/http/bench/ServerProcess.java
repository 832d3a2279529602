package io.kloigos.http.bench;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server that is measured, in a process of its own, on a free port of the loopback interface. */
final class ServerProcess implements AutoCloseable {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(120);

    private final Process process;
    private final int port;
    private final Path log;

    private ServerProcess(List<String> command, int port) throws IOException {
        this.port = port;
        this.log = Files.createTempFile("kloigos-bench", ".log");
        log.toFile().deleteOnExit();
        this.process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(log.toFile())
                .start();
    }

    /** Starts Kloigos as bin/kloigos does, but for the driver. */
    static ServerProcess kloigos(Path database, long millisOfSlowHosts) throws IOException, InterruptedException {
        return kloigos(BenchDatabase.sqlite(database), millisOfSlowHosts);
    }

    /** Starts Kloigos as bin/kloigos does, but for the driver. */
    static ServerProcess kloigos(BenchDatabase database, long millisOfSlowHosts)
            throws IOException, InterruptedException {
        int port = freePort();
        return java(
                port,
                BenchServer.class.getName(),
                database.url(),
                Integer.toString(port),
                Long.toString(millisOfSlowHosts));
    }

    /** Starts Kloigos by bin/kloigos, with the driver for real hosts; nobody asks it for them. */
    static ServerProcess asInstalled(Path database) throws IOException, InterruptedException {
        int port = freePort();
        return new ServerProcess(
                        List.of(
                                "bin/kloigos",
                                "serve",
                                "--listen",
                                "127.0.0.1:" + port,
                                "--database",
                                database.toString(),
                                "--ssh-key",
                                "/dev/null",
                                "--drift-every",
                                "never"),
                        port)
                .ready();
    }

    /** Starts the smallest server of the same HTTP library. */
    static ServerProcess hello() throws IOException, InterruptedException {
        int port = freePort();
        return java(port, HelloServer.class.getName(), Integer.toString(port));
    }

    private static ServerProcess java(int port, String... program) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dlogback.configurationFile=io/kloigos/command/logback.xml",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(List.of(program));
        return new ServerProcess(command, port).ready();
    }

    /** Starts the Python application. */
    static ServerProcess python(Path directory, int units) throws IOException, InterruptedException {
        Path program = directory.resolve("reference.py");
        try (var resource = ServerProcess.class.getResourceAsStream("/bench/reference.py")) {
            Files.write(program, resource.readAllBytes());
        }
        int port = freePort();
        return new ServerProcess(
                        List.of(
                                "/usr/bin/python3",
                                program.toString(),
                                directory.resolve("reference.sqlite").toString(),
                                Integer.toString(port),
                                Integer.toString(units)),
                        port)
                .ready();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private ServerProcess ready() throws IOException, InterruptedException {
        long end = System.nanoTime() + PATIENCE;
        while (true) {
            try (HttpConnection connection = new HttpConnection(port)) {
                connection.send(HttpConnection.get("/api/healthz"));
                return this;
            } catch (IOException e) {
                if (!process.isAlive() || System.nanoTime() > end) {
                    close();
                    throw new IOException("It does not serve:\n" + Files.readString(log), e);
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
    }

    int port() {
        return port;
    }

    /** Returns the most memory that the process has had resident so far. */
    double mostMegabytes() throws IOException {
        return megabytes("VmHWM:");
    }

    /** Returns the memory that the process has resident now. */
    double megabytes() throws IOException {
        return megabytes("VmRSS:");
    }

    private double megabytes(String field) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
                .filter(line -> line.startsWith(field))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024)
                .sum();
    }

    /** Returns the CPU time that the process has taken so far; the kernel counts it by hundredths of a second. */
    double cpuMillis() throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        List<String> fields = List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
        return 10 * (Double.parseDouble(fields.get(11)) + Double.parseDouble(fields.get(12)));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
