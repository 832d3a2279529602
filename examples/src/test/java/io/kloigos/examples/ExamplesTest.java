package io.kloigos.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExamplesTest {
    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void theTourEndsWithEveryUnitFree(@TempDir Path directory) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = System.out;
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            FiveMinuteTour.main(new String[] {directory.toString()});
        } finally {
            System.setOut(out);
        }

        assertThat(printed.toString(StandardCharsets.UTF_8))
                .contains(
                        "ssh u4-7@10.0.0.1, ports 2000-2200", "host1_4-7 free", "host1_8-11 free", "host1_12-15 free");
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "docs/testing.md"})
    void everyLineOfJavaInADocumentStandsInAnExample(String document) throws IOException {
        Path root = Path.of("..").toRealPath();
        StringBuilder examples = new StringBuilder();
        try (var files = Files.walk(root.resolve("examples/src"))) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                examples.append(Files.readString(file).replaceAll("\\s+", ""));
            }
        }
        Matcher blocks = JAVA_BLOCK.matcher(Files.readString(root.resolve(document)));

        List<String> statements = blocks.results()
                .flatMap(block -> block.group(1).lines())
                .map(line -> line.strip().replaceAll("\\s+", ""))
                .filter(line -> !line.isEmpty())
                .toList();

        assertThat(statements)
                .isNotEmpty()
                .allSatisfy(statement -> assertThat(examples).contains(statement));
    }
}
