package dev.sallyport.controller.pool;

import dev.sallyport.machine.StepListener;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * So many machines are made at once as the host has processors for; the others wait, in their order. Waiting for a machine that is made
 * to boot takes no turn: of two hundred starts in a second each is begun, and none takes the processors from those who look. One that
 * begins from a template keeps its turn until it has answered, for it is busy all the while: two at once are both there as late as the second
 * of two after each other.
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

    /** Of machines that boot. */
    static Turns ofBoots() {
        return new Turns(Math.max(4, 2 * Runtime.getRuntime().availableProcessors()));
    }

    /** Of machines that begin from a template. */
    static Turns ofClones() {
        return new Turns(Math.max(2, Runtime.getRuntime().availableProcessors()));
    }

    /**
     * Waits for a turn that ends by itself after {@code most}: who takes longer hangs, and others need not wait for that.
     *
     * @param record told when many come before
     * @return gives it back; closed once
     */
    Turn take(StepListener record, Duration most) throws InterruptedException {
        Turn turn = take(record);
        var open = new AtomicBoolean(true);
        Turn once = () -> {
            if (open.getAndSet(false)) {
                turn.close();
            }
        };
        CompletableFuture.delayedExecutor(most.toNanos(), TimeUnit.NANOSECONDS).execute(once::close);
        return once;
    }

    /**
     * Waits for a turn.
     *
     * @param record told when many come before
     * @return gives it back; closed once
     */
    Turn take(StepListener record) throws InterruptedException {
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
