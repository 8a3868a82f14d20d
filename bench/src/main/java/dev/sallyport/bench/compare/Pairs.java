package dev.sallyport.bench.compare;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Two things measured in turn, A B A B …, so that what changes on the host meanwhile meets both alike.
 *
 * @param ours the figures of A
 * @param reference those of B, each taken right after the one of the same number
 */
public record Pairs(Samples ours, Samples reference) {
    /** Takes one figure. */
    @FunctionalInterface
    public interface Measuring {
        double measure() throws IOException, InterruptedException;
    }

    public Pairs {
        if (ours.values().size() != reference.values().size()) {
            throw new IllegalArgumentException("figures without their partners");
        }
    }

    /**
     * Measures.
     *
     * @param count of pairs
     * @param taken told how many pairs are there, after each
     */
    public static Pairs take(int count, Measuring ours, Measuring reference, IntConsumer taken)
            throws IOException, InterruptedException {
        List<Double> a = new ArrayList<>();
        List<Double> b = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            a.add(ours.measure());
            b.add(reference.measure());
            taken.accept(i);
        }
        return new Pairs(new Samples(a), new Samples(b));
    }

    /** Ours to the reference, pair by pair. A reference of nothing, or less, is infinitely far. */
    public Samples ratios() {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < ours.values().size(); i++) {
            double against = reference.values().get(i);
            ratios.add(against > 0 ? ours.values().get(i) / against : Double.MAX_VALUE);
        }
        return new Samples(ratios);
    }
}
