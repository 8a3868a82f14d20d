package dev.sallyport.bench;

import org.jspecify.annotations.Nullable;

/**
 * One figure of a benchmark and what it should be.
 *
 * @param measure what was measured
 * @param unit of {@code ours} and {@code reference}
 * @param ours the figure
 * @param reference what it is compared with; null when the goal is a figure of its own
 * @param ratio {@code ours} to {@code reference}; null without one
 * @param goal in words
 * @param met whether the goal was reached
 */
public record Measure(
        String measure,
        String unit,
        double ours,
        @Nullable Double reference,
        @Nullable Double ratio,
        String goal,
        boolean met) {
    /** A figure that should be at most {@code limit}. */
    public static Measure atMost(String measure, String unit, double ours, double limit) {
        return new Measure(measure, unit, rounded(ours), null, null, "at most " + text(limit), ours <= limit);
    }

    /** A figure that should be at least {@code limit}. */
    public static Measure atLeast(String measure, String unit, double ours, double limit) {
        return new Measure(measure, unit, rounded(ours), null, null, "at least " + text(limit), ours >= limit);
    }

    /** A figure that should be at most {@code limit} times {@code reference}. */
    public static Measure ratioAtMost(String measure, String unit, double ours, double reference, double limit) {
        double ratio = reference > 0 ? ours / reference : Double.MAX_VALUE;
        return new Measure(
                measure,
                unit,
                rounded(ours),
                rounded(reference),
                rounded(ratio),
                "ratio at most " + text(limit),
                ratio <= limit);
    }

    private static double rounded(double value) {
        return Math.abs(value) < 1e12 ? Math.round(value * 1000) / 1000.0 : value;
    }

    private static String text(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }
}
