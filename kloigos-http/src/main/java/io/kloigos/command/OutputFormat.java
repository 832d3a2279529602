package io.kloigos.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.Locale;

/** How an answer is printed. */
enum OutputFormat {
    /** For people. */
    TABLE,
    /** For people with wide screens. */
    WIDE,
    /** What the API told. */
    JSON,
    /** What the API told, as YAML. */
    YAML;

    private static final ObjectMapper JSON_MAPPER = new JsonMapper();
    private static final ObjectMapper YAML_MAPPER = YAMLMapper.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .build();

    /** Returns the name as users type it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    boolean isForPeople() {
        return this == TABLE || this == WIDE;
    }

    /** Returns what a program reads, without a line break at the end. */
    String print(JsonNode value) {
        try {
            return this == YAML
                    ? YAML_MAPPER.writeValueAsString(value).stripTrailing()
                    : JSON_MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Cannot print " + value, e);
        }
    }

    /** Returns what a program reads, of many that come one after the other. */
    String printOneOfMany(JsonNode value) {
        return this == YAML ? "---\n" + print(value) : value.toString();
    }
}
