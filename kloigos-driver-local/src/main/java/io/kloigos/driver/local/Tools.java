package io.kloigos.driver.local;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs commands of this machine as argument vectors, each until the plan's deadline at most. */
final class Tools implements AutoCloseable {
    private static final List<String> PATH = List.of("/usr/sbin", "/usr/bin", "/sbin", "/bin");
    private static final int SAID = 4000;

    private final Path scratch;
    private final Deadline deadline;

    /**
     * Creates the means to run the commands of one plan.
     *
     * @param scratch an empty directory for what commands read and print, which goes when this is closed
     * @param deadline when commands are ended
     */
    Tools(Path scratch, Deadline deadline) {
        this.scratch = scratch;
        this.deadline = deadline;
    }

    Deadline deadline() {
        return deadline;
    }

    @Override
    public void close() {
        delete(scratch);
    }

    /** What became of a command: its exit status, what it printed, and what it printed as errors. */
    record Ran(List<String> argv, int status, String out, String errors) {
        boolean succeeded() {
            return status == 0;
        }

        /** Returns what it printed, or fails as it did. */
        String orFail() {
            if (status == 0) {
                return out;
            }
            String said = (errors.isBlank() ? out : errors).strip();
            throw new StepFailure(String.join(" ", argv) + " exited with " + status
                    + (said.isEmpty() ? "" : ":\n" + said.substring(Math.max(0, said.length() - SAID))));
        }
    }

    static boolean isInstalled(String command) {
        return PATH.stream().anyMatch(directory -> Files.isExecutable(Path.of(directory, command)));
    }

    Ran run(String... argv) {
        return run(List.of(argv), "");
    }

    Ran run(List<String> argv, String stdin) {
        List<String> resolved = new ArrayList<>(argv);
        if (!argv.get(0).startsWith("/")) {
            resolved.set(
                    0,
                    PATH.stream()
                            .map(directory -> Path.of(directory, argv.get(0)))
                            .filter(Files::isExecutable)
                            .findFirst()
                            .map(Path::toString)
                            .orElse(argv.get(0)));
            if (resolved.get(0).equals(argv.get(0))) {
                return new Ran(argv, 127, "", argv.get(0) + ": command not found");
            }
        }
        argv.forEach(Tools::requireEncodable);
        Path out = scratch("out");
        Path errors = scratch("errors");
        Path in = stdin.isEmpty() ? Path.of("/dev/null") : scratch("in");
        try {
            if (!stdin.isEmpty()) {
                Files.writeString(in, stdin);
            }
            int status = wait(start(resolved, in.toFile(), out.toFile(), errors.toFile()));
            return new Ran(argv, status, text(out), text(errors));
        } catch (IOException e) {
            return new Ran(argv, 126, "", String.valueOf(e.getMessage()));
        } finally {
            List.of(scratch("out"), scratch("errors"), scratch("in")).forEach(Tools::delete);
        }
    }

    private static Process start(List<String> argv, File in, File out, File errors) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(argv)
                .directory(new File("/"))
                .redirectInput(in)
                .redirectOutput(out)
                .redirectError(errors);
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.put("LC_ALL", "C");
        environment.put("PATH", String.join(":", PATH));
        return builder.start();
    }

    private int wait(Process process) {
        try {
            if (process.waitFor(Math.max(0, deadline.leftNanos()), TimeUnit.NANOSECONDS)) {
                return process.exitValue();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new Deadline.Passed();
    }

    private Path scratch(String kind) {
        return scratch.resolve(kind);
    }

    private static String text(Path path) throws IOException {
        return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Java would put question marks for what the locale cannot say. */
    static void requireEncodable(String text) {
        Charset charset = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        if (!charset.newEncoder().canEncode(text)) {
            throw new StepFailure("\"" + text + "\" cannot be passed on in this program's locale (" + charset
                    + "): start it with LC_ALL=C.UTF-8");
        }
    }
}
