package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.Role;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteAccessTest extends AccessContract {
    private final Path directory;
    private final Path file;

    SqliteAccessTest(@TempDir Path directory) {
        this.directory = directory;
        this.file = directory.resolve("kloigos.db");
    }

    @Override
    Inventory openInventory() {
        return Inventory.open(file, "replica", Duration.ofSeconds(20));
    }

    @Override
    Access openBeside() {
        return Access.open(file);
    }

    @Test
    void theFirstTokenMakesTheDatabaseThatTheServerThenOpens() {
        Path fresh = directory.resolve("fresh.db");
        try (Access before = Access.open(fresh)) {
            before.tokens().add(token(FIRST, "first", Role.ADMIN, null), FIRST);
        }
        try (Inventory opened = Inventory.open(fresh, "replica", Duration.ofSeconds(20))) {
            assertThat(opened.access().tokens().open(FIRST, NOON)).isPresent();
        }
    }

    @Test
    void noSecretIsInTheFiles() throws IOException {
        access.tokens().add(token(FIRST, "first", Role.ADMIN, null), FIRST);
        close();
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files)
                    .isNotEmpty()
                    .allSatisfy(each -> assertThat(new String(Files.readAllBytes(each), StandardCharsets.ISO_8859_1))
                            .doesNotContain(FIRST.random()));
        }
        open();
    }
}
