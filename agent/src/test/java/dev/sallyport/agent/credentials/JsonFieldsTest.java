package dev.sallyport.agent.credentials;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.provider.Provider.Format;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonFieldsTest {
    private final JsonFields fields = new JsonFields();

    private List<String> missing(Format format, String content, String... required) {
        return fields.missing(content.getBytes(StandardCharsets.UTF_8), format, List.of(required));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "{\"a\":{\"b\":\"x\"}}|a.b|true",
                "{\"a\":{\"b\":1}}|a.b|true",
                "{\"a\":{\"b\":0}}|a.b|true",
                "{\"a\":{\"b\":false}}|a.b|true",
                "{\"a\":{\"b\":[1]}}|a.b|true",
                "{\"a\":{\"b\":\"\"}}|a.b|false",
                "{\"a\":{\"b\":\" \"}}|a.b|false",
                "{\"a\":{\"b\":null}}|a.b|false",
                "{\"a\":{\"b\":[]}}|a.b|false",
                "{\"a\":{\"b\":{}}}|a.b|false",
                "{\"a\":\"b\"}|a.b|false",
                "{\"a\":{}}|a.b|false",
                "[]|a.b|false",
                "{\"a\":{\"github.com:me\":{\"token\":\"x\"}}}|a.*.token|true",
                "{\"a\":{\"x\":{},\"y\":{\"token\":\"x\"}}}|a.*.token|true",
                "{\"a\":{\"x\":{\"token\":\"\"}}}|a.*.token|false",
                "{\"a\":{}}|a.*.token|false",
            })
    void aFieldIsThereOrNot(String content, String path, boolean there) {
        assertThat(missing(Format.JSON, content, path)).isEqualTo(there ? List.of() : List.of(path));
    }

    @Test
    void commentsAreForJsonWithComments() {
        String content = "// first\n{ /* second */ \"a\": \"x\", }\n";
        assertThat(missing(Format.JSONC, content, "a")).isEmpty();
        assertThat(missing(Format.JSON, content, "a")).containsExactly("a");
    }

    @Test
    void whatIsNotWellFormedLacksEverything() {
        assertThat(missing(Format.JSON, "{\"a\":1,\"b\":", "a", "b")).containsExactly("a", "b");
        assertThat(missing(Format.JSON, "", "a")).containsExactly("a");
        assertThat(missing(Format.JSON, "{")).as("nothing is required, and still").hasSize(1);
        assertThat(missing(Format.JSON, "[".repeat(10_000), "a")).containsExactly("a");
    }

    @Test
    void anOpaqueFileIsWholeUnlessItIsEmpty() {
        assertThat(missing(Format.OPAQUE, "anything", "key")).isEmpty();
        assertThat(missing(Format.OPAQUE, "", "key")).containsExactly("key");
    }
}
