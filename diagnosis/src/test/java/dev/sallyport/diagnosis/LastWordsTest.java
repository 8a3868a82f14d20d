package dev.sallyport.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class LastWordsTest {
    private LastWords words = new LastWords();

    @BeforeEach
    void nothingYet() {
        words = new LastWords();
    }

    @Test
    void isWholeWhenCountAndChecksumAgree() {
        hear("BEGIN 1 hung", "net none", "clock 5");
        assertThat(words.open()).isTrue();
        assertThat(words.whole()).isFalse();

        hear("END 2 " + cksum("net none\nclock 5\n"));

        assertThat(words.open()).isFalse();
        assertThat(words.whole()).isTrue();
        assertThat(words.reason()).isEqualTo("hung");
        assertThat(words.all("clock").getFirst().number(0)).isEqualTo(5);
    }

    @Test
    void isNotWholeWithAnotherCount() {
        hear("BEGIN 1 hung", "net none", "END 2 " + cksum("net none\n"));
        assertThat(words.whole()).isFalse();
        assertThat(words.all("net")).hasSize(1);
    }

    @Test
    void isNotWholeWithAnotherChecksum() {
        hear("BEGIN 1 hung", "net non", "END 1 " + cksum("net none\n"));
        assertThat(words.whole()).isFalse();
    }

    @Test
    void isNotWholeWithoutItsBeginning() {
        hear("net none", "END 1 " + cksum("net none\n"));
        assertThat(words.whole()).isFalse();
        assertThat(words.all("net")).hasSize(1);
        assertThat(words.none()).isFalse();
    }

    @Test
    void theNextReportTakesTheLastOnesPlace() {
        hear("BEGIN 1 unit-failed", "exec /a missing", "net none", "END 2 0", "BEGIN 1 hung", "exec /b ok");
        assertThat(words.all("exec")).extracting(line -> line.field(0)).containsExactly("/b");
        // What it has not come to yet is still known.
        assertThat(words.all("net")).hasSize(1);

        hear("END 1 " + cksum("exec /b ok\n"));
        assertThat(words.all("net")).isEmpty();
    }

    @Test
    void whatComesAfterTheEndIsNoPartOfIt() {
        hear("BEGIN 1 hung", "END 0 4294967295", "net none");
        assertThat(words.whole()).isTrue();
        assertThat(words.all("net")).isEmpty();
    }

    @Test
    void takesNoMoreLinesThanAReportMayHave() {
        hear("BEGIN 1 hung");
        for (int i = 0; i < 10_000; i++) {
            hear("listen 0.0.0.0 " + i);
        }
        assertThat(words.all("listen")).hasSize(80);
    }

    @Test
    void numbersThatAreNoneAreNone() {
        hear("BEGIN 1 x", "unit a.service NRestarts=x MainPID=99999999999999999999999 ExecMainStatus= Result", "clock");
        Words unit = words.all("unit").getFirst();
        assertThat(List.of(unit.number("NRestarts"), unit.number("MainPID"), unit.number("ExecMainStatus")))
                .containsOnly(-1);
        assertThat(words.all("clock").getFirst().number(0)).isEqualTo(-1);
    }

    private void hear(String... lines) {
        for (String line : lines) {
            words.accept(new Proof(Instant.EPOCH, "[    1.0] noise sallyport-words: " + line));
        }
    }

    private static long cksum(String text) {
        var cksum = new Cksum();
        cksum.add(text);
        return cksum.value();
    }
}
