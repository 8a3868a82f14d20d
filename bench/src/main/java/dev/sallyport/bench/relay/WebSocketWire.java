package dev.sallyport.bench.relay;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A viewer's WebSocket (RFC 6455) that looks at nothing but the frames' heads, so that it costs as little as can be. */
final class WebSocketWire implements Wire {
    private static final int BUFFER = 256 * 1024;
    private static final int MAX_HEAD = 8 * 1024;
    private static final int SHORT = 125;
    private static final int MASKED = 0x80;
    private static final int BINARY = 0x82;
    private static final int PING = 0x89;
    private static final int CLOSE = 0x88;

    /** A pong without payload; its mask is all zeros. */
    private static final byte[] PONG = {(byte) 0x8a, (byte) MASKED, 0, 0, 0, 0};

    private final SocketChannel channel;
    /** Ready to be read from. */
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).limit(0);

    /** Of the current frame, bytes that are still to come. */
    private long remaining;

    private WebSocketWire(SocketChannel channel) {
        this.channel = channel;
    }

    /**
     * Connects and asks for the upgrade.
     *
     * @param path with the query
     */
    static WebSocketWire open(int port, String path) throws IOException {
        SocketChannel channel = TcpWire.connect(port);
        try {
            var wire = new WebSocketWire(channel);
            wire.upgrade(port, path);
            return wire;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private void upgrade(int port, String path) throws IOException {
        write(ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port
                        + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: binary\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII)));
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            if (head.length() > MAX_HEAD) {
                throw new IOException("the answer's head does not end");
            }
            atLeast(1);
            head.append((char) (buffer.get() & 0xff));
        }
        if (!head.toString().startsWith("HTTP/1.1 101")) {
            throw new IOException(
                    "no upgrade: " + head.toString().lines().findFirst().orElse(""));
        }
    }

    @Override
    public void send(byte[] bytes) throws IOException {
        if (bytes.length > SHORT) {
            throw new IllegalArgumentException("only short messages are sent");
        }
        // The mask is all zeros: legal, and the bytes are what they are.
        write(ByteBuffer.allocate(6 + bytes.length)
                .put((byte) BINARY)
                .put((byte) (MASKED | bytes.length))
                .putInt(0)
                .put(bytes)
                .flip());
    }

    @Override
    public long read() throws IOException {
        while (true) {
            if (remaining == 0) {
                head();
            } else {
                atLeast(1);
                int part = (int) Math.min(remaining, buffer.remaining());
                buffer.position(buffer.position() + part);
                remaining -= part;
                return part;
            }
        }
    }

    private void head() throws IOException {
        atLeast(2);
        int opcode = buffer.get() & 0xff;
        long length = buffer.get() & 0x7f;
        if (length == 126) {
            atLeast(2);
            length = buffer.getShort() & 0xffff;
        } else if (length == 127) {
            atLeast(8);
            length = buffer.getLong();
        }
        if (opcode == CLOSE) {
            atLeast((int) Math.min(2, length));
            throw new EOFException("closed with " + (length >= 2 ? buffer.getShort() & 0xffff : "no code"));
        }
        if (opcode == PING) {
            if (length != 0) {
                throw new IOException("a ping with a payload");
            }
            write(ByteBuffer.wrap(PONG));
            return;
        }
        remaining = length;
    }

    /** Reads until so many bytes are there. */
    private void atLeast(int count) throws IOException {
        if (buffer.remaining() >= count) {
            return;
        }
        buffer.compact();
        try {
            while (buffer.position() < count) {
                if (channel.read(buffer) < 0) {
                    throw new EOFException("the connection was cut");
                }
            }
        } finally {
            buffer.flip();
        }
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
