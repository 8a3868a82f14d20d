package dev.sallyport.agentapi;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdScalarSerializer;
import dev.sallyport.model.InvalidIdException;
import dev.sallyport.model.ProviderId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of the contract, the same on both sides. Unknown fields are ignored, so that either side may be newer. What is
 * read is hostile: nesting and lengths are bounded, a component that is not {@link Nullable} must be there, and no text holds
 * control characters other than tabs and line ends.
 */
public final class AgentJson {
    /** Most characters of one string; a credential file of half a mebibyte in base64 fits. */
    private static final int MAX_STRING = 1024 * 1024;

    /** Deepest nesting of objects and arrays. */
    private static final int MAX_NESTING = 50;

    /**
     * One for all: it keeps how each kind of record is read, and to find that out takes an emulated machine a fifth of a second. What a
     * template's rehearsal has found out is the agent's own then.
     */
    private static final ObjectMapper MAPPER = mapper();

    private static ObjectMapper mapper() {
        JsonFactory factory = JsonBuffers.factory()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_NESTING)
                        .maxStringLength(MAX_STRING)
                        .build())
                .build();
        return new ObjectMapper(factory)
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .registerModule(new SimpleModule("sallyport")
                        .addSerializer(ProviderId.class, new ProviderIdWriter())
                        .addDeserializer(ProviderId.class, new ProviderIdReader()));
    }

    /** {@code record} as UTF-8 JSON. */
    public byte[] write(Object record) {
        try {
            return MAPPER.writeValueAsBytes(record);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the contract's records can be written", e);
        }
    }

    /**
     * Reads a record.
     *
     * @throws MalformedJsonException when it is not well-formed, not of the record's form, or lacks a component
     */
    public <T extends Record> T read(byte[] json, Class<T> type) throws MalformedJsonException {
        return read(new ByteArrayInputStream(json), type);
    }

    /**
     * Reads a record from a stream that the caller has bounded.
     *
     * @throws MalformedJsonException when it is not well-formed, not of the record's form, or lacks a component
     */
    public <T extends Record> T read(InputStream json, Class<T> type) throws MalformedJsonException {
        @Nullable T value;
        try {
            value = MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            // The original message only: the location quotes the source, which may hold a secret.
            throw new MalformedJsonException(place(e) + ": not what " + type.getSimpleName() + " needs");
        } catch (IOException e) {
            throw new MalformedJsonException("it could not be read: " + e.getMessage());
        }
        if (value == null) {
            throw new MalformedJsonException("null instead of " + type.getSimpleName());
        }
        checkComplete(value, type.getSimpleName());
        return value;
    }

    private static String place(JsonProcessingException e) {
        var location = e.getLocation();
        return location == null ? "JSON" : "line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    private static void checkComplete(Record value, String path) throws MalformedJsonException {
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            Object inner = get(component, value);
            String name = path + "." + component.getName();
            if (inner == null) {
                if (!mayBeNull(component.getAnnotatedType())) {
                    throw new MalformedJsonException(name + " is missing");
                }
            } else {
                checkInner(inner, name);
            }
        }
    }

    private static void checkInner(@Nullable Object inner, String name) throws MalformedJsonException {
        switch (inner) {
            case null -> throw new MalformedJsonException(name + " holds null");
            case Record record -> checkComplete(record, name);
            case Collection<?> elements -> {
                for (Object element : elements) {
                    checkInner(element, name);
                }
            }
            case Map<?, ?> map -> {
                for (Object element : map.values()) {
                    checkInner(element, name);
                }
            }
            case String text -> checkText(text, name);
            default -> {}
        }
    }

    private static void checkText(String text, String name) throws MalformedJsonException {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) && c != '\n' && c != '\r' && c != '\t') {
                throw new MalformedJsonException(name + " holds control characters");
            }
        }
    }

    private static boolean mayBeNull(AnnotatedType type) {
        return type.isAnnotationPresent(Nullable.class);
    }

    private static @Nullable Object get(RecordComponent component, Record value) {
        try {
            return component.getAccessor().invoke(value);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("accessors of the contract's records are public", e);
        }
    }

    private static final class ProviderIdWriter extends StdScalarSerializer<ProviderId> {
        private static final long serialVersionUID = 1L;

        ProviderIdWriter() {
            super(ProviderId.class);
        }

        @Override
        public void serialize(ProviderId id, JsonGenerator out, SerializerProvider provider) throws IOException {
            out.writeString(id.value());
        }
    }

    private static final class ProviderIdReader extends StdScalarDeserializer<ProviderId> {
        private static final long serialVersionUID = 1L;

        ProviderIdReader() {
            super(ProviderId.class);
        }

        @Override
        public ProviderId deserialize(JsonParser in, DeserializationContext context) throws IOException {
            String text = in.getValueAsString();
            try {
                return new ProviderId(text == null ? "" : text);
            } catch (InvalidIdException e) {
                throw context.weirdStringException(text == null ? "" : text, ProviderId.class, "not a provider id");
            }
        }
    }
}
