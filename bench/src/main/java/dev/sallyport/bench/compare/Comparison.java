package dev.sallyport.bench.compare;

import dev.sallyport.bench.Measure;
import java.util.Locale;

/**
 * A measure of ours against the same of something else.
 *
 * @param measure what is measured
 * @param unit of both
 * @param against the name of what it is compared with
 * @param pairs the figures
 */
public record Comparison(String measure, String unit, String against, Pairs pairs) {
    /** Met when the median of the pairs' ratios is at least {@code ratio}. */
    public Measure atLeast(double ratio) {
        double is = pairs.ratios().median();
        return measured(is, "ratio at least " + number(ratio), is >= ratio);
    }

    /** Met when the median of the pairs' ratios is at most {@code ratio}. */
    public Measure atMost(double ratio) {
        double is = pairs.ratios().median();
        return measured(is, "ratio at most " + number(ratio), is <= ratio);
    }

    private Measure measured(double ratio, String goal, boolean met) {
        return new Measure(
                measure,
                unit,
                rounded(pairs.ours().median()),
                rounded(pairs.reference().median()),
                rounded(ratio),
                goal,
                met);
    }

    /** The rows of its spread: ours, the other's, and the ratio. */
    String rows() {
        return row("ours", unit, pairs.ours())
                + row(against, unit, pairs.reference())
                + row("ratio", "", pairs.ratios());
    }

    private String row(String who, String of, Samples samples) {
        return "| " + measure + (of.isEmpty() ? "" : ", " + of) + " | " + who + " | " + number(samples.median()) + " | "
                + number(samples.lowerQuartile()) + " – " + number(samples.upperQuartile()) + " | "
                + number(samples.percentile(0)) + " – " + number(samples.percentile(100)) + " | "
                + samples.values().size() + " |\n";
    }

    /** For people: three digits that count. */
    static String number(double value) {
        double size = Math.abs(value);
        if (size >= 1e12) {
            return "∞";
        }
        return size >= 100 || value == Math.rint(value)
                ? String.format(Locale.ROOT, "%,.0f", value)
                : String.format(Locale.ROOT, size >= 10 ? "%.1f" : "%.2f", value);
    }

    private static double rounded(double value) {
        return Math.abs(value) < 1e12 ? Math.round(value * 1000) / 1000.0 : value;
    }
}
