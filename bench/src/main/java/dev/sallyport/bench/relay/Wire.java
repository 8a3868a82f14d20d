package dev.sallyport.bench.relay;

import java.io.IOException;

/** A viewer's connection. It is used by one thread. */
interface Wire extends AutoCloseable {
    /** Sends bytes that arrive at the source as they are. */
    void send(byte[] bytes) throws IOException;

    /**
     * Waits for bytes of the source.
     *
     * @return how many came; protocols' own bytes are not counted
     * @throws IOException when the connection ended
     */
    long read() throws IOException;

    @Override
    void close() throws IOException;
}
