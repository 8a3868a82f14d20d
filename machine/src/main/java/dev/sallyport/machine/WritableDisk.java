package dev.sallyport.machine;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The disk that takes a machine's writes: ext4 labelled {@value #LABEL}, sparse, so that it costs what is written to it. One
 * pristine file of each size is made once and copied for each machine, by reflink where the file system can.
 */
public final class WritableDisk {
    /** The label by which the initramfs finds it. */
    public static final String LABEL = "sallyport-rw";
    /** The smallest disk, in bytes. */
    public static final long MIN_BYTES = 16L << 20;
    /** The largest disk, in bytes. */
    public static final long MAX_BYTES = 1L << 40;

    private static final Duration DEADLINE = Duration.ofMinutes(1);

    private final Path folder;
    private final ReentrantLock lock = new ReentrantLock();

    /** @param cache the folder for what can be made again; {@code disks} is made in it */
    public WritableDisk(Path cache) {
        this.folder = cache.resolve("disks");
    }

    /**
     * Makes a disk, readable by its owner alone.
     *
     * @param target the file; replaced when it is there
     * @param bytes its size: a multiple of 4096 from {@link #MIN_BYTES} to {@link #MAX_BYTES}
     * @throws FailureException {@code BAD_REQUEST} when the size is none, {@code DISK_FULL} when there is no room,
     *     {@code HYPERVISOR_FAILED} with the program's words when it cannot be made otherwise
     * @throws IOException when the cache folder cannot be used
     * @throws InterruptedException when the calling thread is interrupted
     */
    public void make(Path target, long bytes) throws IOException, InterruptedException {
        if (bytes < MIN_BYTES || bytes > MAX_BYTES || bytes % 4096 != 0) {
            throw FailureException.of(
                    CauseCode.BAD_REQUEST,
                    "A writable disk cannot have " + bytes + " bytes: it takes a multiple of 4096 from " + MIN_BYTES
                            + " to " + MAX_BYTES + ".");
        }
        Path pristine = pristine(bytes);
        // cp asks for a reflink, and else copies the written parts alone; measured at 4 ms for 4 GiB on ext4.
        run(List.of("cp", "--reflink=auto", "--sparse=always", "--", pristine.toString(), target.toString()));
    }

    private Path pristine(long bytes) throws IOException, InterruptedException {
        Path pristine = folder.resolve("writable-" + bytes + ".ext4");
        lock.lockInterruptibly();
        try {
            if (Files.exists(pristine)) {
                return pristine;
            }
            Files.createDirectories(folder);
            // The other lock is against threads of this process, this one against other processes.
            try (FileChannel guard = FileChannel.open(
                            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock held = guard.lock()) {
                if (!held.isValid() || Files.exists(pristine)) {
                    return pristine;
                }
                // One name, so that what a killed process left is overwritten by the next.
                Path unfinished = folder.resolve("unfinished-" + bytes);
                Files.deleteIfExists(unfinished);
                // No journal: a machine boots once, and its disk is gone after it. Zeroes need not be written to a
                // sparse file.
                run(List.of(
                        "mke2fs",
                        "-q",
                        "-F",
                        "-t",
                        "ext4",
                        "-L",
                        LABEL,
                        "-m",
                        "0",
                        "-O",
                        "^has_journal",
                        "-E",
                        "assume_storage_prezeroed=1,root_owner=0:0",
                        unfinished.toString(),
                        bytes / 1024 + "k"));
                Files.setPosixFilePermissions(unfinished, PosixFilePermissions.fromString("rw-------"));
                Files.move(unfinished, pristine, StandardCopyOption.ATOMIC_MOVE);
            }
            return pristine;
        } finally {
            lock.unlock();
        }
    }

    private static void run(List<String> command) throws IOException, InterruptedException {
        Command.Result result = Command.run(DEADLINE, "", command);
        if (!result.ok()) {
            boolean full = result.output().contains("No space left on device");
            throw new FailureException(new Cause(
                    full ? CauseCode.DISK_FULL : CauseCode.HYPERVISOR_FAILED,
                    "The writable disk could not be made: " + command.getFirst() + " ended with " + result.exitCode()
                            + ".",
                    result.lastLines()));
        }
    }
}
