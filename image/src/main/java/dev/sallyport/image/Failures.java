package dev.sallyport.image;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.util.Locale;

/** Names failures of input and output. */
public final class Failures {
    private Failures() {}

    /**
     * The failure that {@code error} is: {@link CauseCode#DISK_FULL} when there was no room, else {@code otherwise}.
     *
     * @param otherwise the cause when the disk is not full
     * @param doing what was being done, as in "could not be {@code doing}"
     */
    public static FailureException of(CauseCode otherwise, String doing, IOException error) {
        String text = String.valueOf(error.getMessage());
        CauseCode code = isDiskFull(text) ? CauseCode.DISK_FULL : otherwise;
        return new FailureException(
                Cause.of(code, doing + ": " + error.getClass().getSimpleName() + ": " + text), error);
    }

    /** True when {@code line} is how the C library says ENOSPC or EDQUOT. */
    public static boolean isDiskFull(String line) {
        String lower = line.toLowerCase(Locale.ROOT);
        return lower.contains("no space left on device")
                || lower.contains("disk quota exceeded")
                || lower.contains("don't have enough free space");
    }
}
