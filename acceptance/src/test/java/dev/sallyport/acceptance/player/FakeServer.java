package dev.sallyport.acceptance.player;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.Deflater;

/** An RFB server's bytes, written down before anybody reads them; what the client sends is kept. */
final class FakeServer implements ByteTransport {
    private final ByteArrayOutputStream script = new ByteArrayOutputStream();
    final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final Deflater deflater = new Deflater();
    private ByteBuffer left = ByteBuffer.allocate(0);
    private boolean closed;

    /** A server that greets as it should, with a screen of this size. */
    static FakeServer greeting(int width, int height) {
        return new FakeServer()
                .ascii("RFB 003.008\n")
                .u8(2, 16, 1)
                .s32(0)
                .u16(width, height)
                .u8(new int[16])
                .s32(4)
                .ascii("test");
    }

    FakeServer ascii(String text) {
        script.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    FakeServer u8(int... values) {
        for (int value : values) {
            script.write(value);
        }
        return this;
    }

    FakeServer u16(int... values) {
        for (int value : values) {
            u8(value >> 8, value);
        }
        return this;
    }

    FakeServer s32(int... values) {
        for (int value : values) {
            u16(value >> 16, value);
        }
        return this;
    }

    /** The head of an update of {@code rectangles}. */
    FakeServer update(int rectangles) {
        return u8(0, 0).u16(rectangles);
    }

    FakeServer rectangle(int x, int y, int width, int height, int encoding) {
        return u16(x, y, width, height).s32(encoding);
    }

    /** A ZRLE rectangle's data, in the one zlib stream of this server. */
    FakeServer zrle(int... plain) {
        var bytes = new byte[plain.length];
        for (int i = 0; i < plain.length; i++) {
            bytes[i] = (byte) plain[i];
        }
        deflater.setInput(bytes);
        var deflated = new byte[plain.length + 1024];
        int length = deflater.deflate(deflated, 0, deflated.length, Deflater.SYNC_FLUSH);
        s32(length);
        script.write(deflated, 0, length);
        return this;
    }

    @Override
    public synchronized int read(byte[] into, int offset, int length) throws IOException {
        if (!left.hasRemaining()) {
            left = ByteBuffer.wrap(script.toByteArray());
            script.reset();
        }
        if (!left.hasRemaining() || closed) {
            throw new EOFException("the script is over");
        }
        int count = Math.min(length, Math.min(left.remaining(), 7)); // In small pieces, as a network may.
        left.get(into, offset, count);
        return count;
    }

    @Override
    public synchronized void write(byte[] bytes) {
        received.writeBytes(bytes);
    }

    @Override
    public synchronized void close() {
        closed = true;
        deflater.end();
    }
}
