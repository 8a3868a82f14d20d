package dev.sallyport.controller.pool;

import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * So many machines are made at once as the host has processors for; the others wait, in their order. Waiting for a machine that is made
 * to come up takes no turn: of two hundred starts in a second each is begun, and none takes the processors from those who look.
 */
final class Turns {
    /** What takes no longer is not worth a line on a timeline. */
    private static final long UNTOLD_SECONDS = 2;

    private final Semaphore turns;

    Turns(int atOnce) {
        turns = new Semaphore(atOnce, true);
    }

    static Turns ofThisHost() {
        return new Turns(Math.max(4, 2 * Runtime.getRuntime().availableProcessors()));
    }

    /**
     * Waits for a turn.
     *
     * @param record told when it takes a while
     * @return gives it back; closed once
     */
    Turn take(MachineTimeline.Recorder record) throws InterruptedException {
        if (!turns.tryAcquire(UNTOLD_SECONDS, TimeUnit.SECONDS)) {
            record.done(
                    "queued",
                    "The host is making other machines first.",
                    Map.of("before", Integer.toString(turns.getQueueLength())));
            turns.acquire();
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
