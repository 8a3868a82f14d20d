package dev.sallyport.controller.pool;

import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * So many machines are made at once as the host has processors for; the others wait, in their order. Waiting for a machine that is made
 * to come up takes no turn: of two hundred starts in a second each is begun, and none takes the processors from those who look.
 */
final class Turns {
    /** So many rounds before one's turn take a while: worth a line on the timeline. */
    private static final int TOLD_ROUNDS = 10;

    private final Semaphore turns;
    private final int atOnce;
    private final AtomicInteger waiting = new AtomicInteger();

    Turns(int atOnce) {
        this.atOnce = atOnce;
        turns = new Semaphore(atOnce, true);
    }

    static Turns ofThisHost() {
        return new Turns(Math.max(4, 2 * Runtime.getRuntime().availableProcessors()));
    }

    /**
     * Waits for a turn.
     *
     * @param record told when many come before
     * @return gives it back; closed once
     */
    Turn take(MachineTimeline.Recorder record) throws InterruptedException {
        int before = waiting.getAndIncrement();
        try {
            if (before >= TOLD_ROUNDS * atOnce) {
                record.done(
                        "queued",
                        "The host is making other machines first.",
                        Map.of("before", Integer.toString(before)));
            }
            turns.acquire();
        } finally {
            waiting.decrementAndGet();
        }
        return turns::release;
    }

    /** A turn, until it is closed. */
    @FunctionalInterface
    interface Turn extends AutoCloseable {
        @Override
        void close();
    }
}
