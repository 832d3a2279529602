package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.http.ApiClient;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The jar that {@code bin/package} makes holds all that the server needs. */
@Timeout(60)
class SingleJarIT {
    @Test
    void theJarServesApiAndConsoleByItself(@TempDir Path directory) throws Exception {
        Path jar = Path.of("target", "kloigos.jar").toAbsolutePath();
        assertThat(jar)
                .as("made by the build with -Psingle-jar, as bin/verify does")
                .exists();
        Process server = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-jar",
                        jar.toString(),
                        "serve",
                        "--driver",
                        "fake",
                        "--fleet",
                        "1x8x4",
                        "--listen",
                        "127.0.0.1:0"))
                .directory(directory.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            BufferedReader out = server.inputReader(StandardCharsets.UTF_8);
            String ready = out.readLine();
            assertThat(ready).as("what the server says when it is ready").contains("listens on http");
            ApiClient api = new ApiClient(ready.substring(ready.indexOf("http")));

            api.get("/api/compute_units").expect(200);
            api.get("/").expect(200);
            api.get("/docs/swagger-ui-bundle.js").expect(200);
            api.get("/docs/swagger-ui.css").expect(200);
            api.get("/metrics").expect(200);
        } finally {
            server.destroy();
            assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
    }
}
