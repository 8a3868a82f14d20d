package dev.sallyport.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.cli.Progress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TextReportTest {
    private static String told(boolean coloured, Finding... findings) {
        var out = new ByteArrayOutputStream();
        var stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        var report =
                new TextReport(stream, new Progress(new PrintStream(new ByteArrayOutputStream()), false), coloured);
        report.tell("disk", List.of(findings));
        report.end();
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void findingsAreAlignedAndCounted() {
        assertThat(told(
                        false,
                        Finding.ok("Fine."),
                        Finding.warning("Little room.", "Make room."),
                        Finding.broken("a", "b")))
                .isEqualTo("""
                        disk        ok      Fine.
                                    warning Little room.
                                            What to do: Make room.
                                    broken  a
                                            What to do: b

                        1 thing is broken; 1 warning.
                        """);
        assertThat(told(false, Finding.ok("Fine."))).endsWith("\nNothing is broken.\n");
    }

    @Test
    void longTextsAreWrappedBetweenWords() {
        String word = "0123456789".repeat(12);
        String told = told(false, Finding.warning("one two ".repeat(30) + word, "three four ".repeat(20)));
        assertThat(told.lines().filter(line -> !line.contains(word))).allMatch(line -> line.length() <= 110);
        assertThat(told).contains("\n" + " ".repeat(20) + word + "\n").contains("\n" + " ".repeat(32) + "three");
    }

    @Test
    void whatProgramsSaidMovesNoCursor() {
        assertThat(told(false, Finding.ok("a\u001b[2Jb\rc"))).contains("ok      a [2Jb c\n");
        assertThat(told(true, Finding.broken("a", "b"))).contains("\u001b[31mbroken  \u001b[0ma");
    }
}
