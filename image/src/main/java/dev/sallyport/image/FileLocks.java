package dev.sallyport.image;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Locks on files that hold between processes and between the threads of one. A file's lock belongs to the whole process
 * (fcntl(2)), and closing any descriptor of the file gives it up, so each is taken only under a lock of this process, which
 * all stores of this process must share: hence the one static table.
 */
public final class FileLocks {
    private static final ConcurrentHashMap<Path, InProcess> IN_PROCESS = new ConcurrentHashMap<>();

    private FileLocks() {}

    /** The lock of this process, and the file's lock that its readers share. */
    private static final class InProcess {
        final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);
        int readers;

        @org.jspecify.annotations.Nullable
        FileChannel shared;
    }

    /** A lock that is held until it is closed, by the thread that took it. */
    public interface Held extends AutoCloseable {
        @Override
        void close() throws IOException;
    }

    /**
     * Takes the lock for this thread alone, waiting for it.
     *
     * @throws InterruptedException when the thread is interrupted
     */
    public static Held exclusive(Path file) throws IOException, InterruptedException {
        Lock lock = inProcess(file).lock.writeLock();
        lock.lockInterruptibly();
        try {
            FileChannel channel = open(file);
            try {
                channel.lock();
            } catch (java.nio.channels.ClosedByInterruptException | java.nio.channels.FileLockInterruptionException e) {
                channel.close();
                Thread.interrupted();
                throw (InterruptedException) new InterruptedException("while waiting for " + file).initCause(e);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            return closing(lock, channel);
        } catch (IOException | InterruptedException | RuntimeException e) {
            lock.unlock();
            throw e;
        }
    }

    /** Takes the lock for this thread alone when nobody holds it. */
    public static Optional<Held> tryExclusive(Path file) throws IOException {
        Lock lock = inProcess(file).lock.writeLock();
        if (!lock.tryLock()) {
            return Optional.empty();
        }
        boolean taken = false;
        try {
            FileChannel channel = open(file);
            FileLock fileLock = null;
            try {
                fileLock = channel.tryLock();
            } finally {
                if (fileLock == null) {
                    channel.close();
                }
            }
            taken = fileLock != null;
            return taken ? Optional.of(closing(lock, channel)) : Optional.empty();
        } finally {
            if (!taken) {
                lock.unlock();
            }
        }
    }

    /**
     * Takes the lock shared with others who do so, waiting for who holds it alone.
     *
     * @throws InterruptedException when the thread is interrupted
     */
    public static Held shared(Path file) throws IOException, InterruptedException {
        InProcess inProcess = inProcess(file);
        Lock lock = inProcess.lock.readLock();
        lock.lockInterruptibly();
        try {
            synchronized (inProcess) {
                if (inProcess.readers == 0) {
                    FileChannel channel = open(file);
                    try {
                        channel.lock(0, Long.MAX_VALUE, true);
                    } catch (IOException | RuntimeException e) {
                        channel.close();
                        throw e;
                    }
                    inProcess.shared = channel;
                }
                inProcess.readers++;
            }
        } catch (IOException | RuntimeException e) {
            lock.unlock();
            throw e;
        }
        return () -> {
            try {
                synchronized (inProcess) {
                    inProcess.readers--;
                    if (inProcess.readers == 0 && inProcess.shared != null) {
                        inProcess.shared.close();
                        inProcess.shared = null;
                    }
                }
            } finally {
                lock.unlock();
            }
        };
    }

    private static Held closing(Lock lock, FileChannel channel) {
        return () -> {
            try {
                channel.close();
            } finally {
                lock.unlock();
            }
        };
    }

    private static InProcess inProcess(Path file) {
        return IN_PROCESS.computeIfAbsent(file.toAbsolutePath().normalize(), absent -> new InProcess());
    }

    private static FileChannel open(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }
}
