package dev.sallyport.controller.host;

import dev.sallyport.controller.store.Database;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks now and then whether what is here is what should be, while the lease is held. */
public final class Rounds implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Rounds.class);

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("rounds").factory());

    /**
     * Begins.
     *
     * @param lease while which is held
     * @param every between two rounds
     * @param looks what is done in a round, each whatever became of the ones before
     */
    public static Rounds start(Lease lease, Duration every, List<Runnable> looks) {
        var rounds = new Rounds();
        var _ = rounds.clock.scheduleWithFixedDelay(
                () -> {
                    if (lease.isHeld()) {
                        looks.forEach(Rounds::look);
                    }
                },
                every.toMillis(),
                every.toMillis(),
                TimeUnit.MILLISECONDS);
        return rounds;
    }

    /** Begins no further round, and waits for the one under way. */
    @Override
    public void close() {
        clock.shutdownNow();
        clock.close();
    }

    private static void look(Runnable work) {
        try {
            Database.persevering(work);
        } catch (FailureException e) {
            LOG.warn(
                    "A round was not finished: {} {}",
                    e.reason().code(),
                    e.reason().detail());
        } catch (RuntimeException e) {
            LOG.error("A round met a defect", e);
        }
    }
}
