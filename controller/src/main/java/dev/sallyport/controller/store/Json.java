package dev.sallyport.controller.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.agentapi.JsonBuffers;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The JSON columns: causes and details. */
final class Json {
    private record StoredCause(String code, String detail, List<String> evidence) {}

    private static final ObjectMapper MAPPER = new ObjectMapper(JsonBuffers.defaults());
    private static final TypeReference<Map<String, String>> DETAILS = new TypeReference<>() {};

    private static final TypeReference<Set<String>> TEXTS = new TypeReference<>() {};

    private Json() {}

    static @Nullable String cause(@Nullable Cause cause) {
        if (cause == null) {
            return null;
        }
        return write(new StoredCause(
                cause.code().name(),
                Texts.bounded(cause.detail(), Cause.MAX_LINE),
                cause.evidence().stream()
                        .map(line -> Texts.bounded(line, Cause.MAX_LINE))
                        .toList()));
    }

    static @Nullable Cause cause(@Nullable String json) {
        if (json == null) {
            return null;
        }
        try {
            StoredCause stored = MAPPER.readValue(json, StoredCause.class);
            // A newer controller may have written a code that this one does not know.
            CauseCode code = Arrays.stream(CauseCode.values())
                    .filter(known -> known.name().equals(stored.code()))
                    .findFirst()
                    .orElse(CauseCode.UNKNOWN);
            return new Cause(code, stored.detail(), stored.evidence());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the column 'cause' holds something else", e);
        }
    }

    static String details(Map<String, String> details) {
        return write(details);
    }

    static Map<String, String> details(String json) {
        try {
            return MAPPER.readValue(json, DETAILS);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the column 'details' holds something else", e);
        }
    }

    static String texts(Set<String> texts) {
        return write(new TreeSet<>(texts));
    }

    static Set<String> texts(String json) {
        try {
            return MAPPER.readValue(json, TEXTS);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the column holds something else than texts", e);
        }
    }

    private static String write(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts can always be written as JSON", e);
        }
    }
}
