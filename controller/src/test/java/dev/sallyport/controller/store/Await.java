package dev.sallyport.controller.store;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for what nobody announces. */
public final class Await {
    private static final Duration LONGEST = Duration.ofSeconds(60);
    private static final Duration LOOK = Duration.ofMillis(5);

    private Await() {}

    /** Asks until {@code holds}; fails after a minute. */
    public static void until(String what, BooleanSupplier holds) throws InterruptedException {
        long giveUp = System.nanoTime() + LONGEST.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) {
                throw new AssertionError("waited in vain: " + what);
            }
            Thread.sleep(LOOK);
        }
    }
}
