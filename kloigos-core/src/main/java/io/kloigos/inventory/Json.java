package io.kloigos.inventory;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.KeyDeserializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.SshPublicKey;
import java.time.Instant;
import java.util.function.Function;

/** How structured values stand in a column. */
final class Json {
    private static final ObjectMapper MAPPER = mapper();

    private Json() {}

    private static ObjectMapper mapper() {
        SimpleModule module = new SimpleModule();
        addText(module, CpuSet.class, CpuSet::parse);
        addText(module, ByteSize.class, ByteSize::parse);
        addText(module, SshPublicKey.class, SshPublicKey::new);
        addText(module, Instant.class, Instant::parse);
        addText(module, ComputeId.class, ComputeId::new);
        module.addKeyDeserializer(ComputeId.class, new KeyDeserializer() {
            @Override
            public Object deserializeKey(String key, DeserializationContext context) {
                return new ComputeId(key);
            }
        });
        return JsonMapper.builder().addModule(module).build();
    }

    private static <T> void addText(SimpleModule module, Class<T> type, Function<String, T> parse) {
        module.addSerializer(type, ToStringSerializer.instance);
        module.addDeserializer(type, new TextDeserializer<>(type, parse));
    }

    static String write(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Cannot write " + value.getClass() + " as JSON", e);
        }
    }

    static <T> T read(String json, TypeReference<T> type) {
        try {
            return MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new KloigosException(
                    ErrorCode.STORE_FAILED,
                    "Cannot read a " + type.getType().getTypeName() + " from the inventory: " + json,
                    e);
        }
    }

    /** Reads a value from the text that it prints as. */
    private static final class TextDeserializer<T> extends FromStringDeserializer<T> {
        private static final long serialVersionUID = 1;

        private final transient Function<String, T> parse;

        TextDeserializer(Class<T> type, Function<String, T> parse) {
            super(type);
            this.parse = parse;
        }

        @Override
        protected T _deserialize(String value, DeserializationContext context) {
            return parse.apply(value);
        }

        @Override
        protected Object _deserializeFromEmptyString(DeserializationContext context) {
            return parse.apply("");
        }
    }
}
