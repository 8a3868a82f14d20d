package dev.sallyport.controller.admission;

import java.time.Duration;
import java.util.List;

/**
 * How often something may be done: {@code starts} in each {@code period}, and up to {@code burst} at once after a pause.
 *
 * @param starts at least 1
 * @param period more than nothing, at most a day
 * @param burst at least 1
 */
public record Rate(int starts, Duration period, int burst) {
    private static final Duration LONGEST = Duration.ofDays(1);

    /** {@code starts} a minute, and as many at once. */
    public static Rate perMinute(int starts) {
        return new Rate(starts, Duration.ofMinutes(1), starts);
    }

    /** Adds what is wrong with it, which is called {@code name}, to {@code mistakes}. */
    void check(String name, List<String> mistakes) {
        if (starts < 1 || burst < 1) {
            mistakes.add("'" + name + "' takes at least 1 start and a burst of at least 1, not " + starts + " and "
                    + burst + ".");
        }
        if (!period.isPositive() || period.compareTo(LONGEST) > 0) {
            mistakes.add("'" + name + "' takes a period of at most a day, not " + period + ".");
        }
    }

    @Override
    public String toString() {
        return starts + " in " + Words.of(period);
    }
}
