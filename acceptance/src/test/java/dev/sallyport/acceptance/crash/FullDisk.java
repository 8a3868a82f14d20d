package dev.sallyport.acceptance.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/** Takes all the room of a small file system with one file beside the data folder, and gives it back a while later. */
final class FullDisk implements Runnable {
    private static final Duration FULL_FOR = Duration.ofSeconds(2);
    private static final int CHUNK = 1 << 20;

    private final Path ballast;
    private final ExecutorService clock = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("full disk").factory());

    FullDisk(Path data) {
        this.ballast = data.resolveSibling("ballast");
    }

    @Override
    public void run() {
        try (FileChannel channel = FileChannel.open(
                ballast, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            fill(channel, CHUNK);
            fill(channel, 4096);
        } catch (IOException e) {
            throw new UncheckedIOException("the disk could not be filled", e);
        }
        clock.execute(() -> {
            LockSupport.parkNanos(FULL_FOR.toNanos());
            empty();
        });
    }

    private static void fill(FileChannel channel, int chunk) {
        try {
            while (channel.write(ByteBuffer.allocate(chunk)) > 0) {
                // Until there is no room.
            }
        } catch (IOException e) {
            // Full, which is what was wanted.
            System.err.println("the disk is full: " + e.getMessage());
        }
    }

    private void empty() {
        try {
            Files.deleteIfExists(ballast);
        } catch (IOException e) {
            System.err.println("the ballast stays: " + e);
        }
    }
}
