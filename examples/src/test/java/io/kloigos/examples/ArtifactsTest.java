package io.kloigos.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is published fits together: on the module path, and in the BOM. */
class ArtifactsTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern MODULE_NAME = Pattern.compile("<kloigos\\.module>(.+)</kloigos\\.module>");
    private static final Pattern MANAGED = Pattern.compile("<artifactId>(kloigos-(?!bom).+)</artifactId>");
    private static final Pattern VERSION = Pattern.compile("<version>(.+?)</version>");

    private static List<Path> published() throws IOException {
        try (Stream<Path> directories = Files.walk(ROOT, 2)) {
            return directories
                    .filter(directory -> directory.getFileName().toString().startsWith("kloigos-"))
                    .filter(directory -> Files.exists(directory.resolve("pom.xml")))
                    .sorted()
                    .toList();
        }
    }

    private static List<String> packagesOf(Path module) throws IOException {
        Path sources = module.resolve("src/main/java");
        try (Stream<Path> files = Files.walk(sources)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".java"))
                    .map(file -> sources.relativize(file.getParent()).toString().replace('/', '.'))
                    .distinct()
                    .toList();
        }
    }

    private static String first(Pattern pattern, Path pom) throws IOException {
        Matcher matcher = pattern.matcher(Files.readString(pom));
        assertThat(matcher.find()).as("%s in %s", pattern, pom).isTrue();
        return matcher.group(1);
    }

    @Test
    void everyPackageIsInOneModuleOnly() throws IOException {
        Map<String, Path> moduleOf = new TreeMap<>();

        for (Path module : published()) {
            for (String name : packagesOf(module)) {
                assertThat(moduleOf.put(name, module))
                        .as("%s is in %s and in", name, module)
                        .isNull();
            }
        }

        assertThat(moduleOf).containsKeys("io.kloigos", "io.kloigos.testkit").hasSizeGreaterThan(10);
    }

    @Test
    void aModuleIsNamedAsItsArtifact() throws IOException {
        for (Path module : published()) {
            assertThat(first(MODULE_NAME, module.resolve("pom.xml")))
                    .isEqualTo(module.getFileName()
                            .toString()
                            .replace("kloigos-", "io.kloigos.")
                            .replace('-', '.'));
        }
    }

    @Test
    void theBomHasEveryArtifactInTheVersionOfTheBuild() throws IOException {
        Path bom = ROOT.resolve("kloigos-core/bom/pom.xml");

        assertThat(MANAGED.matcher(Files.readString(bom)).results().map(artifact -> artifact.group(1)))
                .containsExactlyInAnyOrderElementsOf(published().stream()
                        .map(module -> module.getFileName().toString())
                        .toList());
        assertThat(first(VERSION, bom)).isEqualTo(first(VERSION, ROOT.resolve("pom.xml")));
    }
}
