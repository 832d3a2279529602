package io.kloigos.testkit.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
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
import java.util.stream.Collectors;

/**
 * A real 16-CPU, 2-NUMA-node Debian host under QEMU, without KVM. The first start of a release builds its image, which needs
 * root, apt and a few minutes; later ones take seconds. The environment variables of the {@code lab} script apply.
 *
 * <p>The host goes on running after the test, so that a failure can be looked at; {@link #down()} stops it. Used by one
 * thread at a time.
 */
public final class Lab {
    private static final Duration START_LIMIT = Duration.ofMinutes(20);
    private static final Duration SSH_LIMIT = Duration.ofMinutes(10);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(10);

    private final Path script;
    private final Release release;
    private final Map<String, String> status;

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
     * @param exit its exit code
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
    }

    /**
     * Returns the lab with this release; starts it unless it runs already.
     *
     * @throws AssertionError with what the script said, if it does not start
     */
    public static Lab start(Release release) {
        Path script = extractScript();
        if (run(script, release, START_LIMIT, "", "status").exit() != 0) {
            run(script, release, START_LIMIT, "", "up").ok();
        }
        Map<String, String> status = run(script, release, START_LIMIT, "", "status")
                .ok()
                .lines()
                .map(line -> line.split("=", 2))
                .filter(pair -> pair.length == 2)
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        return new Lab(script, release, status);
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

    /** Stops the host. */
    public void down() {
        call(START_LIMIT, "", "down").ok();
    }

    /** Runs a bash script on the host as root and returns what it said. */
    public Result root(String bashScript) {
        return ssh("root", bashScript);
    }

    /** Logs in as {@code user} with the lab's key, runs a bash script and returns what it said. */
    public Result ssh(String user, String bashScript) {
        return call(SSH_LIMIT, bashScript, "ssh", user + "@", "bash", "-s");
    }

    /** Returns the port of 127.0.0.1 that leads to the host's sshd. */
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

    private String status(String key) {
        return Objects.requireNonNull(status.get(key), () -> "the lab's status has no " + key + ": " + status);
    }

    private Result call(Duration limit, String stdin, String... arguments) {
        return run(script, release, limit, stdin, arguments);
    }

    private static Result run(Path script, Release release, Duration limit, String stdin, String... arguments) {
        List<String> argv = new ArrayList<>(List.of("bash", script.toString()));
        argv.addAll(List.of(arguments));
        try {
            ProcessBuilder builder = new ProcessBuilder(argv);
            builder.environment().put("LAB_RELEASE", release.toString());
            Process process = builder.start();
            Output out = new Output(process.getInputStream());
            Output err = new Output(process.getErrorStream());
            try (var in = process.getOutputStream()) {
                in.write(stdin.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // The command ended without reading everything; its exit code tells why.
            }
            if (!process.waitFor(limit.toSeconds(), TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
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

    /** Reads a stream to its end. A daemon that a command left behind may hold it open, so the wait for the end is limited. */
    private static final class Output {
        private final StringBuilder text = new StringBuilder();
        private final Thread reader;

        Output(InputStream in) {
            reader = new Thread(() -> drain(in), "kloigos-lab-output");
            reader.setDaemon(true);
            reader.start();
        }

        private void drain(InputStream in) {
            try (var lines = new InputStreamReader(in, StandardCharsets.UTF_8)) {
                char[] buffer = new char[8192];
                for (int n = lines.read(buffer); n >= 0; n = lines.read(buffer)) {
                    append(new String(buffer, 0, n));
                }
            } catch (IOException e) {
                append("[" + e + "]");
            }
        }

        private synchronized void append(String more) {
            text.append(more);
        }

        String text() throws InterruptedException {
            reader.join(DRAIN_LIMIT.toMillis());
            return toString();
        }

        @Override
        public synchronized String toString() {
            return text.toString();
        }
    }
}
