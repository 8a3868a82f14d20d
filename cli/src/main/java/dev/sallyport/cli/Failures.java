package dev.sallyport.cli;

import dev.sallyport.model.Cause;
import dev.sallyport.model.FailureException;
import java.io.PrintStream;
import java.time.Duration;

/** Prints failures for people: what, why, the proof, and what to do next. */
public final class Failures {
    private Failures() {}

    /** Prints {@code thrown}: a cause in full, anything else with its stack trace, since it is a defect. */
    public static void print(Throwable thrown, PrintStream out) {
        if (thrown instanceof FailureException failure) {
            print(failure.reason(), out);
            failure.retryAfter().ifPresent(wait -> out.println("  Try again in " + words(wait) + "."));
        } else {
            out.println("sallyport: an error that has no name yet; please report it:");
            thrown.printStackTrace(out);
        }
    }

    /** {@code 12 s}, {@code 3 min}: rounded up, since a moment too early is refused again. */
    private static String words(Duration wait) {
        long seconds = wait.plusNanos(999_999_999).toSeconds();
        return seconds < 120 ? seconds + " s" : Math.ceilDiv(seconds, 60) + " min";
    }

    /** Prints {@code cause}. */
    public static void print(Cause cause, PrintStream out) {
        out.println("sallyport: " + cause.code().sentence() + " [" + cause.code() + "]");
        if (!cause.detail().isBlank()) {
            out.println("  " + cause.detail());
        }
        cause.evidence().forEach(line -> out.println("  | " + line));
        out.println("  What to do: " + cause.code().remedy());
    }
}
