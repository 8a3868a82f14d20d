package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class SpooledConsoleTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    @Test
    void whatFitsIsKeptByteByByte() throws Exception {
        try (var console = new SpooledConsole(folder.resolve("log"), 100, 100)) {
            append(console, "one\r\ntwo\n\nthr");
            append(console, "ee\n\u001b[31mfour");

            assertThat(Files.readString(console.file())).isEqualTo("one\r\ntwo\n\nthree\n\u001b[31mfour");
            assertThat(console.lastLines(10)).containsExactly("one", "two", "three", "four");
            assertThat(console.lastLines(2)).containsExactly("three", "four");
            assertThat(console.lastLines(0)).isEmpty();
            assertThat(console.bytes()).isEqualTo(25);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void aFloodLeavesTheFirstAndTheLastBytes(long seed) throws Exception {
        var random = new Random(seed);
        var all = new StringBuilder();
        try (var console = new SpooledConsole(folder.resolve("log"), 1000, 2000)) {
            while (all.length() < 100_000) {
                String text = "line " + all.length() + "x".repeat(random.nextInt(300)) + "\n";
                all.append(text);
                append(console, text);
                assertThat(Files.size(console.file())).isLessThan(1000 + 2 * 2000 + 500);
            }
            String kept = Files.readString(console.file());
            assertThat(kept).startsWith(all.substring(0, 1000));
            assertThat(kept).contains("bytes left out here]\n").endsWith(all.substring(all.length() - 2000));
            // Kept and left out are all that there was.
            String gap = kept.replaceFirst("(?s).*(\n\\[sallyport: (\\d+) bytes left out here]\n).*", "$1");
            long leftOut = Long.parseLong(gap.replaceAll("\\D", ""));
            assertThat(kept.length() - gap.length() + leftOut).isEqualTo(all.length());
            assertThat(console.bytes()).isEqualTo(all.length());
            assertThat(console.lastLines(5000)).hasSizeLessThanOrEqualTo(800);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void reopeningAtAnyTimeChangesNothing(long seed) throws Exception {
        var random = new Random(seed);
        var all = new StringBuilder();
        SpooledConsole once = new SpooledConsole(folder.resolve("once"), 1000, 2000);
        SpooledConsole often = new SpooledConsole(folder.resolve("often"), 1000, 2000);
        while (all.length() < 60_000) {
            String text = "line " + all.length() + "x".repeat(random.nextInt(300)) + (random.nextBoolean() ? "\n" : "");
            all.append(text);
            append(once, text);
            append(often, text);
            if (random.nextInt(5) == 0) {
                often.close();
                often = SpooledConsole.reopen(often.file(), 1000, 2000);
            }
            assertThat(Files.readString(often.file())).isEqualTo(Files.readString(once.file()));
            assertThat(often.bytes()).isEqualTo(all.length());
            assertThat(often.lastLines(1)).isEqualTo(once.lastLines(1));
        }
        assertThat(Files.readString(often.file())).contains("bytes left out here]\n");
        once.close();
        often.close();
    }

    @Test
    void linesOfBeforeAreRememberedAndTheHalfOneGoesOn() throws Exception {
        Path file = folder.resolve("log");
        Instant written = Instant.parse("2026-01-02T03:04:05Z");
        try (var before = new SpooledConsole(file)) {
            append(before, "first\nsec");
        }
        Files.setLastModifiedTime(file, FileTime.from(written));
        try (var console = SpooledConsole.reopen(file)) {
            assertThat(console.awaitLine("first"::equals, Duration.ZERO)).contains("first");
            assertThat(console.lastLines(5)).containsExactly("first", "sec");
            append(console, "ond\n");
            assertThat(console.lastLines(5)).containsExactly("first", "second");
            var times = new ArrayList<Instant>();
            console.follow((at, line) -> times.add(at)).close();
            assertThat(times.getFirst()).isEqualTo(written);
            assertThat(times.getLast()).isAfter(written);
            assertThat(Files.readString(file)).isEqualTo("first\nsecond\n");
        }
        try (var fresh = SpooledConsole.reopen(folder.resolve("none"))) {
            assertThat(fresh.bytes()).isZero();
        }
    }

    @Test
    void aGapThatTheGuestForgesHarmsNothing() throws Exception {
        Path file = folder.resolve("log");
        try (var before = new SpooledConsole(file, 10, 100)) {
            append(before, "0123456789\n[sallyport: 999999999999999 bytes left out here]\nmore\n");
        }
        try (var console = SpooledConsole.reopen(file, 10, 100)) {
            append(console, "y".repeat(1000) + "\nend\n");
            assertThat(Files.size(file)).isLessThan(10 + 2 * 100 + 80);
            assertThat(Files.readString(file))
                    .startsWith("0123456789\n[sallyport: ")
                    .endsWith("end\n");
        }
    }

    @Test
    void linesAreSafeToShow() throws Exception {
        try (var console = new SpooledConsole(folder.resolve("log"))) {
            append(console, "\u001b]0;title\u0007\u001b[2J\u001b[1;31mred\u001b[0m\tnext \u202eturned\u0007\n");
            append(console, "y".repeat(5000) + "\n");
            byte[] broken = {(byte) 0xff, 'z', (byte) 0xc3, '\n'};
            console.append(broken, 0, broken.length);

            assertThat(console.lastLines(3)).containsExactly("red next turned", "y".repeat(400), "\ufffdz\ufffd");
        }
    }

    @Test
    void anEndlessLineTakesNoMemory() throws Exception {
        try (var console = new SpooledConsole(folder.resolve("log"), 10, 10)) {
            byte[] chunk = "a".repeat(1000).getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < 5000; i++) {
                console.append(chunk, 0, chunk.length);
            }
            assertThat(console.lastLines(10)).containsExactly("a".repeat(400));
            assertThat(console.bytes()).isEqualTo(5_000_000);
        }
    }

    @Test
    void aLineThatHasComeIsFoundAtOnceAndOneToComeIsWaitedFor() throws Exception {
        try (var console = new SpooledConsole(folder.resolve("log"))) {
            append(console, "first\n");
            assertThat(console.awaitLine("first"::equals, Duration.ZERO)).contains("first");
            assertThat(console.awaitLine("other"::equals, Duration.ofMillis(20)))
                    .isEmpty();

            var waiting = new CompletableFuture<Optional<String>>();
            Thread waiter = Thread.ofVirtual().start(() -> {
                try {
                    waiting.complete(console.awaitLine(line -> line.startsWith("sec"), LONG));
                } catch (InterruptedException e) {
                    waiting.completeExceptionally(e);
                }
            });
            append(console, "se");
            append(console, "cond\nthird\n");
            assertThat(waiting.get(10, TimeUnit.SECONDS)).contains("second");
            waiter.join();
        }
    }

    @Test
    void theEndOfTheSourceEndsTheWait() throws Exception {
        var console = new SpooledConsole(folder.resolve("log"));
        Pipe pipe = Pipe.open();
        Thread pump = Thread.ofVirtual().start(() -> console.pump(pipe.source()));
        pipe.sink().write(ByteBuffer.wrap("last words".getBytes(StandardCharsets.US_ASCII)));
        assertThat(console.awaitEnd(Duration.ofMillis(20))).isFalse();
        pipe.sink().close();

        assertThat(console.awaitLine("never"::equals, LONG)).isEmpty();
        assertThat(console.awaitEnd(Duration.ZERO)).isTrue();
        pump.join();
        assertThat(console.lastLines(1)).containsExactly("last words");
        assertThat(Files.readString(console.file())).isEqualTo("last words");
        console.append(new byte[] {'x'}, 0, 1);
        assertThat(console.bytes()).isEqualTo(10);
        console.close();
    }

    private static void append(SpooledConsole console, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        console.append(bytes, 0, bytes.length);
    }
}
