package dev.sallyport.agent.identity;

import dev.sallyport.agent.linux.Kernel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Gives the kernel's generator what no clone shares: bytes that the host draws for this machine alone. */
final class Entropy {
    /**
     * The driver and the kernel have up to 128 bytes in store, which are the same in all clones; the rest is fresh. Each 64 bytes are a
     * question to the host, and some 2 ms of an emulated machine.
     */
    static final int BYTES = 256;

    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final Path device;
    private final Kernel kernel;

    /**
     * @param root the machine's root folder
     * @param kernel whose generator it is
     */
    Entropy(Path root, Kernel kernel) {
        device = root.resolve("dev/hwrng");
        this.kernel = kernel;
    }

    /**
     * Reads them and mixes them in.
     *
     * @throws IOException when the machine has no such device, or it does not give them in time
     */
    void renew() throws IOException, InterruptedException {
        var read = new CompletableFuture<byte[]>();
        // A device that hangs hangs for good, and nothing ends a read of it.
        Thread.ofPlatform().daemon().name("entropy").start(() -> {
            try (InputStream in = Files.newInputStream(device)) {
                read.complete(in.readNBytes(BYTES));
            } catch (IOException e) {
                read.completeExceptionally(e);
            }
        });
        byte[] bytes;
        try {
            bytes = read.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException(device + " gave nothing within " + LIMIT.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(device + " cannot be read: " + e.getCause(), e);
        }
        if (bytes.length < BYTES) {
            throw new IOException(device + " gave " + bytes.length + " bytes of " + BYTES);
        }
        kernel.reseed(bytes);
    }
}
