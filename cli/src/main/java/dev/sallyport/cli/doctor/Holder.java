package dev.sallyport.cli.doctor;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The controller that works on a data folder, known by the lock that it holds. The lock is looked at, not tried: a controller
 * that starts at that moment would be refused.
 *
 * @param pid the controller's process
 */
record Holder(long pid) {
    private static final Pattern WRITTEN = Pattern.compile("^process (\\d+)\\b");

    /** Who works on {@code data}, if anybody does. */
    static Optional<Holder> of(Path data) throws IOException {
        Path file = data.resolve("postgres.lock");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        long inode = (Long) Files.getAttribute(file, "unix:ino");
        OptionalLong pid = holder(Files.readString(Path.of("/proc/locks")), inode);
        if (pid.isEmpty() || !isWritten(file, pid.getAsLong())) {
            return Optional.empty();
        }
        return Optional.of(new Holder(pid.getAsLong()));
    }

    /**
     * The process that holds a record lock on a file.
     *
     * @param locks the text of {@code /proc/locks}, see proc(5)
     * @param inode the file's
     */
    static OptionalLong holder(String locks, long inode) {
        for (String line : locks.lines().toList()) {
            // 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; one that waits has "->" before its kind.
            String[] fields = line.strip().split("\\s+", -1);
            if (fields.length >= 6 && fields[1].equals("POSIX") && fields[5].endsWith(":" + inode)) {
                return OptionalLong.of(Long.parseLong(fields[4]));
            }
        }
        return OptionalLong.empty();
    }

    /** Inodes are numbered in each file system anew; the holder has written its process into the file. */
    private static boolean isWritten(Path file, long pid) throws IOException {
        try {
            Matcher matcher = WRITTEN.matcher(Files.readString(file));
            return !matcher.find() || Long.parseLong(matcher.group(1)) == pid;
        } catch (AccessDeniedException e) {
            return true; // Another user's; the number alone must do.
        } catch (NoSuchFileException e) {
            return false;
        }
    }
}
