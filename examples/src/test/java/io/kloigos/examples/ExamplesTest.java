package io.kloigos.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.Kloigos;
import io.kloigos.http.HttpServer;
import io.kloigos.http.HttpSettings;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExamplesTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void theTourEndsWithEveryUnitFree(@TempDir Path directory) {
        assertThat(printed(() -> FiveMinuteTour.main(new String[] {directory.toString()})))
                .contains(
                        "ssh u4-7@10.0.0.1, ports 2000-2200", "host1_4-7 free", "host1_8-11 free", "host1_12-15 free");
    }

    @Test
    void eventsArePrintedInTheirOrder(@TempDir Path directory) {
        assertThat(printed(() -> PrintEvents.main(new String[] {directory.toString()})))
                .containsSubsequence(
                        "server host1 is initializing",
                        "unit host1_4-7 is initializing",
                        "  directory /etc/kloigos ",
                        "init of host1 has succeeded",
                        "server host1 is ready",
                        "unit host1_8-15 is free");
    }

    @Test
    void replicasAreOnDifferentServers(@TempDir Path directory) {
        assertThat(printed(() -> SpreadReplicas.main(new String[] {directory.toString()})))
                .contains("one on host1\n", "one on host2\n", "deployment_id");
    }

    @Test
    void aServerIsAskedAsTheEmbeddedKloigosIs(@TempDir Path directory) {
        FakeFleet hosts =
                FakeFleet.of(FakeHost.builder("host1", "10.0.0.1").cpus(8).build());
        HostAddress address = new HostAddress("host1", "10.0.0.1", null, null, null);
        try (Kloigos kloigos = Kloigos.builder()
                        .driver(hosts.driver())
                        .database(directory.resolve("kloigos.db"))
                        .build();
                HttpServer server = HttpServer.start(kloigos, HttpSettings.loopback())) {
            kloigos.await(kloigos.initServer(InitServerRequest.of(address, "eu", "a", List.of(CpuSet.parse("4-7"))))
                    .id());

            assertThat(printed(() -> AskAServer.main(new String[] {"http://127.0.0.1:" + server.port()})))
                    .isEqualTo("ssh u4-7@10.0.0.1\nsucceeded\nhost1_4-7 free\n");
        }
    }

    private static String printed(Runnable program) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = System.out;
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            program.run();
        } finally {
            System.setOut(out);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everyLineOfJavaInADocumentStandsInAnExample(Path document) throws IOException {
        String examples = examples();
        List<String> lines = JAVA_BLOCK
                .matcher(Files.readString(document))
                .results()
                .flatMap(block -> block.group(1).lines())
                .toList();

        assertThat(lines).isNotEmpty();
        assertThat(lines.stream().filter(line -> !examples.contains(withoutSpace(line))))
                .as("lines of Java in %s that stand in no example", document)
                .isEmpty();
    }

    /** The documents that have Java in them. */
    private static List<Path> documents() throws IOException {
        List<Path> documents = new ArrayList<>(List.of(ROOT.resolve("README.md")));
        try (Stream<Path> files = Files.list(ROOT.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md")).forEach(documents::add);
        }
        List<Path> withJava = new ArrayList<>();
        for (Path document : documents) {
            if (JAVA_BLOCK.matcher(Files.readString(document)).find()) {
                withJava.add(document);
            }
        }
        return withJava;
    }

    private static String examples() throws IOException {
        StringBuilder examples = new StringBuilder();
        try (Stream<Path> files = Files.walk(ROOT.resolve("examples"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java"))
                    .filter(path -> !path.toString().contains("/target/"))
                    .toList()) {
                examples.append(withoutSpace(Files.readString(file)));
            }
        }
        return examples.toString();
    }

    /** Lines are broken where the formatter wants it, which need not be where a document breaks them. */
    private static String withoutSpace(String text) {
        return text.replaceAll("\\s+", "");
    }
}
