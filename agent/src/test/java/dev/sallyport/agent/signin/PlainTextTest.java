package dev.sallyport.agent.signin;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainTextTest {
    private static String of(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new PlainText().next(bytes, bytes.length);
    }

    @Test
    void controlsGo() {
        assertThat(of("a\u001b[1;31mb\u001b[0mc")).isEqualTo("abc");
        assertThat(of("a\u001b[?25lb")).isEqualTo("ab");
        assertThat(of("go\u001b[5;1Hnext")).isEqualTo("go\nnext");
        assertThat(of("go\u001b[2Cnext")).isEqualTo("go next");
        assertThat(of("\u001b]8;;https://target/\u001b\\shown\u001b]8;;\u001b\\.")).isEqualTo("shown.");
        assertThat(of("\u001b]0;title\u0007text")).isEqualTo("text");
        assertThat(of("a\u0008\u0000b")).isEqualTo("ab");
        assertThat(of("Grüße 🔑")).isEqualTo("Grüße 🔑");
    }

    @Test
    void everyKindOfLineEndBecomesALineFeed() {
        assertThat(of("a\r\nb\rc\nd")).isEqualTo("a\nb\nc\nd");
    }

    @Test
    void whatIsCutOffIsPutTogether() {
        byte[] bytes = "x\u001b[31mä🔑\u001b]8;;u\u001b\\y\r\nz".getBytes(StandardCharsets.UTF_8);
        var plain = new PlainText();
        var text = new StringBuilder();
        for (byte b : bytes) {
            text.append(plain.next(new byte[] {b}, 1));
        }
        assertThat(text).hasToString("xä🔑y\nz");
    }

    @Test
    void cursorQueriesAreCountedEvenInPieces() {
        var plain = new PlainText();
        byte[] both = "\u001b[6n\u001b[6".getBytes(StandardCharsets.US_ASCII);
        plain.next(both, both.length);
        assertThat(plain.takeQueries()).isEqualTo(1);
        plain.next(new byte[] {'n'}, 1);
        assertThat(plain.takeQueries()).isEqualTo(1);
        assertThat(plain.takeQueries()).isZero();
    }

    @Test
    void aSequenceWithoutAnEndDoesNotSwallowEverything() {
        assertThat(of("\u001b[" + "1".repeat(5000) + " still here")).endsWith("still here");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anyBytesGiveTextWithoutControls(long seed) {
        byte[] bytes = new byte[4000];
        new Random(seed).nextBytes(bytes);
        String text = new PlainText().next(bytes, bytes.length);
        assertThat(text.chars().filter(c -> Character.isISOControl(c) && c != '\n' && c != '\t'))
                .isEmpty();
    }
}
