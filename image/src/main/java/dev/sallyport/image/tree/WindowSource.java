package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A part of something else: a partition of a disk.
 *
 * @param whole closed with this
 * @param start where it begins in the whole
 * @param size its bytes
 */
record WindowSource(ByteSource whole, long start, long size) implements ByteSource {
    @Override
    public void read(long from, ByteBuffer into) throws IOException {
        need(from, into.remaining());
        whole.read(start + from, into);
    }

    @Override
    public void close() throws IOException {
        whole.close();
    }
}
