package dev.sallyport.bench.sessions;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.bench.BenchOptions;
import dev.sallyport.bench.Measure;
import dev.sallyport.bench.load.OpenLoop;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SessionsResultsTest {
    private static final SessionsResults.Ended NOTHING_LEFT = new SessionsResults.Ended(0, 0, 0, 0, 0, 0, 0);

    @TempDir
    private Path folder;

    @Test
    void aRunThatReachesAllGoalsMissesNone() throws Exception {
        SessionsResults results = results();
        results.add(level(100, 10, 15));
        results.add(level(10_000, 10, 15));
        results.ended(NOTHING_LEFT);
        assertThat(results.measures()).allMatch(Measure::met);
    }

    @Test
    void slowAnswersCostsThatGrowAndWhatIsLeftAreMissed() throws Exception {
        SessionsResults results = results();
        results.add(level(100, 10, 15));
        results.add(level(10_000, 20, 25));
        results.ended(new SessionsResults.Ended(0, 0, 3, 0, 0, 0, 0));
        assertThat(missed(results))
                .containsExactly(
                        "reads, p99 at 10000 sessions",
                        "heap a session, 10000 against 100",
                        "left after all sessions ended: simulated things");
    }

    @Test
    void aRunThatIsBrokenOffMissesWhatItDidNotReach() throws Exception {
        SessionsResults results = results();
        results.add(level(100, 10, 15));
        results.failed(FailureException.of(CauseCode.DATABASE_FAILED, "It is gone."));
        assertThat(missed(results))
                .containsExactly(
                        "live sessions on one controller with a heap of 1 GB", "left after all sessions ended");
    }

    @Test
    void theDocumentSaysWhatWasMissedAndThePlotIsXml() throws Exception {
        SessionsResults results = results();
        results.add(level(100, 10, 15));
        results.add(level(10_000, 20, 25));
        results.write();
        Path documents = folder.resolve("docs/benchmarks");
        assertThat(documents.resolve("sessions.md"))
                .content()
                .contains("| **missed** | reads, p99 at 10000 sessions |");
        byte[] svg = Files.readAllBytes(documents.resolve("sessions.svg"));
        assertThat(DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new ByteArrayInputStream(svg))
                        .getDocumentElement()
                        .getTagName())
                .isEqualTo("svg");
        assertThat(new String(svg, StandardCharsets.UTF_8)).contains("prefers-color-scheme: dark");
    }

    private SessionsResults results() {
        var options = new BenchOptions(new Folders(folder, folder, folder), false, 0, 200, 300, false);
        var results = new SessionsResults(options, 10_000);
        results.none(level(0, 0, 0));
        return results;
    }

    private static List<String> missed(SessionsResults results) {
        return results.measures().stream()
                .filter(measure -> !measure.met())
                .map(Measure::measure)
                .toList();
    }

    private static Level level(int sessions, long heapKb, int readMillis) {
        var latencies = new Histogram(3);
        latencies.recordValue(readMillis * 1000L);
        var answers = new OpenLoop.Outcome(latencies, 0, List.of());
        var spent = new Level.Spent(0.0001 * sessions, 0, 0, 0, 0);
        var memory = new Level.Memory(heapKb * 1000 * sessions, 0, 0, 30, 7L * sessions, 16);
        var up = new Level.Started(answers, 40, spent, 0.5, 0);
        return new Level(sessions, up, Map.of(), spent, answers, spent, memory);
    }
}
