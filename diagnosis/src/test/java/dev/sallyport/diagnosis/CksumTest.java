package dev.sallyport.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CksumTest {
    /** Known ones: `printf 123456789 | cksum` is the check value of CRC-32/CKSUM. */
    @ParameterizedTest
    @CsvSource({"'', 4294967295", "123456789, 930766865"})
    void knownValues(String text, long value) {
        assertThat(of(text)).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 255, 256, 257, 5000, 70_000})
    void isWhatCksumSays(int length) throws IOException, InterruptedException {
        var random = new Random(length);
        var text = new StringBuilder(length);
        while (text.length() < length) {
            text.append((char) (random.nextInt(20) == 0 ? '\n' : ' ' + random.nextInt(95)));
        }
        Process cksum = new ProcessBuilder("cksum").start();
        try (var in = cksum.getOutputStream()) {
            in.write(text.toString().getBytes(StandardCharsets.US_ASCII));
        }
        String said = new String(cksum.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        assertThat(cksum.waitFor()).isZero();
        assertThat(said).startsWith(of(text.toString()) + " " + length);
    }

    @Test
    void isTheSameInPieces() {
        var cksum = new Cksum();
        "one line\nanother\n".chars().forEach(c -> cksum.add(Character.toString(c)));
        assertThat(cksum.value()).isEqualTo(of("one line\nanother\n"));
    }

    private static long of(String text) {
        var cksum = new Cksum();
        cksum.add(text);
        return cksum.value();
    }
}
