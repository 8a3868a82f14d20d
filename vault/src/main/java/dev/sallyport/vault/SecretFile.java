package dev.sallyport.vault;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Supplier;

/** A secret in a file that only its owner may read (mode 0600): one line of text. */
public final class SecretFile {
    private static final int MOST_BYTES = 4096;
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

    private SecretFile() {}

    /**
     * Reads the secret, or writes a fresh one down first. Of several processes that do so at once all get the same secret, and
     * it would survive the loss of power once this has returned.
     *
     * @param file where it is kept; its folder must be there
     * @param fresh makes a secret when there is no file
     * @throws FailureException {@link CauseCode#SECRET_FILE_UNSAFE} when others than the owner could read the file, or it is not a
     *     regular file of this user, or holds no line of text; {@link CauseCode#DISK_FULL} when it cannot be written for want of room
     */
    public static Secret readOrCreate(Path file, Supplier<Secret> fresh) {
        try {
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                create(file, fresh.get());
            }
            return read(file);
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    private static void create(Path file, Secret secret) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Path partial = Files.createTempFile(
                folder, "." + file.getFileName() + ".", null, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        try {
            try (var channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(secret.reveal() + "\n");
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            // A link is refused when the name is taken, where a rename would replace what another process has read
            // already.
            Files.createLink(file, partial);
        } catch (FileAlreadyExistsException e) {
            // Another process was first: its secret is the one.
            return;
        } finally {
            Files.deleteIfExists(partial);
        }
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static Secret read(Path file) throws IOException {
        PosixFileAttributes attributes =
                Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isRegularFile()) {
            throw FailureException.of(CauseCode.SECRET_FILE_UNSAFE, file + " is not a regular file.");
        }
        Set<PosixFilePermission> forOthers = EnumSet.noneOf(PosixFilePermission.class);
        forOthers.addAll(attributes.permissions());
        forOthers.removeAll(Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
        if (!forOthers.isEmpty()) {
            throw FailureException.of(
                    CauseCode.SECRET_FILE_UNSAFE,
                    file + " has mode " + PosixFilePermissions.toString(attributes.permissions())
                            + ", and only its owner may be able to read it: run 'chmod 600 " + file
                            + "', and consider whether somebody has read it.");
        }
        Object owner = Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        if (!owner.equals(self)) {
            throw FailureException.of(
                    CauseCode.SECRET_FILE_UNSAFE,
                    file + " belongs to the user with number " + owner + ", and this process runs as " + self + ".");
        }
        if (attributes.size() > MOST_BYTES) {
            throw FailureException.of(CauseCode.SECRET_FILE_UNSAFE, file + " is longer than a secret is.");
        }
        String line = Files.readString(file).strip();
        if (line.isEmpty() || line.contains("\n")) {
            throw FailureException.of(CauseCode.SECRET_FILE_UNSAFE, file + " does not hold one line of text.");
        }
        return Secret.of(line);
    }

    private static FailureException failed(Path file, IOException e) {
        if (e instanceof NoSuchFileException) {
            return FailureException.of(CauseCode.SECRET_FILE_UNSAFE, "the folder of " + file + " is not there.");
        }
        String words = String.valueOf(e.getMessage());
        CauseCode code = words.contains("No space left on device") || words.contains("Disk quota exceeded")
                ? CauseCode.DISK_FULL
                : CauseCode.SECRET_FILE_UNSAFE;
        // The exception's text names files and errors, never content.
        return FailureException.of(code, file + " cannot be read or written.", e.toString());
    }
}
