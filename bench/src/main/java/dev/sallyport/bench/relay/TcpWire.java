package dev.sallyport.bench.relay;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Straight to the source, with nothing between. */
final class TcpWire implements Wire {
    private static final int BUFFER = 256 * 1024;

    private final SocketChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);

    private TcpWire(SocketChannel channel) {
        this.channel = channel;
    }

    static TcpWire open(int port) throws IOException {
        return new TcpWire(connect(port));
    }

    /** Connects to a port of this host. */
    static SocketChannel connect(int port) throws IOException {
        SocketChannel channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        return channel;
    }

    @Override
    public void send(byte[] bytes) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    @Override
    public long read() throws IOException {
        int count = channel.read(buffer.clear());
        if (count < 0) {
            throw new EOFException("the source ended the connection");
        }
        return count;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
