package dev.sallyport.agent.credentials;

import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sallyport.provider.Provider.Format;
import java.io.IOException;
import java.util.List;

/** Looks whether a credential file holds the fields that it must. */
public final class JsonFields {
    private static final int MAX_NESTING = 50;

    private final ObjectMapper json = mapper(List.of());
    private final ObjectMapper jsonWithComments =
            mapper(List.of(JsonReadFeature.ALLOW_JAVA_COMMENTS, JsonReadFeature.ALLOW_TRAILING_COMMA));

    private static ObjectMapper mapper(List<JsonReadFeature> features) {
        JsonFactoryBuilder builder = new JsonFactoryBuilder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_NESTING)
                        .build());
        features.forEach(builder::enable);
        return new ObjectMapper(builder.build());
    }

    /**
     * The required fields that are not there or are empty.
     *
     * @param content the file
     * @param format how it is written
     * @param required dotted paths; {@code *} stands for any one name
     * @return those missing; all of them when the content is not well-formed; those of an opaque file never are, unless it is empty
     */
    public List<String> missing(byte[] content, Format format, List<String> required) {
        if (format == Format.OPAQUE) {
            return content.length == 0 ? required : List.of();
        }
        JsonNode root;
        try {
            root = (format == Format.JSONC ? jsonWithComments : json).readTree(content);
        } catch (IOException e) {
            // Not whole (or not yet): the tool may be caught in the middle of writing. The message could quote a secret.
            return required.isEmpty() ? List.of("(well-formed JSON)") : required;
        }
        return required.stream()
                .filter(path -> !has(root, List.of(path.split("\\.", -1))))
                .toList();
    }

    private static boolean has(JsonNode node, List<String> path) {
        if (path.isEmpty()) {
            return !isEmpty(node);
        }
        List<String> rest = path.subList(1, path.size());
        if (path.getFirst().equals("*")) {
            for (JsonNode inner : node) {
                if (has(inner, rest)) {
                    return true;
                }
            }
            return false;
        }
        JsonNode inner = node.get(path.getFirst());
        return inner != null && has(inner, rest);
    }

    private static boolean isEmpty(JsonNode node) {
        return node.isNull()
                || node.isMissingNode()
                || (node.isTextual() && node.textValue().isBlank())
                || (node.isContainerNode() && node.isEmpty());
    }
}
