package dev.sallyport.bench.compare;

import java.util.List;

/**
 * Figures of one thing that was measured several times, in the order in which they were taken.
 *
 * @param values at least one
 */
public record Samples(List<Double> values) {
    public Samples {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("there are no samples");
        }
        values = List.copyOf(values);
    }

    /** The middle one; of an even number, halfway between the two in the middle. */
    public double median() {
        return percentile(50);
    }

    /** A quarter is at or below it. */
    public double lowerQuartile() {
        return percentile(25);
    }

    /** A quarter is at or above it. */
    public double upperQuartile() {
        return percentile(75);
    }

    /** Of fewer than a hundred samples, nearly the largest. */
    public double p99() {
        return percentile(99);
    }

    /**
     * What {@code percent} of them are at or below, straight between the two samples next to it.
     *
     * @param percent from 0, the smallest, to 100, the largest
     */
    public double percentile(double percent) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("not a percentage: " + percent);
        }
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        double place = percent / 100 * (sorted.length - 1);
        int below = (int) Math.floor(place);
        int above = (int) Math.ceil(place);
        return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
    }
}
