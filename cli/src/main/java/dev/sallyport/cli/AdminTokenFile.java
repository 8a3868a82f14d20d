package dev.sallyport.cli;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the admin token that a controller keeps in its data folder. */
public final class AdminTokenFile {
    private AdminTokenFile() {}

    /**
     * The admin token of the controller whose data lies at {@code data}.
     *
     * @throws FailureException UNAUTHENTICATED when there is none, or this user may not read it
     */
    public static Secret read(Path data) {
        Path file = data.resolve("admin-token");
        try {
            return Secret.of(Files.readString(file).strip());
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.UNAUTHENTICATED,
                            "SALLYPORT_TOKEN is not set, and the admin token cannot be read from " + file + " ("
                                    + e.getClass().getSimpleName() + ")."),
                    e);
        }
    }
}
