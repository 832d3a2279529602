package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.kloigos.http.NearestMatch;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The servers that a user works with, in {@code ~/.config/kloigos/config.yaml}:
 *
 * <pre>{@code
 * profile: lab
 * profiles:
 *   lab: {server: "http://127.0.0.1:8080"}
 *   live: {server: "https://kloigos.example", token_file: ~/.config/kloigos/live.token}
 * }</pre>
 *
 * @param server the address; null if the profile has none
 * @param token the token; null if it has none
 * @param tokenFile the file with the token; null if it has none
 * @param ca the file with the certificates to trust; null if it has none
 * @param allowPlainHttp whether the token may go to other machines unencrypted, {@code true} or not; null if it does not say
 */
record Profiles(
        @Nullable String server,
        @Nullable String token,
        @Nullable Path tokenFile,
        @Nullable Path ca,
        @Nullable String allowPlainHttp) {
    private static final Profiles NONE = new Profiles(null, null, null, null, null);
    private static final Set<String> KEYS = Set.of("server", "token", "token_file", "ca", "allow_plain_http");
    private static final Set<PosixFilePermission> OTHERS = EnumSet.complementOf(EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE));

    /**
     * Returns the profile of this name, or without a name the one that the file prefers.
     *
     * @throws KloigosException INVALID_REQUEST if there is no such profile, or others can read a token in the file
     */
    static Profiles read(Surroundings surroundings, @Nullable String named) {
        Path file = file(surroundings);
        if (!Files.exists(file)) {
            if (named != null) {
                throw invalid("there is no profile " + named + ", as there is no " + file);
            }
            return NONE;
        }
        JsonNode root = parse(file);
        String name = named != null ? named : root.path("profile").asText("");
        if (name.isEmpty()) {
            return NONE;
        }
        JsonNode profile = root.path("profiles").path(name);
        if (!profile.isObject()) {
            List<String> known = new ArrayList<>();
            root.path("profiles").fieldNames().forEachRemaining(known::add);
            throw invalid("there is no profile " + name + " in " + file + "; " + NearestMatch.hint(name, known));
        }
        profile.fieldNames().forEachRemaining(key -> {
            if (!KEYS.contains(key)) {
                throw invalid(
                        "profile " + name + " in " + file + " has \"" + key + "\"; " + NearestMatch.hint(key, KEYS));
            }
        });
        if (profile.has("token")) {
            requirePrivate(file);
        }
        return new Profiles(
                text(profile, "server"),
                text(profile, "token"),
                path(profile, "token_file", surroundings),
                path(profile, "ca", surroundings),
                text(profile, "allow_plain_http"));
    }

    private static Path file(Surroundings surroundings) {
        String config = surroundings.environment().getOrDefault("XDG_CONFIG_HOME", "");
        Path directory = config.isEmpty() ? surroundings.home().resolve(".config") : Path.of(config);
        return directory.resolve("kloigos").resolve("config.yaml");
    }

    private static JsonNode parse(Path file) {
        try {
            return new YAMLMapper().readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            throw invalid(file + " cannot be read as YAML: "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
    }

    /** Makes sure that nobody but the owner may read a file with a token. */
    static void requirePrivate(Path file) {
        try {
            Set<PosixFilePermission> open = EnumSet.copyOf(OTHERS);
            open.retainAll(Files.getPosixFilePermissions(file));
            if (!open.isEmpty()) {
                throw invalid("others can read or write " + file + ", which holds a token: chmod 600 " + file);
            }
        } catch (IOException e) {
            throw invalid("cannot look at " + file + ": " + e.getMessage());
        }
    }

    private static @Nullable String text(JsonNode profile, String key) {
        return profile.hasNonNull(key) ? profile.get(key).asText() : null;
    }

    private static @Nullable Path path(JsonNode profile, String key, Surroundings surroundings) {
        String text = text(profile, key);
        if (text == null) {
            return null;
        }
        return text.startsWith("~/") ? surroundings.home().resolve(text.substring(2)) : Path.of(text);
    }

    private static KloigosException invalid(String message) {
        return KloigosException.invalid("profile", message);
    }
}
