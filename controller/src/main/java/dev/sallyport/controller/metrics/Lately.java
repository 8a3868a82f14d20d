package dev.sallyport.controller.metrics;

import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A value that is asked for at most once in a while, however many figures are made of it. */
final class Lately<T> {
    private static final Duration FRESH = Duration.ofSeconds(2);

    private final Supplier<T> source;
    private @Nullable T value;
    private long readAt;

    Lately(Supplier<T> source) {
        this.source = source;
    }

    /** Empty when it cannot be asked for at this moment. */
    synchronized Optional<T> get() {
        if (value == null || System.nanoTime() - readAt > FRESH.toNanos()) {
            try {
                value = source.get();
            } catch (FailureException e) {
                value = null; // The figure is missing rather than old; the cause is in the log of whoever needs the
                // value.
            }
            readAt = System.nanoTime();
        }
        return Optional.ofNullable(value);
    }
}
