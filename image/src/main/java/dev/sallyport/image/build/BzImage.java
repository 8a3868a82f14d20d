package dev.sallyport.image.build;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/**
 * Takes the uncompressed kernel out of a bzImage. The format is that of the kernel's Documentation/arch/x86/boot.rst: the header
 * says where the payload lies, and the payload's first bytes how it is compressed.
 */
final class BzImage {
    /** More than any kernel. */
    private static final int MAX_KERNEL = 512 << 20;

    private static final int LZ4_LEGACY_MAGIC = 0x184C2102;
    private static final int LZ4_LEGACY_BLOCK = 8 << 20;

    private BzImage() {}

    /** How a payload is compressed. */
    enum Compression {
        NONE,
        GZIP,
        LZ4,
        XZ,
        ZSTD
    }

    /** A compressed kernel. */
    static final class Payload {
        private final Compression compression;
        private final byte[] bytes;
        private final int size;

        private Payload(Compression compression, byte[] bytes, int size) {
            this.compression = compression;
            this.bytes = bytes;
            this.size = size;
        }

        /** What it is compressed with. */
        Compression compression() {
            return compression;
        }

        /** As it lies in the bzImage, for a program that decompresses it. */
        void write(OutputStream out) throws IOException {
            // The size behind the data is no part of it.
            out.write(bytes, 0, bytes.length - 4);
        }

        /**
         * The kernel, for the formats that are decoded here.
         *
         * @throws IOException when the bytes are not what they should be
         */
        byte[] decompress() throws IOException {
            byte[] kernel = switch (compression) {
                case NONE -> bytes;
                case GZIP -> {
                    try (var in = new GZIPInputStream(new ByteArrayInputStream(bytes), 1 << 16)) {
                        yield in.readNBytes(size);
                    }
                }
                case LZ4 -> lz4Legacy(bytes, size);
                case XZ, ZSTD -> throw new IOException(compression + " is decompressed by a program");
            };
            if (kernel.length != size) {
                throw new IOException("the kernel has " + kernel.length + " bytes instead of " + size);
            }
            return kernel;
        }
    }

    /**
     * Finds the payload.
     *
     * @throws IOException when {@code file} is not a bzImage of boot protocol 2.08 or newer
     */
    static Payload payload(byte[] file) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        if (file.length < 0x260 || !new String(file, 0x202, 4, StandardCharsets.US_ASCII).equals("HdrS")) {
            throw new IOException("this is not a bzImage: it has no 'HdrS' at 0x202");
        }
        int version = Short.toUnsignedInt(buffer.getShort(0x206));
        if (version < 0x0208) {
            throw new IOException("the boot protocol " + Integer.toHexString(version) + " is older than 2.08");
        }
        int setupSectors = file[0x1f1] == 0 ? 4 : Byte.toUnsignedInt(file[0x1f1]);
        long start = (setupSectors + 1) * 512L + Integer.toUnsignedLong(buffer.getInt(0x248));
        long length = Integer.toUnsignedLong(buffer.getInt(0x24c));
        if (length < 8 || start + length > file.length) {
            throw new IOException("the payload lies outside of the file");
        }
        byte[] bytes = Arrays.copyOfRange(file, (int) start, (int) (start + length));
        Compression compression = compression(bytes);
        // The kernel's size follows the compressed bytes, or is the trailer that gzip has anyway.
        int size = compression == Compression.NONE ? bytes.length : buffer.getInt((int) (start + length) - 4);
        if (size <= 0 || size > MAX_KERNEL) {
            throw new IOException("the kernel's size cannot be " + Integer.toUnsignedString(size));
        }
        return new Payload(compression, bytes, size);
    }

    private static Compression compression(byte[] bytes) throws IOException {
        int magic = ByteBuffer.wrap(bytes).getInt();
        if (magic == 0x7f454c46) {
            return Compression.NONE;
        }
        if (magic >>> 16 == 0x1f8b) {
            return Compression.GZIP;
        }
        if (magic == Integer.reverseBytes(LZ4_LEGACY_MAGIC)) {
            return Compression.LZ4;
        }
        if (magic == 0xfd377a58) {
            return Compression.XZ;
        }
        if (magic == 0x28b52ffd) {
            return Compression.ZSTD;
        }
        throw new IOException("the payload's compression (%08x) is not known".formatted(magic));
    }

    /** Blocks of at most 8 MiB when decoded, each after its length; no end mark. */
    private static byte[] lz4Legacy(byte[] bytes, int size) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(bytes, 4, bytes.length - 8).order(ByteOrder.LITTLE_ENDIAN);
        byte[] kernel = new byte[size];
        int done = 0;
        while (in.remaining() >= 4 && done < size) {
            int length = in.getInt();
            if (length == LZ4_LEGACY_MAGIC) {
                continue;
            }
            if (length <= 0 || length > in.remaining()) {
                throw new IOException("an LZ4 block is cut short");
            }
            done += Lz4.decode(bytes, in.position(), length, kernel, done, Math.min(size - done, LZ4_LEGACY_BLOCK));
            in.position(in.position() + length);
        }
        return done == size ? kernel : Arrays.copyOf(kernel, done);
    }
}
