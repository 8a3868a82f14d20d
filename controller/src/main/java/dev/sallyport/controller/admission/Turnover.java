package dev.sallyport.controller.admission;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** How often places came free lately, and when, by that, the next one will. Not for several threads at once. */
final class Turnover {
    static final Duration LEAST = Duration.ofSeconds(1);
    static final Duration MOST = Duration.ofSeconds(60);

    private static final int REMEMBERED = 32;
    private static final long LATELY = Duration.ofMinutes(10).toNanos();

    private final Deque<Long> freed = new ArrayDeque<>();
    private final long began;

    /** @param now nanoseconds of the clock that all its times are of */
    Turnover(long now) {
        this.began = now;
    }

    /** A place came free. */
    void freed(long now) {
        freed.addLast(now);
        if (freed.size() > REMEMBERED) {
            freed.removeFirst();
        }
    }

    /**
     * When a place should be free for one who holds {@code share} of all: the mean time between those that came free, and so much
     * longer; from 1 to 60 s, and 60 s when none came free lately.
     */
    Duration next(long now, double share) {
        while (!freed.isEmpty() && now - freed.getFirst() > LATELY) {
            freed.removeFirst();
        }
        if (freed.isEmpty()) {
            return MOST;
        }
        long since = freed.size() < REMEMBERED ? Math.max(began, now - LATELY) : freed.getFirst();
        double nanos = (double) (now - since) / freed.size() / share;
        return nanos >= MOST.toNanos() ? MOST : nanos <= LEAST.toNanos() ? LEAST : Duration.ofNanos((long) nanos);
    }
}
