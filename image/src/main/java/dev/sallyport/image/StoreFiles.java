package dev.sallyport.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The store's small files. Whatever appears under its name is whole, and on the disk. Whoever writes holds the store's lock. */
final class StoreFiles {
    private final ObjectMapper json = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT);
    private final Path work;

    /** @param work a folder on the same disk, for files that are not whole yet */
    StoreFiles(Path work) {
        this.work = work;
    }

    /** Removes what writers left that died while they wrote; the lock keeps the living away. */
    void sweep() throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(work, "*.json")) {
            for (Path file : left) {
                Files.deleteIfExists(file);
            }
        }
    }

    /**
     * Reads a file; empty when it is not there.
     *
     * @throws FailureException {@link CauseCode#IMAGE_UNSOUND} when it is damaged
     */
    <T> Optional<T> read(Path file, Class<T> type) {
        try {
            return Optional.of(json.readValue(Files.readAllBytes(file), type));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JsonProcessingException e) {
            throw new FailureException(
                    Cause.of(CauseCode.IMAGE_UNSOUND, file + " is damaged: " + e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_UNSOUND, file + " could not be read", e);
        }
    }

    /** Writes a file, replacing the one before in one step. */
    void write(Path file, Object value) throws IOException {
        Path fresh = work.resolve(UUID.randomUUID() + ".json");
        try {
            Files.write(fresh, json.writeValueAsBytes(value), StandardOpenOption.CREATE_NEW);
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
            flush(fresh);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            Path folder = file.getParent();
            if (folder != null) {
                flush(folder);
            }
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /** Waits until a file or folder is on the disk. */
    static void flush(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** What is in a folder, in the order of the names. */
    static List<Path> list(Path folder) {
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(all::add);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_UNSOUND, folder + " could not be listed", e);
        }
        all.sort(Comparator.naturalOrder());
        return all;
    }
}
