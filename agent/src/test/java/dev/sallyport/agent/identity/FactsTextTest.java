package dev.sallyport.agent.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FactsTextTest {
    private final FactsText text = new FactsText();

    private List<List<String>> found(String bytes) {
        var found = new ArrayList<List<String>>();
        for (byte each : bytes.getBytes(StandardCharsets.UTF_8)) {
            text.take(each).ifPresent(found::add);
        }
        return found;
    }

    @Test
    void linesAreBetweenHeaderAndEnd() {
        assertThat(found("SALLYPORT-FACTS 1\na=b\nc=\u00e4=d\nEND\n")).containsExactly(List.of("a=b", "c=\u00e4=d"));
    }

    @Test
    void whatComesBeforeIsNothing() {
        assertThat(found("END\na=b\n\0\0" + "x".repeat(10_000) + "SALLYPORT-FACTS 1\na=b\nEND\nEND\n"))
                .containsExactly(List.of("a=b"));
    }

    @Test
    void aHeaderBeginsAnew() {
        assertThat(found("SALLYPORT-FACTS 1\na=b\nSALLYPORT-FACTS 1\nc=d\nEND\n"))
                .containsExactly(List.of("c=d"));
    }

    @Test
    void nothingIsKeptOfWhatIsTooLong() {
        String head = "SALLYPORT-FACTS 1\n";
        String fits = "a=" + "b".repeat(FactsText.MAX_BYTES - head.length() - 7) + "\nEND\n";
        assertThat(found(head + fits)).hasSize(1);
        assertThat(text.wasTooLong()).isFalse();

        assertThat(found(head + "b" + fits)).isEmpty();
        assertThat(text.wasTooLong()).isTrue();
        assertThat(text.wasTooLong()).isFalse();
        assertThat(found(head + "a=b\nEND\n")).containsExactly(List.of("a=b"));
    }

    @Test
    void whatIsWrittenIsRead() {
        List<String> lines = List.of("a=b", "c=\u00e4");

        assertThat(found(new String(FactsText.of(lines), StandardCharsets.UTF_8)))
                .containsExactly(lines);
    }
}
