package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Lets ssh trust exactly the host key that the server has pinned, in place of asking the user whether to trust what it sees.
 *
 * @see <a href="https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT">sshd(8), SSH_KNOWN_HOSTS FILE FORMAT</a>
 */
final class HostKeys {
    private static final String SECONDS_TO_ANSWER = "10";

    private HostKeys() {}

    /**
     * Returns the options for ssh; none if the server knows no key of the host.
     *
     * @param unit as the API tells it
     * @throws KloigosException HOST_KEY_MISMATCH if the host has only other keys; HOST_UNREACHABLE if it shows none
     */
    static List<String> options(Session session, JsonNode unit) {
        String pinned = unit.path("host_key").asText("");
        if (pinned.isEmpty() || unit.path("host_key").isNull()) {
            return List.of();
        }
        Path file = file(session.surroundings(), unit);
        if (!isKnown(file, pinned)) {
            write(file, scanned(session.surroundings(), unit, pinned));
        }
        return List.of(
                "-o",
                "UserKnownHostsFile=" + quoted(file),
                "-o",
                "GlobalKnownHostsFile=/dev/null",
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "UpdateHostKeys=no");
    }

    /** Each address has a file of its own, so that several commands at once do not mix theirs. */
    private static Path file(Surroundings surroundings, JsonNode unit) {
        String state = surroundings.environment().getOrDefault("XDG_STATE_HOME", "");
        Path directory = state.isEmpty() ? surroundings.home().resolve(".local/state") : Path.of(state);
        return directory.resolve(Path.of(
                "kloigos",
                "known_hosts",
                unit.path("ip").asText() + "_" + unit.path("ssh_port").asText()));
    }

    private static boolean isKnown(Path file, String pinned) {
        try {
            List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
            return !lines.isEmpty() && lines.stream().allMatch(line -> has(line, pinned));
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static boolean has(String line, String fingerprint) {
        return fingerprint(line).equals(fingerprint);
    }

    private static List<String> scanned(Surroundings surroundings, JsonNode unit, String pinned) {
        String ip = unit.path("ip").asText();
        String port = unit.path("ssh_port").asText();
        List<String> shown = surroundings
                .output()
                .apply(List.of("ssh-keyscan", "-T", SECONDS_TO_ANSWER, "-p", port, "--", ip))
                .lines()
                .filter(line -> !fingerprint(line).isEmpty())
                .toList();
        String attempted = "Cannot log in to " + unit.path("compute_id").asText() + ": ";
        if (shown.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.HOST_UNREACHABLE,
                    attempted + "ssh-keyscan got no host key from " + ip + ", port " + port
                            + ". Check that the host can be reached from here, and that ssh-keyscan is installed.");
        }
        List<String> trusted = shown.stream().filter(line -> has(line, pinned)).toList();
        if (trusted.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.HOST_KEY_MISMATCH,
                    attempted + ip + ", port " + port + ", has other host keys ("
                            + shown.stream().map(HostKeys::fingerprint).collect(Collectors.joining(", "))
                            + ") than " + pinned
                            + ", by which the server knows it. It is another machine, or somebody stands between: ask"
                            + " who runs the server.");
        }
        return trusted;
    }

    /** Returns the fingerprint of the key in a line of a known_hosts file; empty if it has none. */
    private static String fingerprint(String line) {
        String[] parts = line.split(" ", -1);
        if (line.startsWith("#") || parts.length < 3) {
            return "";
        }
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(Base64.getDecoder().decode(parts[2]));
            return "SHA256:" + Base64.getEncoder().withoutPadding().encodeToString(hash);
        } catch (IllegalArgumentException e) {
            return "";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void write(Path file, List<String> lines) {
        try {
            Path directory = Files.createDirectories(Objects.requireNonNull(file.getParent()));
            Path fresh = Files.createTempFile(directory, "new", "");
            Files.write(fresh, lines, StandardCharsets.US_ASCII);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /** ssh reads names separated by blanks, in which it replaces percent signs. */
    private static String quoted(Path file) {
        return "\"" + file.toString().replace("%", "%%") + "\"";
    }
}
