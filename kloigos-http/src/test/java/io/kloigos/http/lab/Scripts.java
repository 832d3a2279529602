package io.kloigos.http.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Programs that run on the lab's host, as the tenant or as root. */
final class Scripts {
    private Scripts() {}

    static String read(String name) {
        try (InputStream in = Scripts.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalArgumentException("no resource " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns a script that puts a Python program into {@code path}. */
    static String install(String name, String path) {
        return "cat > " + path + " <<'END_OF_PROGRAM'\n" + read(name) + "END_OF_PROGRAM\n";
    }

    /** Returns a script that runs another one with arguments. */
    static String withArguments(String name, String... arguments) {
        return "set -- " + String.join(" ", arguments) + "\n" + read(name);
    }
}
