package dev.sallyport.image.tree;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Bytes that can be read at any offset: a file, a part of one, or the disk that a disk image describes. */
public interface ByteSource extends Closeable {
    /** How many bytes there are. */
    long size();

    /**
     * Fills the rest of {@code into} with the bytes from {@code from} on.
     *
     * @throws IOException when they are not all there, or cannot be read
     */
    void read(long from, ByteBuffer into) throws IOException;

    /**
     * {@code count} bytes from {@code from} on.
     *
     * @throws IOException when they are not all there, or cannot be read; nothing is set aside for them before that is known
     */
    default byte[] read(long from, int count) throws IOException {
        need(from, count);
        byte[] bytes = new byte[count];
        read(from, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** As {@link #read(long, int)}, for numbers of the little-endian kind. */
    default ByteBuffer littleEndian(long from, int count) throws IOException {
        return ByteBuffer.wrap(read(from, count)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Says that bytes are missing when they are. */
    default void need(long from, long count) throws IOException {
        if (from < 0 || count < 0 || count > size() || from > size() - count) {
            throw new IOException("it is cut short or damaged: byte " + from + " is wanted and there are " + size());
        }
    }

    /** A part of it; closing that closes this. */
    default ByteSource window(long from, long count) throws IOException {
        need(from, count);
        return new WindowSource(this, from, count);
    }

    /** Opens a file. */
    static ByteSource file(Path path) throws IOException {
        return FileSource.open(path);
    }
}
