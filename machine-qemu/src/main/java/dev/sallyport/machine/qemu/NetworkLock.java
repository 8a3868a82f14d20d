package dev.sallyport.machine.qemu;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Semaphore;

/**
 * The lock on the host's devices, addresses and rules, which are the whole host's. Any thread may let go of it: what one has begun
 * another may end.
 */
final class NetworkLock {
    private static final Path FILE = Path.of("/run/lock/sallyport-network.lock");

    /** Among the threads of this process, which cannot hold a file's lock twice; the file's is among processes. */
    private static final Semaphore IN_THIS_PROCESS = new Semaphore(1, true);

    private final FileChannel channel;
    private final FileLock lock;

    private NetworkLock(FileChannel channel, FileLock lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /**
     * Waits for it.
     *
     * @throws IOException when there can be no such file
     * @throws InterruptedException when the calling thread is interrupted; it is not held then
     */
    static NetworkLock hold() throws IOException, InterruptedException {
        IN_THIS_PROCESS.acquire();
        try {
            Files.createDirectories(FILE.getParent());
            FileChannel channel = FileChannel.open(FILE, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            return new NetworkLock(channel, channel.lock());
        } catch (IOException | RuntimeException e) {
            IN_THIS_PROCESS.release();
            throw e;
        }
    }

    void release() throws IOException {
        try (channel) {
            lock.release();
        } finally {
            IN_THIS_PROCESS.release();
        }
    }
}
