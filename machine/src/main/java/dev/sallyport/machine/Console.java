package dev.sallyport.machine;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** A machine's serial console, spooled to a bounded file. Its bytes are hostile: readers get printable lines. */
public interface Console {
    /** Where the raw bytes are kept: the first and the last of them when there were too many. */
    Path file();

    /** Bytes seen so far, kept or not. */
    long bytes();

    /** The last {@code count} lines at most, without control characters, each of at most 400 characters. */
    List<String> lastLines(int count);

    /**
     * Tells {@code reader} of the lines still remembered and then of each that comes, in their order, until the result is closed.
     *
     * @param reader called in the thread that reads the console: it must be quick
     */
    Following follow(Reader reader);

    /** Is told of lines. */
    @FunctionalInterface
    interface Reader {
        /**
         * A complete line.
         *
         * @param at when it came
         * @param line without control characters, at most 400 characters
         */
        void line(Instant at, String line);
    }

    /** Closing it ends what {@link #follow} began. */
    interface Following extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Waits for a line, among those still remembered first, then among those to come.
     *
     * @param wanted called with each complete line, also in the thread that reads the console: it must be quick
     * @param atMost how long to wait
     * @return the first line that is wanted; empty when the time is over or the console has ended without it
     * @throws InterruptedException when the calling thread is interrupted
     */
    Optional<String> awaitLine(Predicate<String> wanted, Duration atMost) throws InterruptedException;
}
