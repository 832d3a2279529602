package io.kloigos.http.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A new directory in the working directory, so on the disk that is meant to be measured. It goes with what is in it. */
record BenchDirectory(Path path) implements AutoCloseable {
    static BenchDirectory create() throws IOException {
        return new BenchDirectory(Files.createTempDirectory(Path.of("."), "bench-"));
    }

    Path resolve(String name) {
        return path.resolve(name);
    }

    @Override
    public void close() throws IOException {
        try (var files = Files.list(path)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(path);
    }
}
