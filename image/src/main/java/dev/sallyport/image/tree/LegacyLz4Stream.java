package dev.sallyport.image.tree;

import dev.sallyport.image.build.Lz4;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The legacy frame of the LZ4 Frame Format: blocks of at most 8 MiB when decoded, each after its length; no end mark. */
final class LegacyLz4Stream extends InputStream {
    private static final int MAGIC = 0x184C2102;
    private static final int BLOCK = 8 << 20;
    /** What LZ4 makes of 8 MiB that cannot be compressed. */
    private static final int LONGEST = BLOCK + BLOCK / 255 + 16;

    private final InputStream in;
    private final byte[] block = new byte[BLOCK];
    private int at;
    private int end;

    LegacyLz4Stream(InputStream in) throws IOException {
        this.in = in;
        if (number() != MAGIC) {
            throw new IOException("this is not LZ4's legacy frame");
        }
    }

    @Override
    public int read() throws IOException {
        return fill() ? Byte.toUnsignedInt(block[at++]) : -1;
    }

    @Override
    public int read(byte[] into, int from, int count) throws IOException {
        if (count == 0) {
            return 0;
        }
        if (!fill()) {
            return -1;
        }
        int part = Math.min(count, end - at);
        System.arraycopy(block, at, into, from, part);
        at += part;
        return part;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    /** False at the end, which zeros that pad it are too. */
    private boolean fill() throws IOException {
        while (at == end) {
            long length = number();
            if (length == MAGIC) {
                continue;
            }
            if (length <= 0) {
                return false;
            }
            if (length > LONGEST) {
                throw new IOException("an LZ4 block is damaged");
            }
            byte[] compressed = in.readNBytes((int) length);
            if (compressed.length < length) {
                throw new EOFException("an LZ4 block is cut short");
            }
            at = 0;
            end = Lz4.decode(compressed, 0, compressed.length, block, 0, BLOCK);
        }
        return true;
    }

    /** Four bytes, the lowest first; -1 at the end. */
    private long number() throws IOException {
        byte[] bytes = in.readNBytes(4);
        if (bytes.length == 0) {
            return -1;
        }
        if (bytes.length < 4) {
            throw new EOFException("an LZ4 block is cut short");
        }
        long number = 0;
        for (int i = 3; i >= 0; i--) {
            number = number << 8 | Byte.toUnsignedInt(bytes[i]);
        }
        return number;
    }
}
