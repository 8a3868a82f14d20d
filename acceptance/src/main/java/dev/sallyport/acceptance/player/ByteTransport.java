package dev.sallyport.acceptance.player;

import java.io.IOException;

/** A stream of bytes each way, such as the RFB protocol runs over. Reads and writes may be done by different threads. */
public interface ByteTransport extends AutoCloseable {
    /**
     * Reads at least one byte and at most {@code length}, waiting for them.
     *
     * @throws IOException when the connection ended, with how it ended
     */
    int read(byte[] into, int offset, int length) throws IOException;

    /**
     * Writes all of {@code bytes}, waiting until they are on their way.
     *
     * @throws IOException when the connection ended
     */
    void write(byte[] bytes) throws IOException;

    /** Ends the connection; a waiting read or write ends with an exception. */
    @Override
    void close() throws IOException;
}
