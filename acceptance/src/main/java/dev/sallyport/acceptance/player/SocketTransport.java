package dev.sallyport.acceptance.player;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A plain connection, over TCP or a Unix socket. */
public final class SocketTransport implements ByteTransport {
    private final SocketChannel channel;

    /** @param channel connected, in blocking mode; closed by {@link #close} */
    public SocketTransport(SocketChannel channel) {
        this.channel = channel;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        int count = channel.read(ByteBuffer.wrap(into, offset, length));
        if (count < 0) {
            throw new EOFException("the screen's connection was closed");
        }
        return count;
    }

    @Override
    public void write(byte[] bytes) throws IOException {
        var buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
