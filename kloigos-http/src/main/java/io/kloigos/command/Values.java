package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What users type, as the API reads it. */
final class Values {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");
    private static final Pattern TIME_SPAN = Pattern.compile("([1-9]\\d{0,5})([mhd])");
    private static final List<String> OWN_KEYS = List.of("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub");

    private Values() {}

    /** Returns a number if the text is one. */
    static JsonNode numberOrText(String text) {
        return NUMBER.matcher(text).matches()
                ? JsonNodeFactory.instance.numberNode(Integer.parseInt(text))
                : JsonNodeFactory.instance.textNode(text);
    }

    /** Returns limits by their names in the API; sizes may be texts such as 8G, and io is JSON. */
    static ObjectNode limits(Map<String, String> given) {
        ObjectNode limits = JSON.createObjectNode();
        given.forEach((name, text) -> limits.set(name, name.equals("io") ? json(text) : numberOrText(text)));
        return limits;
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw KloigosException.invalid("io", "--limit io= takes JSON, as the API does, not " + text);
        }
    }

    static ObjectNode reason(String text) {
        return JSON.createObjectNode().put("reason", text);
    }

    /** Returns tags, all of whose values are texts. */
    static ObjectNode tags(Map<String, String> given) {
        ObjectNode tags = JSON.createObjectNode();
        given.forEach(tags::put);
        return tags;
    }

    /** Returns the keys that are given as lines or as files, or else the user's own. */
    static ArrayNode keys(List<String> given, Surroundings surroundings) {
        ArrayNode keys = JSON.createArrayNode();
        if (given.isEmpty()) {
            keys.add(ownKey(surroundings));
        }
        given.forEach(text -> keys.add(text.contains(" ") ? text : read(Path.of(text))));
        return keys;
    }

    private static String ownKey(Surroundings surroundings) {
        Path directory = surroundings.home().resolve(".ssh");
        return OWN_KEYS.stream()
                .map(directory::resolve)
                .filter(Files::isReadable)
                .findFirst()
                .map(Values::read)
                .orElseThrow(() -> KloigosException.invalid(
                        "ssh_key",
                        "there is no public key in " + directory
                                + ": make one by ssh-keygen, or name one by --ssh-key"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw KloigosException.invalid(
                    "ssh_key", file + " is neither a public key nor a file with one that can be read");
        }
    }

    /** Returns a time that is given in ISO 8601, or as a span from now. */
    static String time(String text, Instant now) {
        Matcher span = TIME_SPAN.matcher(text);
        if (span.matches()) {
            int count = Integer.parseInt(span.group(1));
            Duration duration =
                    switch (span.group(2)) {
                        case "m" -> Duration.ofMinutes(count);
                        case "h" -> Duration.ofHours(count);
                        default -> Duration.ofDays(count);
                    };
            return now.plus(duration).truncatedTo(ChronoUnit.SECONDS).toString();
        }
        try {
            return Instant.parse(text).toString();
        } catch (DateTimeParseException e) {
            throw KloigosException.invalid(
                    "expires", "\"" + text + "\" is no time such as 90m, 12h, 7d or 2026-12-31T12:00:00Z");
        }
    }
}
