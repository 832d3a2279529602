package io.kloigos.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializable;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SequenceWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** How the API writes and reads JSON: snake_case, every field, times in ISO 8601, no key twice. */
final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** Each flush would be a chunk of its own on the way to the client. */
    private static final ObjectWriter ELEMENTS = MAPPER.writer().without(SerializationFeature.FLUSH_AFTER_WRITE_VALUE);

    private Json() {}

    /** A value that is a part of many others, written once. */
    static final class Part implements JsonSerializable {
        private final SerializedString json;

        private Part(String json) {
            this.json = new SerializedString(json);
        }

        static Part of(Object value) {
            return new Part(new String(write(value), StandardCharsets.UTF_8));
        }

        @Override
        public void serialize(JsonGenerator generator, SerializerProvider serializers) throws IOException {
            generator.writeRawValue(json);
        }

        @Override
        public void serializeWithType(JsonGenerator generator, SerializerProvider serializers, TypeSerializer type)
                throws IOException {
            serialize(generator, serializers);
        }
    }

    static byte[] write(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Cannot write " + value.getClass() + " as JSON", e);
        }
    }

    /** Returns what {@link #write} would write, as a tree. */
    static JsonNode tree(Object value) {
        return MAPPER.valueToTree(value);
    }

    /**
     * Writes an array one element after the other, so that a long list is never in memory as a whole. If there is no next one
     * though there should be, the array has no end.
     */
    @SuppressWarnings("resource") // closing it would end the array
    static void writeArray(Iterator<?> values, OutputStream out) throws IOException {
        SequenceWriter writer = ELEMENTS.writeValuesAsArray(out);
        while (values.hasNext()) {
            writer.write(values.next());
        }
        writer.close();
    }

    /**
     * Returns the one JSON value in {@code bytes}.
     *
     * @throws KloigosException INVALID_REQUEST if there is none, something follows it, or it is malformed
     */
    static JsonNode read(byte[] bytes) {
        try {
            JsonNode node = MAPPER.readTree(bytes);
            if (node == null || node.isMissingNode()) {
                throw KloigosException.invalid("missing", "the request has no body; a JSON object is required");
            }
            return node;
        } catch (JsonProcessingException e) {
            long offset =
                    e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Cannot read the request",
                    List.of(Fault.of("json_invalid", "the body is not valid JSON: " + reason(e), (int)
                            Math.min(Integer.MAX_VALUE, offset))));
        } catch (IOException e) {
            throw new IllegalStateException("Reading from memory failed", e);
        }
    }

    /** Returns what is wrong, without the names of classes that the parser tells. */
    private static String reason(JsonProcessingException e) {
        if (e instanceof MismatchedInputException) {
            return "something follows the JSON value";
        }
        if (e instanceof StreamConstraintsException) {
            return "it is nested too deeply, or holds a number or a name that is too long";
        }
        return e.getOriginalMessage();
    }

    /** Returns the object as plain Java values. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> toMap(JsonNode object) {
        return MAPPER.convertValue(object, Map.class);
    }
}
