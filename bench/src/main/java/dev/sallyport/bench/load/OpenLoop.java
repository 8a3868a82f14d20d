package dev.sallyport.bench.load;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Does work at a fixed rate, each piece on a thread of its own, however long the earlier ones take. A latency counts from the time
 * at which its piece was due, so that what waits behind a slow answer is not hidden (coordinated omission).
 */
public final class OpenLoop {
    private static final long LONGEST_MICROS = 600_000_000;
    private static final int DIGITS = 3;
    private static final int FAILURES_TOLD = 5;

    private OpenLoop() {}

    /** One piece of work. */
    @FunctionalInterface
    public interface Work {
        /**
         * Does it.
         *
         * @param index from 0
         */
        void run(int index) throws InterruptedException;
    }

    /**
     * What came of it.
     *
     * @param latencies of the pieces that succeeded, in microseconds
     * @param failed how many failed
     * @param failures the first few of these, in words
     */
    public record Outcome(Histogram latencies, int failed, List<String> failures) {
        /** Milliseconds that {@code percent} of the pieces took at the most. */
        public double millisAt(double percent) {
            return latencies.getValueAtPercentile(percent) / 1000.0;
        }
    }

    /**
     * Runs {@code count} pieces and waits for the last.
     *
     * @param perSecond how many are due a second
     */
    public static Outcome run(double perSecond, int count, Work work) throws InterruptedException {
        var latencies = new ConcurrentHistogram(LONGEST_MICROS, DIGITS);
        var failed = new AtomicInteger();
        var failures = new ConcurrentLinkedQueue<String>();
        long began = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < count; i++) {
                int index = i;
                long due = began + Math.round(i * 1e9 / perSecond);
                awaitTime(due);
                threads.execute(() -> {
                    try {
                        work.run(index);
                        long micros = (System.nanoTime() - due) / 1000;
                        latencies.recordValue(Math.clamp(micros, 0, LONGEST_MICROS));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (RuntimeException e) {
                        if (failed.incrementAndGet() <= FAILURES_TOLD) {
                            failures.add(String.valueOf(e.getMessage()));
                        }
                    }
                });
            }
        }
        return new Outcome(latencies, failed.get(), List.copyOf(failures));
    }

    private static void awaitTime(long due) throws InterruptedException {
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
            if (Thread.interrupted()) {
                throw new InterruptedException("interrupted while load was made");
            }
        }
    }
}
