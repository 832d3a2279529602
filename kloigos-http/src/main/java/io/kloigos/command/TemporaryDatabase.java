package io.kloigos.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A database that is gone when the process ends. */
record TemporaryDatabase(Path directory) {
    private static final Logger LOG = LoggerFactory.getLogger(TemporaryDatabase.class);

    static TemporaryDatabase create() {
        try {
            return new TemporaryDatabase(Files.createTempDirectory("kloigos-simulated-"));
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Cannot make a temporary database in " + System.getProperty("java.io.tmpdir")
                            + "; name one by --database",
                    e);
        }
    }

    Path file() {
        return directory.resolve("kloigos.db");
    }

    void delete() {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : List.copyOf(files.toList())) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            LOG.warn("Cannot delete the temporary database in {}: {}", directory, e.toString());
        }
    }
}
