package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of the console: how they are served, and what none of them may hold. */
class ConsoleFilesTest {
    private static final Pattern ROUTE = Pattern.compile("'((?:GET|POST|PUT|PATCH|DELETE) /[^']*)'");
    private static final Map<String, String> NOT_ASKED = Map.of(
            "GET /api/compute_units/{compute_id}", "lists and events tell the same",
            "GET /api/servers/{hostname}", "lists and events tell the same",
            "GET /api/healthz", "tells the same as /healthz");
    private static final Map<String, String> NOT_TYPED = Map.of(
            "ssh_public_key", "ssh_public_keys takes one as well",
            "idempotency_key", "each request has a key of its own");

    private static final OpenApiDocument DOCUMENT = new OpenApiDocument(WebFiles.resource("openapi.json"));

    private TestServer test;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory);
    }

    @AfterEach
    void stop() {
        test.close();
    }

    @Test
    void anUnchangedFileIsNotSentTwice() throws Exception {
        String tag = test.api.get("/console/main.js").expect(200).header("ETag");
        HttpResponse<String> again = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(
                                        URI.create("http://127.0.0.1:" + test.server.port() + "/console/main.js"))
                                .header("If-None-Match", tag)
                                .build(),
                        BodyHandlers.ofString());
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/console/none.js",
                "/console/../openapi.json",
                "/console/pages/../../openapi.json",
                "/console/openapi.json",
                "/console/lib/package.json",
                "/console/Console.class",
                "/unit/host1_4-7"
            })
    void nothingElseOfTheProgramIsServed(String path) {
        test.api.get(path).expect(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/units/host1_4-7",
                "/servers/host1",
                "/allocate",
                "/init",
                "/operations",
                "/audit",
                "/tokens"
            })
    void everyPageIsServedByItsAddress(String path) {
        assertThat(test.api.get(path).expect(200).text()).contains("/console/main.js");
    }

    /** What a tenant wrote must never become markup, and the console works where there is nothing but this server. */
    @Test
    void noFileMakesMarkupOfDataOrNeedsAnotherHost() throws IOException, URISyntaxException {
        assertThat(files())
                .hasSizeGreaterThan(30)
                .allSatisfy(file -> assertThat(Files.readString(file))
                        .doesNotContain(
                                "innerHTML",
                                "outerHTML",
                                "insertAdjacentHTML",
                                "unsafeHTML",
                                "eval(",
                                "http://",
                                "https://",
                                "style=\""));
    }

    private static List<Path> files() throws IOException, URISyntaxException {
        Path console =
                Path.of(Console.class.getResource("console/index.html").toURI()).getParent();
        try (Stream<Path> files = Files.walk(console)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !file.toString().endsWith(".svg"))
                    .toList();
        }
    }

    private static String modules() throws IOException, URISyntaxException {
        StringBuilder text = new StringBuilder();
        for (Path file : files()) {
            if (file.toString().endsWith(".js")) {
                text.append(Files.readString(file));
            }
        }
        return text.toString();
    }

    /** What is not of the API is for whatever watches the server. */
    @Test
    void whateverTheApiCanDoCanBeDoneHere() throws IOException, URISyntaxException {
        Set<String> asked = ROUTE.matcher(modules())
                .results()
                .map(match -> match.group(1))
                .filter(route -> route.contains(" /api/"))
                .collect(Collectors.toSet());
        assertThat(asked)
                .as("each operation of the API document that the console offers; NOT_ASKED names the others, and why")
                .containsExactlyInAnyOrderElementsOf(DOCUMENT.routes().stream()
                        .filter(route -> route.contains(" /api/") && !NOT_ASKED.containsKey(route))
                        .toList());
    }

    @Test
    void whateverARequestCanSayCanBeTyped() throws IOException, URISyntaxException {
        Set<String> words = Pattern.compile("\\W+").splitAsStream(modules()).collect(Collectors.toSet());
        assertThat(DOCUMENT.requestFields()).hasSizeGreaterThan(40);
        assertThat(DOCUMENT.requestFields().stream()
                        .filter(field -> !words.contains(field) && !NOT_TYPED.containsKey(field)))
                .isEmpty();
    }
}
