package io.kloigos.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Faults;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A configuration file: one YAML mapping of keys to texts or numbers. */
final class ConfigFile {
    private ConfigFile() {}

    /**
     * Returns its texts by their keys.
     *
     * @throws KloigosException INVALID_REQUEST if it cannot be read or holds anything else
     */
    static Map<String, String> read(Path file) {
        JsonNode root = parse(file);
        Map<String, String> texts = new LinkedHashMap<>();
        if (root.isMissingNode() || root.isNull()) {
            return texts;
        }
        if (!root.isObject()) {
            throw KloigosException.invalid("config", "must be a mapping, such as \"listen: 127.0.0.1:8080\"");
        }
        Faults faults = new Faults();
        root.properties().forEach(entry -> {
            if (entry.getValue().isTextual() || entry.getValue().isNumber()) {
                texts.put(entry.getKey(), entry.getValue().asText());
            } else {
                faults.add("config", "must be a text or a number", entry.getKey());
            }
        });
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot use " + file);
        return texts;
    }

    private static JsonNode parse(Path file) {
        try {
            return YAMLMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build()
                    .readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            String why =
                    String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
            throw KloigosException.invalid(
                    "config", "line " + e.getLocation().getLineNr() + " is not valid YAML: " + why);
        } catch (IOException e) {
            throw KloigosException.invalid(
                    "config",
                    "cannot be read; check that " + file.toAbsolutePath().normalize() + " exists and is readable");
        }
    }
}
