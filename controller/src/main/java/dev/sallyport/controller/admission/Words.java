package dev.sallyport.controller.admission;

import java.time.Duration;
import java.util.Locale;

/** Figures as people read them. */
final class Words {
    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;

    private Words() {}

    /** {@code 7 s}, {@code 10 min}; parts of a second are rounded up. */
    static String of(Duration time) {
        long seconds = time.plusNanos(999_999_999).toSeconds();
        return seconds >= 60 && seconds % 60 == 0 ? seconds / 60 + " min" : seconds + " s";
    }

    /** {@code 512 MiB}, {@code 1.5 GiB}. */
    static String ofBytes(long bytes) {
        return Math.abs(bytes) < GIB
                ? String.format(Locale.ROOT, "%.0f MiB", bytes / MIB)
                : String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }
}
