package dev.sallyport.controller.warm;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * How many machines of a kind are to be kept ready: those that were asked for, and as many more as users take while one is made. By
 * any thread.
 */
final class Demand {
    private static final Duration LATELY = Duration.ofMinutes(1);
    /** More than these in a minute are taken for as many. */
    private static final int REMEMBERED = 10_000;
    /** How much a new figure counts. */
    private static final double WEIGHT = 0.25;

    private final int kept;
    private final int most;
    private final Deque<Long> starts = new ArrayDeque<>();
    private double restoreSeconds;

    /**
     * @param kept how many when few are asked for; 0 for none at all
     * @param most how many at the most
     */
    Demand(int kept, int most) {
        this.kept = kept;
        this.most = most;
    }

    /**
     * A user wanted one.
     *
     * @param now nanoseconds
     */
    synchronized void wanted(long now) {
        starts.addLast(now);
        if (starts.size() > REMEMBERED) {
            starts.removeFirst();
        }
    }

    /** One was made, which took so long. */
    synchronized void restored(Duration took) {
        double seconds = took.toNanos() / 1e9;
        restoreSeconds = restoreSeconds == 0 ? seconds : restoreSeconds + WEIGHT * (seconds - restoreSeconds);
    }

    /** How many are to be ready. */
    synchronized int target(long now) {
        if (kept == 0) {
            return 0;
        }
        while (!starts.isEmpty() && now - starts.getFirst() > LATELY.toNanos()) {
            starts.removeFirst();
        }
        double takenMeanwhile = starts.size() * restoreSeconds / LATELY.toSeconds();
        return (int) Math.min(most, kept + Math.round(takenMeanwhile));
    }
}
