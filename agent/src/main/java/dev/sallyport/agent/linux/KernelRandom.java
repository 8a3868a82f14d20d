package dev.sallyport.agent.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Random bytes straight from the kernel. Java's own generators keep some in memory, which clones of a machine would share: nothing in
 * the agent draws from those.
 */
public final class KernelRandom {
    private static final Path DEVICE = Path.of("/dev/urandom");

    private KernelRandom() {}

    /**
     * Fresh ones.
     *
     * @throws UncheckedIOException when there is no such device, which no Linux lacks
     */
    public static byte[] bytes(int count) {
        try (var in = Files.newInputStream(DEVICE)) {
            byte[] bytes = in.readNBytes(count);
            if (bytes.length < count) {
                throw new IOException(DEVICE + " ends");
            }
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A random UUID (RFC 9562, version 4). */
    public static UUID uuid() {
        ByteBuffer bits = ByteBuffer.wrap(bytes(16));
        long high = (bits.getLong() & 0xffff_ffff_ffff_0fffL) | 0x4000L;
        long low = (bits.getLong() & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L;
        return new UUID(high, low);
    }
}
