package dev.sallyport.machine;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Compares a machine's clock with its host's. */
final class Clocks {
    private Clocks() {}

    /** How far {@code timestamp} (ISO 8601) is ahead of {@code host}; empty when it is no time. */
    static Optional<Duration> off(String timestamp, Instant host) {
        try {
            return Optional.of(Duration.between(host, Instant.parse(timestamp)));
        } catch (DateTimeException | ArithmeticException e) {
            return Optional.empty(); // An agent of another kind may write none: that proves nothing.
        }
    }

    /** Such as {@code 3 h 20 min ahead of}. */
    static String words(Duration off) {
        Duration size = off.abs();
        String amount = size.toDays() > 0
                ? size.toDays() + " days"
                : size.toHours() > 0
                        ? size.toHours() + " h " + size.toMinutesPart() + " min"
                        : size.toMinutes() + " min";
        return amount + (off.isNegative() ? " behind" : " ahead of");
    }
}
