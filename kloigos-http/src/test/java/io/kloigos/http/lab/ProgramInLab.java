package io.kloigos.http.lab;

import io.kloigos.testkit.lab.Lab;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** {@link LocalDriverInLab} as a process on the lab's host, and this end of its streams. */
final class ProgramInLab implements AutoCloseable {
    private static final String DIRECTORY = "/tmp/kloigos-lab";
    private static final int PATIENCE_MINUTES = 8;

    /** What of this program's class path the host does not need, by the beginnings of names: it is copied there. */
    private static final List<String> NEEDLESS =
            List.of("javalin", "jetty", "kotlin", "mockito", "byte-buddy", "sshj", "bcp", "bcu", "archunit", "swagger");

    private final Process process;
    private final BufferedWriter questions;
    private final BufferedReader answers;
    private final Path log;

    private ProgramInLab(Process process, Path log) {
        this.process = process;
        this.questions = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
        this.answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        this.log = log;
    }

    /** Copies the classes of this program to the host and starts it there. */
    static ProgramInLab start(Lab lab, Path directory) {
        try {
            List<String> classPath = copyClassPath(lab, Files.createDirectory(directory.resolve("class-path")));
            Path log = directory.resolve("program.log");
            Process process = lab.command(
                            "root",
                            "env",
                            "LC_ALL=C.UTF-8",
                            "java",
                            // A short life on slow processors.
                            "-XX:TieredStopAtLevel=1",
                            "-XX:+UseSerialGC",
                            "-XX:-UsePerfData",
                            "-Xmx512m",
                            "-Djava.io.tmpdir=" + DIRECTORY,
                            "-cp",
                            String.join(":", classPath),
                            LocalDriverInLab.class.getName(),
                            DIRECTORY)
                    .redirectError(log.toFile())
                    .start();
            return new ProgramInLab(process, log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Several entries may have the same name, so each travels under its number as well. */
    private static List<String> copyClassPath(Lab lab, Path links) throws IOException {
        List<String> copied = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Path path = Path.of(entry);
            String name = path.getFileName().toString();
            if (Files.exists(path) && NEEDLESS.stream().noneMatch(name::startsWith)) {
                String link = copied.size() + "-" + name;
                Files.createSymbolicLink(links.resolve(link), path.toAbsolutePath());
                copied.add(DIRECTORY + "/" + link);
            }
        }
        lab.root("mkdir -m 700 " + DIRECTORY).ok();
        List<Process> pipeline = ProcessBuilder.startPipeline(List.of(
                new ProcessBuilder("tar", "-chf", "-", "-C", links.toString(), "."),
                lab.command("root", "tar", "-xf", "-", "-C", DIRECTORY)));
        for (Process process : pipeline) {
            if (process.onExit().join().exitValue() != 0) {
                throw new AssertionError("cannot copy the class path to the lab: "
                        + new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        try (Stream<Path> all = Files.list(links)) {
            for (Path link : all.toList()) {
                Files.delete(link);
            }
        }
        return copied;
    }

    /** Has the program do what the words say, and returns its answer. */
    String tell(String... words) {
        try {
            questions.write(String.join("\t", words));
            questions.newLine();
            questions.flush();
            String answer = CompletableFuture.supplyAsync(this::readLine).get(PATIENCE_MINUTES, TimeUnit.MINUTES);
            int space = answer.indexOf(' ');
            String text = new String(Base64.getDecoder().decode(answer.substring(space + 1)), StandardCharsets.UTF_8);
            if (!answer.startsWith("ok ")) {
                throw new AssertionError(words[0] + " failed in the lab: " + text);
            }
            return text;
        } catch (IOException | ExecutionException | TimeoutException e) {
            throw new AssertionError(words[0] + " has no answer from the lab; the program said: " + said(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private String readLine() {
        try {
            String line = answers.readLine();
            if (line == null) {
                throw new AssertionError("the program ended");
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String said() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
    }
}
