package dev.sallyport.controller.host;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.InvalidIdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The file {@code host-id} in the data folder: a host is its data folder, whatever its address or name. */
public final class HostFile {
    private static final String NAME = "host-id";

    private HostFile() {}

    /**
     * The host's id, made when there is none yet. The caller holds the folder's lock.
     *
     * @param data the data folder
     * @throws FailureException when the file cannot be read or written, or holds something else
     */
    public static HostId at(Path data) {
        Path file = data.resolve(NAME);
        try {
            return new HostId(Files.readString(file).strip());
        } catch (NoSuchFileException e) {
            return make(file);
        } catch (IOException | InvalidIdException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.DATABASE_FAILED,
                            "The file " + file + " does not hold this host's id. If its content is lost, remove it: the"
                                    + " host is then a new one, and what it had is swept when its lease lapses.",
                            e.toString()),
                    e);
        }
    }

    private static HostId make(Path file) {
        HostId made = HostId.random();
        Path fresh = file.resolveSibling(NAME + ".new");
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(fresh, made + "\n");
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            return made;
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(CauseCode.DISK_FULL, "The file " + file + " cannot be written.", e.toString()), e);
        }
    }
}
