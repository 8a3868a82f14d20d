package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Finds extended attributes of ext4 (Linux, Documentation/filesystems/ext4/attributes.rst). */
final class Ext4Attributes {
    /** The prefixes' numbers. */
    static final int USER = 1;

    static final int TRUSTED = 4;
    static final int SYSTEM = 7;

    private static final int MAGIC = 0xEA020000;
    private static final int HEADER = 32;
    private static final int ENTRY = 16;

    private Ext4Attributes() {}

    /** The value in what follows an inode's fields; null when there is none. */
    static byte @Nullable [] inBody(ByteBuffer body, int prefix, String name) throws IOException {
        if (body.capacity() < 8 || body.getInt(0) != MAGIC) {
            return null;
        }
        return find(body, 4, 4, prefix, name);
    }

    /** The value in a block of attributes; null when there is none. */
    static byte @Nullable [] inBlock(ByteBuffer block, int prefix, String name) throws IOException {
        if (block.getInt(0) != MAGIC) {
            throw new IOException("a block of attributes is damaged");
        }
        return find(block, HEADER, 0, prefix, name);
    }

    /** @param base what the values' offsets count from */
    private static byte @Nullable [] find(ByteBuffer area, int first, int base, int prefix, String name)
            throws IOException {
        byte[] wanted = name.getBytes(StandardCharsets.US_ASCII);
        int at = first;
        while (at + 4 <= area.capacity() && area.getInt(at) != 0) {
            int length = Byte.toUnsignedInt(area.get(at));
            if (at + ENTRY + length > area.capacity()) {
                throw new IOException("an attribute is damaged");
            }
            byte[] found = new byte[length];
            area.get(at + ENTRY, found);
            if (area.get(at + 1) == prefix && java.util.Arrays.equals(found, wanted)) {
                return value(area, base, at);
            }
            at += ENTRY + (length + 3) / 4 * 4;
        }
        return null;
    }

    private static byte[] value(ByteBuffer area, int base, int entry) throws IOException {
        if (area.getInt(entry + 4) != 0) {
            throw new IOException("an attribute lies in an inode of its own, which is not read here");
        }
        long from = (long) base + Short.toUnsignedInt(area.getShort(entry + 2));
        long size = Integer.toUnsignedLong(area.getInt(entry + 8));
        if (from + size > area.capacity()) {
            throw new IOException("an attribute is damaged");
        }
        byte[] value = new byte[(int) size];
        area.get((int) from, value);
        return value;
    }
}
