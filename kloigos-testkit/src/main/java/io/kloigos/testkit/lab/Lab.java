package io.kloigos.testkit.lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A real 16-CPU, 2-NUMA-node Debian host under QEMU, without KVM. The first start of a release builds its image, which needs
 * root, apt and a few minutes; later ones take seconds. The environment variables of the {@code lab} script apply.
 *
 * <p>A host that already runs is used as it is; {@link #restore()} makes it pristine. The host goes on running after the
 * test, so that a failure can be looked at, until {@link #down()}, or {@link #close()} if this object started it.
 *
 * <p>Safe for several threads, and processes: what changes the host's state waits its turn. But restore and reboot end the
 * logins of everybody. Every wait has a limit.
 */
public final class Lab implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofMinutes(20);
    private static final Duration SSH_LIMIT = Duration.ofMinutes(10);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(10);
    private static final OutputStream UNSEEN = OutputStream.nullOutputStream();

    private final Path script;
    private final Release release;
    private final Map<String, String> status;
    private final AtomicBoolean ours;

    /** What runs in the lab. */
    public enum Release {
        /** Debian 12: systemd 252, Linux 6.1. */
        BOOKWORM,
        /** Debian 13: systemd 257 with BPF, Linux 6.12. */
        TRIXIE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What a command said.
     *
     * @param exit its exit code; 255 also if there was no login or the connection broke
     * @param out its standard output
     * @param err its standard error
     */
    public record Result(int exit, String out, String err) {
        /**
         * Returns the standard output without white space around it.
         *
         * @throws AssertionError with everything that was said, if the command failed
         */
        public String ok() {
            if (exit != 0) {
                throw new AssertionError("exit code " + exit + "\nout: " + out + "\nerr: " + err);
            }
            return out.strip();
        }
    }

    private Lab(Path script, Release release, Map<String, String> status) {
        this.script = script;
        this.release = release;
        this.status = status;
        this.ours = new AtomicBoolean("true".equals(status.get("started")));
    }

    /**
     * Returns the lab with this release; starts it unless it runs already, and shows its progress on {@link System#err}.
     *
     * @throws AssertionError with what the script said, if it does not start
     */
    public static Lab start(Release release) {
        Path script = extractScript();
        Result running = run(script, release, START_LIMIT, "", UNSEEN, "status");
        if (running.exit() == 0) {
            return new Lab(script, release, keyValues(running.out()));
        }
        return new Lab(
                script,
                release,
                keyValues(
                        run(script, release, START_LIMIT, "", System.err, "up").ok()));
    }

    private static Map<String, String> keyValues(String lines) {
        return lines.lines()
                .map(line -> line.split("=", 2))
                .filter(pair -> pair.length == 2)
                .collect(Collectors.toUnmodifiableMap(pair -> pair[0], pair -> pair[1]));
    }

    private static Path extractScript() {
        try (InputStream in = Objects.requireNonNull(Lab.class.getResourceAsStream("lab"), "the lab's script")) {
            Path script = Files.createTempFile("kloigos-lab", ".sh");
            Files.write(script, in.readAllBytes());
            script.toFile().deleteOnExit();
            return script;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Puts the host back to what it was after its first boot; takes seconds. */
    public void restore() {
        call(START_LIMIT, "", "restore").ok();
    }

    /** Reboots the host and waits until it has settled. */
    public void reboot() {
        call(START_LIMIT, "", "reboot").ok();
    }

    /** Stops the host. Its image and its snapshot stay for the next start. */
    public void down() {
        call(START_LIMIT, "", "down").ok();
    }

    /** Stops the host if this object started it, and leaves it running otherwise. */
    @Override
    public void close() {
        if (ours.getAndSet(false)) {
            down();
        }
    }

    /** Runs a bash script on the host as root and returns what it said: see {@link #ssh}. */
    public Result root(String bashScript, String... arguments) {
        return ssh("root", bashScript, arguments);
    }

    /**
     * Logs in as {@code user} with the lab's key, runs a bash script and returns what it said. Nothing needs quoting: the
     * script travels on standard input (its own is empty), and it sees the arguments as {@code $1}, {@code $2}, exactly as
     * they are.
     *
     * @throws AssertionError if it has not ended after ten minutes; it may then go on in the host
     */
    public Result ssh(String user, String bashScript, String... arguments) {
        List<String> argv = new ArrayList<>(List.of("ssh", user + "@", "bash", "-s", "--"));
        argv.addAll(quoted(arguments));
        // In braces, bash reads all of it before it runs any, and no command in it can read the rest as its input.
        return call(SSH_LIMIT, "{ :\n" + bashScript + "\n} </dev/null\n", argv.toArray(String[]::new));
    }

    /**
     * Returns a command that logs in as {@code user} with the lab's key and runs {@code argv}, for the caller to start. Its
     * streams are those of the program on the host, which sees the arguments exactly as they are.
     */
    public ProcessBuilder command(String user, String... argv) {
        List<String> words = new ArrayList<>(List.of("ssh", user + "@"));
        words.addAll(quoted(argv));
        return builder(script, release, words);
    }

    private static List<String> quoted(String... arguments) {
        return Stream.of(arguments)
                .map(argument -> "'" + argument.replace("'", "'\\''") + "'")
                .toList();
    }

    private static ProcessBuilder builder(Path script, Release release, List<String> arguments) {
        List<String> argv = new ArrayList<>(List.of("bash", script.toString()));
        argv.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(argv);
        builder.environment().put("LAB_RELEASE", release.toString());
        return builder;
    }

    /** Returns the release that the host runs. */
    public Release release() {
        return release;
    }

    /** Returns the address that leads to the host's sshd. */
    public String host() {
        return "127.0.0.1";
    }

    /** Returns the port of {@link #host()} that leads to the host's sshd. */
    public int port() {
        return Integer.parseInt(status("port"));
    }

    /** Returns the private key with which root and the sudoer {@code admin} log in. */
    public Path privateKey() {
        return Path.of(status("key"));
    }

    /** Returns the public key that belongs to {@link #privateKey()}, as one line. */
    public String publicKey() {
        try {
            return Files.readString(Path.of(privateKey() + ".pub")).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the known_hosts file that holds the host's key. */
    public Path knownHosts() {
        return Path.of(status("known_hosts"));
    }

    /**
     * Returns what {@code lab status} says now: {@code state} is {@code running} or {@code down}; the rest, such as
     * {@code pid} or {@code serial_log}, is told of a running host only.
     */
    public Map<String, String> status() {
        return keyValues(call(START_LIMIT, "", "status").out());
    }

    private String status(String key) {
        return Objects.requireNonNull(status.get(key), () -> "the lab's status has no " + key + ": " + status);
    }

    private Result call(Duration limit, String stdin, String... arguments) {
        return run(script, release, limit, stdin, UNSEEN, arguments);
    }

    private static Result run(
            Path script, Release release, Duration limit, String stdin, OutputStream progress, String... arguments) {
        ProcessBuilder builder = builder(script, release, List.of(arguments));
        List<String> argv = builder.command();
        try {
            Process process = builder.start();
            Output out = new Output(process.getInputStream(), UNSEEN);
            Output err = new Output(process.getErrorStream(), progress);
            daemon(() -> feed(process, stdin));
            boolean ended = false;
            try {
                ended = process.waitFor(limit.toSeconds(), TimeUnit.SECONDS);
            } finally {
                if (!ended) {
                    end(process);
                }
            }
            if (!ended) {
                throw new AssertionError(argv + " did not end within " + limit + "\nout: " + out + "\nerr: " + err);
            }
            return new Result(process.exitValue(), out.text(), err.text());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(argv + " was interrupted", e);
        }
    }

    private static void feed(Process process, String stdin) {
        try (var in = process.getOutputStream()) {
            in.write(stdin.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // The command ended without reading everything; its exit code tells why.
        }
    }

    /** Ends a command: politely at first, so that the script can take down what it has half done. */
    private static void end(Process process) throws InterruptedException {
        process.destroy();
        if (!process.waitFor(DRAIN_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "kloigos-lab");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Reads a stream to its end. A daemon that a command left behind may hold it open, so the wait for the end is limited. */
    private static final class Output {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final Thread reader;

        Output(InputStream in, OutputStream copy) {
            reader = daemon(() -> drain(in, copy));
        }

        private void drain(InputStream in, OutputStream copy) {
            byte[] buffer = new byte[8192];
            try (in) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    bytes.write(buffer, 0, n);
                    copy.write(buffer, 0, n);
                    copy.flush();
                }
            } catch (IOException e) {
                bytes.writeBytes(("[" + e + "]").getBytes(StandardCharsets.UTF_8));
            }
        }

        String text() throws InterruptedException {
            reader.join(DRAIN_LIMIT.toMillis());
            return toString();
        }

        @Override
        public String toString() {
            return bytes.toString(StandardCharsets.UTF_8);
        }
    }
}
