package dev.sallyport.image.boot;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads archives of the format {@code newc} (Linux, Documentation/driver-api/early-userspace/buffer-format.rst) in turn. */
final class CpioReader {
    private static final int HEAD = 110;
    private static final int MAX_NAME = 4096;
    private static final String END = "TRAILER!!!";

    private final InputStream in;
    /** Bytes that were read since the archive began, which entries are aligned by. */
    private long place;

    private long left;
    private int padding;

    /** @param in is at an archive's first byte, and stays open */
    CpioReader(InputStream in) {
        this.in = in;
    }

    /**
     * An entry.
     *
     * @param name as it is written
     * @param mode with the bits of its kind
     * @param size its content's bytes
     */
    record Header(String name, int mode, long size) {}

    /**
     * The next entry; null at the archive's end. What was not read of the last one is skipped.
     *
     * @throws IOException when the archive is cut short or damaged
     */
    @Nullable
    Header next() throws IOException {
        skip(left + padding);
        byte[] head = exactly(HEAD);
        String magic = new String(head, 0, 6, StandardCharsets.ISO_8859_1);
        if (!magic.equals("070701") && !magic.equals("070702")) {
            throw new IOException("an archive is damaged: an entry does not begin with 070701");
        }
        int mode = (int) number(head, 14);
        long size = number(head, 54);
        long nameBytes = number(head, 94);
        if (nameBytes < 1 || nameBytes > MAX_NAME) {
            throw new IOException("an archive is damaged: a name of " + nameBytes + " bytes");
        }
        byte[] name = exactly((int) nameBytes);
        if (name[name.length - 1] != 0) {
            throw new IOException("an archive is damaged: a name does not end");
        }
        skip(-place & 3);
        String text = new String(name, 0, name.length - 1, StandardCharsets.UTF_8);
        if (text.equals(END)) {
            skip(size);
            return null;
        }
        left = size;
        padding = (int) (-(place + size) & 3);
        return new Header(text, mode, size);
    }

    /** The content of the entry that {@link #next} returned last; only for sizes that the caller has bounded. */
    byte[] content() throws IOException {
        byte[] content = exactly((int) left);
        left = 0;
        return content;
    }

    private byte[] exactly(int count) throws IOException {
        byte[] bytes = in.readNBytes(count);
        place += bytes.length;
        if (bytes.length < count) {
            throw new EOFException("an archive is cut short");
        }
        return bytes;
    }

    private void skip(long count) throws IOException {
        byte[] piece = new byte[(int) Math.min(count, 1 << 16)];
        for (long rest = count; rest > 0; ) {
            int read = in.read(piece, 0, (int) Math.min(rest, piece.length));
            if (read < 0) {
                throw new EOFException("an archive is cut short");
            }
            rest -= read;
            place += read;
        }
        left = 0;
        padding = 0;
    }

    /** Eight hexadecimal digits. */
    private static long number(byte[] head, int from) throws IOException {
        long value = 0;
        for (int i = from; i < from + 8; i++) {
            int digit = Character.digit(head[i], 16);
            if (digit < 0) {
                throw new IOException("an archive is damaged: a header holds no number");
            }
            value = value * 16 + digit;
        }
        return value;
    }
}
