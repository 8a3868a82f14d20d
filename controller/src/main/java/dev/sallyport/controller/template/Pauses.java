package dev.sallyport.controller.template;

import java.time.Duration;

/** When what failed is tried again: after pauses that grow from a minute to an hour. */
final class Pauses {
    private static final Duration LEAST = Duration.ofMinutes(1);
    private static final Duration MOST = Duration.ofHours(1);

    private int failures;
    private long until;

    /** @param now nanoseconds, of any clock that is always the same */
    Pauses(long now) {
        until = now;
    }

    synchronized boolean isOver(long now) {
        return now - until >= 0;
    }

    /**
     * It failed:
     *
     * @return how long it is left alone.
     */
    synchronized Duration failed(long now) {
        Duration pause = failures >= 6 ? MOST : LEAST.multipliedBy(1L << failures);
        failures++;
        until = now + pause.toNanos();
        return pause;
    }

    /** It had to give way, which is no failure. */
    synchronized void later(long now) {
        until = now + LEAST.toNanos();
    }

    /** What was made turned out to be of no use: the first time it is made anew at once. */
    synchronized void spoilt(long now) {
        if (failures == 0) {
            failures = 1;
            until = now;
        } else {
            var _ = failed(now);
        }
    }

    /** It is made. That it is of use shows later. */
    synchronized void made(long now) {
        until = now;
    }

    /** It is of use. */
    synchronized void proved() {
        failures = 0;
    }
}
