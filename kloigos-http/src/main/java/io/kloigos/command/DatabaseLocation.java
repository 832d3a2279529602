package io.kloigos.command;

import io.kloigos.model.KloigosException;
import java.nio.file.Path;

/** Where the inventory is kept. */
sealed interface DatabaseLocation {
    /**
     * A SQLite database, for one server.
     *
     * @param path the file
     */
    record SqliteFile(Path path) implements DatabaseLocation {}

    /**
     * A PostgreSQL database, which several servers may share. Prints without what may be a password.
     *
     * @param url as the PostgreSQL JDBC driver reads it
     */
    record PostgresUrl(String url) implements DatabaseLocation {
        @Override
        public String toString() {
            return url.split("\\?", 2)[0];
        }
    }

    /**
     * Returns what {@code text} names: a file, or a URL that begins with {@code jdbc:postgresql:}.
     *
     * @throws KloigosException INVALID_REQUEST if it is empty or another URL
     */
    static DatabaseLocation parse(String text) {
        if (text.isBlank()) {
            throw KloigosException.invalid("database", "is empty; name a file, or a URL jdbc:postgresql://HOST/NAME");
        }
        if (text.startsWith("jdbc:postgresql:")) {
            return new PostgresUrl(text);
        }
        if (text.matches("[a-z]+:(//|[a-z]+:).*")) {
            throw KloigosException.invalid(
                    "database",
                    "\"" + text.substring(0, text.indexOf(':'))
                            + ":\" is no database that Kloigos knows; name a file for"
                            + " SQLite, or a URL jdbc:postgresql://HOST/NAME");
        }
        return new SqliteFile(Path.of(text));
    }
}
