package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.util.List;

/** Names what went wrong with the server. */
final class Failures {
    private Failures() {}

    /** A failure whose evidence is the server's (or initdb's) own lines; the words decide what it is called. */
    static FailureException of(String detail, List<String> lines) {
        return new FailureException(new Cause(code(String.join("\n", lines)), detail, lines));
    }

    static FailureException of(String detail, IOException thrown) {
        return new FailureException(new Cause(code(thrown.toString()), detail, List.of(thrown.toString())), thrown);
    }

    private static CauseCode code(String words) {
        if (words.contains("No space left on device") || words.contains("Disk quota exceeded")) {
            return CauseCode.DISK_FULL;
        }
        return words.contains("Address already in use") ? CauseCode.PORT_TAKEN : CauseCode.DATABASE_FAILED;
    }
}
