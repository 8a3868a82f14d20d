package dev.sallyport.image;

import dev.sallyport.model.CauseCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The store's locks: files in a folder of it, which are never deleted. */
final class StoreLocks {
    private final Path folder;

    StoreLocks(Path folder) {
        this.folder = folder;
    }

    /** For a few short files; nobody holds it for long, so waiting for it is not interrupted. */
    FileLocks.Held store() throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return FileLocks.exclusive(folder.resolve("store"));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Held by everyone who builds. */
    ImageStore.Use building() throws InterruptedException {
        try {
            FileLocks.Held held = FileLocks.shared(folder.resolve("use"));
            return () -> release(held);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the store's lock could not be taken", e);
        }
    }

    /** Keeps builders away; empty while somebody builds. */
    Optional<FileLocks.Held> nobodyBuilds() throws IOException {
        return FileLocks.tryExclusive(folder.resolve("use"));
    }

    /** Held by who makes {@code name}; {@code whenBusy} is called when there is one to wait for. */
    ImageStore.Use making(String name, Runnable whenBusy) throws InterruptedException {
        Path file = folder.resolve("make-" + name);
        try {
            Optional<FileLocks.Held> free = FileLocks.tryExclusive(file);
            if (free.isEmpty()) {
                whenBusy.run();
            }
            FileLocks.Held held = free.isPresent() ? free.get() : FileLocks.exclusive(file);
            return () -> release(held);
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "the lock of " + name + " could not be taken", e);
        }
    }

    private static void release(FileLocks.Held held) {
        try {
            held.close();
        } catch (IOException e) {
            throw Failures.of(CauseCode.IMAGE_BUILD_FAILED, "a lock of the store could not be given up", e);
        }
    }
}
