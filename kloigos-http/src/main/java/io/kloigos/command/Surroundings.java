package io.kloigos.command;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * What a command finds around it.
 *
 * @param environment the environment variables
 * @param home the user's home directory
 * @param in what the user types
 * @param screen where progress is shown
 * @param patience after what time progress is shown
 * @param program runs a program on the user's terminal and returns its exit status
 * @param output runs a program and returns what it prints on standard output
 */
record Surroundings(
        Map<String, String> environment,
        Path home,
        BufferedReader in,
        Screen screen,
        Duration patience,
        ToIntFunction<List<String>> program,
        Function<List<String>, String> output) {
    /** Where progress is shown. */
    enum Screen {
        /** A terminal, on which the last line can be written anew. */
        TERMINAL,
        /** A file or a pipe, which gets plain lines. */
        LINES
    }

    Surroundings {
        environment = Map.copyOf(environment);
        Objects.requireNonNull(home);
    }

    /** Returns those of this process. */
    static Surroundings ofProcess() {
        return new Surroundings(
                System.getenv(),
                Path.of(System.getProperty("user.home")),
                new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset())),
                ofStandardError(),
                Duration.ofSeconds(1),
                Surroundings::run,
                Surroundings::read);
    }

    /** Returns what stands behind standard error, which the JVM does not tell in every version. */
    private static Screen ofStandardError() {
        try {
            String device = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return device.startsWith("/dev/pts/") || device.startsWith("/dev/tty") ? Screen.TERMINAL : Screen.LINES;
        } catch (IOException e) {
            return Screen.LINES;
        }
    }

    private static String read(List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot run " + command.get(0) + ": " + e.getMessage(), e);
        }
    }

    private static int run(List<String> command) {
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot start " + command.get(0) + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitStatus.FAILED.number();
        }
    }
}
