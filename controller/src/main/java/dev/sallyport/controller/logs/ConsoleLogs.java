package dev.sallyport.controller.logs;

import dev.sallyport.machine.ConsoleLines;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/** Machines' console logs: in the machine's own folder while it lives, {@code logs/machines/ID.console} of the data folder after it. */
public final class ConsoleLogs {
    /** Where a driver writes the console, in the folder that it is given for a machine. */
    private static final String LIVE = "console.log";
    /** More than a console is ever spooled to: a file that somebody else made larger is not read whole. */
    private static final int MAX_BYTES = 4 << 20;

    private final Path data;

    /** @param data the data folder */
    public ConsoleLogs(Path data) {
        this.data = data;
    }

    /** Where the log of machine {@code id} is kept after its end. */
    public Path kept(MachineId id) {
        return folder(data).resolve(id + ".console");
    }

    /** Copies a machine's log to where it is kept, with its time and its mode. Nothing happens when there is none. */
    public void keep(MachineId id) throws IOException {
        Path live = live(id);
        if (!Files.isRegularFile(live, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Path kept = kept(id);
        Files.createDirectories(kept.getParent());
        Path part = kept.resolveSibling(kept.getFileName() + ".part");
        Files.copy(live, part, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
        Files.move(part, kept, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * A machine's console as lines that are safe to show, of a living machine or of one that is gone.
     *
     * @return empty when no log of it is kept
     */
    public Optional<List<String>> lines(MachineId id) throws IOException {
        // It moves from the first to the second, so that one of them is there at every moment.
        Optional<List<String>> living = read(live(id));
        return living.isPresent() ? living : read(kept(id));
    }

    private static Optional<List<String>> read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            return Optional.of(ConsoleLines.of(in.readNBytes(MAX_BYTES)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** The folder of the logs that are kept. */
    static Path folder(Path data) {
        return data.resolve("logs").resolve("machines");
    }

    private Path live(MachineId id) {
        return data.resolve("machines").resolve(id.value()).resolve(LIVE);
    }
}
