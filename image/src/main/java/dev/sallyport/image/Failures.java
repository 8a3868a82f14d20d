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
     * The failure that {@code error} is, by {@link #codeOf}.
     *
     * @param otherwise the cause when it is none of the host's
     * @param doing what was being done, as in "could not be {@code doing}"
     */
    public static FailureException of(CauseCode otherwise, String doing, IOException error) {
        String text = String.valueOf(error.getMessage());
        return new FailureException(
                Cause.of(
                        codeOf(text, otherwise), doing + ": " + error.getClass().getSimpleName() + ": " + text),
                error);
    }

    /**
     * What an error of input or output says of the host: {@link CauseCode#DISK_FULL} when there was no room,
     * {@link CauseCode#FILES_EXHAUSTED} when no more files may be open, else {@code otherwise}.
     */
    public static CauseCode codeOf(String text, CauseCode otherwise) {
        if (text.contains("Too many open files")) { // EMFILE and ENFILE
            return CauseCode.FILES_EXHAUSTED;
        }
        return isDiskFull(text) ? CauseCode.DISK_FULL : otherwise;
    }

    /** True when {@code line} is how the C library says ENOSPC or EDQUOT. */
    public static boolean isDiskFull(String line) {
        String lower = line.toLowerCase(Locale.ROOT);
        return lower.contains("no space left on device")
                || lower.contains("disk quota exceeded")
                || lower.contains("don't have enough free space");
    }
}
