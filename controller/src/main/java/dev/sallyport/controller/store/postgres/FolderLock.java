package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Makes sure that one controller alone uses a data folder. The kernel drops the lock when the process ends, however it ends.
 */
public final class FolderLock implements AutoCloseable {
    /**
     * What this process holds. A POSIX record lock belongs to the whole process, and closing any other channel of the file drops
     * it (fcntl(2), "Advisory record locking"); so a second attempt in this process must not even open the file.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private static final int MOST_BYTES = 1024;

    private final Path file;
    private final FileChannel channel;

    private FolderLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * @param folder an existing folder
     * @throws FailureException {@link CauseCode#DATABASE_FAILED} naming the process that uses it
     */
    public static FolderLock take(Path folder) throws IOException {
        Path file = folder.toRealPath().resolve("postgres.lock");
        if (!HELD.add(file)) {
            throw taken(folder, "this very process (" + ProcessHandle.current().pid() + ")");
        }
        FileChannel channel = null;
        try {
            channel = FileChannel.open(
                    file,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw taken(folder, read(channel));
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap(self().getBytes(StandardCharsets.UTF_8)), 0);
            return new FolderLock(file, channel);
        } catch (IOException | RuntimeException e) {
            if (channel != null) {
                channel.close();
            }
            HELD.remove(file);
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        HELD.remove(file);
    }

    private static String self() {
        ProcessHandle self = ProcessHandle.current();
        return "process " + self.pid() + " (" + self.info().command().orElse("java") + ", user "
                + System.getProperty("user.name") + ", since " + Instant.now() + ")";
    }

    private static String read(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MOST_BYTES);
        channel.read(bytes, 0);
        String text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
        return text.isBlank() ? "another process" : text;
    }

    private static FailureException taken(Path folder, String holder) {
        return FailureException.of(
                CauseCode.DATABASE_FAILED,
                "The data folder " + folder + " is in use by " + holder
                        + ". End that one first, or choose another data folder.");
    }
}
