package dev.sallyport.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sallyport.bench.Measure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairsTest {
    @Test
    void samplesTellTheirSpread() {
        var samples = new Samples(List.of(5.0, 1.0, 4.0, 2.0, 3.0));
        assertThat(samples.median()).isEqualTo(3);
        assertThat(samples.lowerQuartile()).isEqualTo(2);
        assertThat(samples.upperQuartile()).isEqualTo(4);
        assertThat(samples.p99()).isEqualTo(4.96, within(1e-9));
        assertThat(new Samples(List.of(1.0, 2.0)).median()).isEqualTo(1.5);
        assertThat(new Samples(List.of(7.0)).percentile(0)).isEqualTo(7);
        assertThatThrownBy(() -> new Samples(List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> samples.percentile(101)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void pairsAreTakenInTurn() throws Exception {
        var order = new ArrayList<String>();
        Iterator<Double> ours = List.of(10.0, 40.0, 30.0).iterator();
        Iterator<Double> reference = List.of(5.0, 10.0, 0.0).iterator();
        Pairs pairs = Pairs.take(
                3,
                () -> {
                    order.add("a");
                    return ours.next();
                },
                () -> {
                    order.add("b");
                    return reference.next();
                },
                taken -> order.add("" + taken));
        assertThat(order).containsExactly("a", "b", "1", "a", "b", "2", "a", "b", "3");
        assertThat(pairs.ratios().values()).containsExactly(2.0, 4.0, Double.MAX_VALUE);
    }

    @Test
    void theRatioIsTheMedianOfThePairs() {
        // The medians alone would say 1.
        var pairs = new Pairs(new Samples(List.of(1.0, 10.0, 100.0)), new Samples(List.of(10.0, 100.0, 1.0)));
        var comparison = new Comparison("m", "ms", "other", pairs);
        assertThat(comparison.atMost(0.5)).isEqualTo(new Measure("m", "ms", 10, 10.0, 0.1, "ratio at most 0.50", true));
        assertThat(comparison.atLeast(5).met()).isFalse();
    }

    @Test
    void theReportKeepsTheSectionsOfEarlierRuns(@TempDir Path folder) throws Exception {
        var report = new Report(folder);
        var pairs = new Pairs(new Samples(List.of(4.0, 6.0)), new Samples(List.of(1.0, 2.0)));
        var comparison = new Comparison("speed <b>", "MB", "the other", pairs);
        report.write(new Section(
                "one",
                "The first",
                "Its method.",
                List.of(comparison.atLeast(5)),
                List.of(comparison),
                List.of("2 cores")));
        report.write(new Section(
                "two",
                "The second",
                "Another.",
                List.of(Measure.atMost("left", "things", 0, 0)),
                List.of(),
                List.of()));
        assertThat(report.document())
                .content()
                .contains("| **missed** | speed <b> | 5 MB | 1.50 | 3.50 | ratio at least 5 |")
                .contains("| met | left | 0 things |  |  | at most 0 |")
                .contains("## The first\n\nIts method.\n\n- 2 cores")
                .contains("| speed <b>, MB | ours | 5 | 4.50 – 5.50 | 4 – 6 | 2 |")
                .contains("](one-1.svg)")
                .contains("## The second");
        assertThat(Files.readString(folder.resolve("one-1.svg")))
                .contains("speed &lt;b&gt;")
                .endsWith("</svg>\n");
    }
}
