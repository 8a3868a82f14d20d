package dev.sallyport.acceptance.player;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A viewer of a screen by the RFB protocol 3.8 (RFC 6143) without authentication: raw, CopyRect and ZRLE rectangles and changes of
 * the screen's size, pointer and key events. The server is hostile: all sizes are bounded, all places checked.
 *
 * <p>One thread reads and keeps the picture; updates are asked for one after the other.
 */
public final class RfbClient implements AutoCloseable {
    private static final byte[] VERSION = "RFB 003.008\n".getBytes(StandardCharsets.US_ASCII);
    private static final int SECURITY_NONE = 1;
    static final int RAW = 0;
    private static final int COPY_RECT = 1;
    static final int ZRLE = 16;
    /** The pseudo-encoding by which the server tells a new size of the screen (RFC 6143, section 7.8.2). */
    private static final int DESKTOP_SIZE = -223;

    private static final int MAX_TEXT = 4096;
    private static final int MAX_CLIPBOARD = 1024 * 1024;

    private final ByteTransport transport;
    private final RfbInput input;
    private final String name;
    private final ZrleDecoder zrle = new ZrleDecoder();

    /** The reader's alone: others see the picture of the last whole update, and never wait for a slow server. */
    private final Framebuffer screen;

    /** Held while a message is written: the reader asks for updates while somebody types. */
    private final ReentrantLock writing = new ReentrantLock();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by {@link #lock}. */
    private Picture picture;
    /** Guarded by {@link #lock}. */
    private long updates;
    /** Guarded by {@link #lock}. */
    private @Nullable IOException end;
    /** Guarded by {@link #lock}; as {@link System#nanoTime}. */
    private long lastUpdate = System.nanoTime();

    private RfbClient(ByteTransport transport, RfbInput input, Framebuffer screen, String name) {
        this.transport = transport;
        this.input = input;
        this.screen = screen;
        picture = screen.picture();
        this.name = name;
    }

    /**
     * Greets the server and asks for its screen.
     *
     * @param transport closed by {@link #close}, and when the greeting fails
     * @throws IOException when the server refuses, breaks the protocol, or the connection ends
     */
    public static RfbClient connect(ByteTransport transport) throws IOException {
        return connect(transport, COPY_RECT, ZRLE, RAW, DESKTOP_SIZE);
    }

    /** Offers {@code encodings} alone, the best first. */
    static RfbClient connect(ByteTransport transport, int... encodings) throws IOException {
        try {
            var input = new RfbInput(transport);
            byte[] version = input.bytes(VERSION.length);
            if (!new String(version, StandardCharsets.US_ASCII).matches("RFB 003\\.(008|889|00[89])\n")) {
                throw new RfbException("the server does not speak RFB 3.8");
            }
            transport.write(VERSION);
            agreeOnSecurity(input, transport);
            transport.write(new byte[] {1}); // ClientInit: the screen is shared with other viewers.
            int width = input.u16();
            int height = input.u16();
            input.skip(16); // The server's own pixel format; ours is set below.
            String name = input.text("the screen's name", MAX_TEXT);
            var client = new RfbClient(transport, input, new Framebuffer(width, height), name);
            client.setUp(encodings);
            return client;
        } catch (IOException | RuntimeException e) {
            try (transport) {
                throw e;
            }
        }
    }

    private static void agreeOnSecurity(RfbInput input, ByteTransport transport) throws IOException {
        int count = input.u8();
        if (count == 0) {
            throw new RfbException("the server refused: " + input.text("a reason", MAX_TEXT));
        }
        boolean none = false;
        for (byte type : input.bytes(count)) {
            none |= type == SECURITY_NONE;
        }
        if (!none) {
            throw new RfbException("the server demands authentication");
        }
        transport.write(new byte[] {SECURITY_NONE});
        if (input.s32() != 0) {
            throw new RfbException("the server refused: " + input.text("a reason", MAX_TEXT));
        }
    }

    private void setUp(int[] encodings) throws IOException {
        // SetPixelFormat: 32 bits a pixel, 24 of them colour, little-endian, blue in the lowest byte.
        send(ByteBuffer.allocate(20)
                .putInt(0)
                .put(new byte[] {32, 24, 0, 1})
                .putShort((short) 255)
                .putShort((short) 255)
                .putShort((short) 255)
                .put(new byte[] {16, 8, 0})
                .array());
        var setEncodings = ByteBuffer.allocate(4 + 4 * encodings.length).putShort((short) 0x0200);
        setEncodings.putShort((short) encodings.length);
        for (int encoding : encodings) {
            setEncodings.putInt(encoding);
        }
        send(setEncodings.array());
        requestUpdate(false);
        Thread.ofVirtual().name("rfb-" + name).start(this::read);
    }

    /** The screen's name, as its server tells it. */
    public String name() {
        return name;
    }

    /** What the screen showed after the last update. */
    public Picture picture() {
        lock.lock();
        try {
            return picture;
        } finally {
            lock.unlock();
        }
    }

    /** How many updates have come; rises with each. */
    public long updates() {
        lock.lock();
        try {
            return updates;
        } finally {
            lock.unlock();
        }
    }

    /** How long ago the last update came, or the connection was made. */
    public Duration sinceLastUpdate() {
        lock.lock();
        try {
            return Duration.ofNanos(System.nanoTime() - lastUpdate);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for an update after the first {@code seen} ones.
     *
     * @param atMost how long
     * @return false when none came in time
     * @throws IOException when the connection has ended, with how it ended
     * @throws InterruptedException when the calling thread is interrupted
     */
    public boolean awaitUpdate(long seen, Duration atMost) throws IOException, InterruptedException {
        long left = atMost.toNanos();
        lock.lock();
        try {
            while (updates <= seen) {
                if (end != null) {
                    throw new IOException(end.getMessage(), end);
                }
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Moves the pointer, and presses or releases its buttons.
     *
     * @param buttons bit 0 left, bit 1 middle, bit 2 right: those that are down
     * @throws IOException when the connection has ended
     */
    public void pointer(int x, int y, int buttons) throws IOException {
        send(ByteBuffer.allocate(6)
                .put((byte) 5)
                .put((byte) buttons)
                .putShort((short) x)
                .putShort((short) y)
                .array());
    }

    /**
     * Presses or releases a key.
     *
     * @param keysym the key by its X11 name's number (X Window System Protocol, appendix A)
     * @param down true to press it
     * @throws IOException when the connection has ended
     */
    public void key(int keysym, boolean down) throws IOException {
        send(ByteBuffer.allocate(8)
                .put((byte) 4)
                .put((byte) (down ? 1 : 0))
                .putShort((short) 0)
                .putInt(keysym)
                .array());
    }

    /** Ends the connection, and with it the thread that reads. */
    @Override
    public void close() throws IOException {
        transport.close();
    }

    private void read() {
        try (zrle) {
            while (true) {
                int type = input.u8();
                switch (type) {
                    case 0 -> update();
                    case 1 -> { // SetColourMapEntries: meant for palettes, which were not asked for.
                        input.skip(3);
                        input.skip(6 * input.u16());
                    }
                    case 2 -> {} // Bell.
                    case 3 -> { // ServerCutText.
                        input.skip(3);
                        input.skip(input.length("a clipboard", MAX_CLIPBOARD));
                    }
                    default -> throw new RfbException("a message of the unknown kind " + type);
                }
            }
        } catch (IOException e) {
            ended(e);
        } catch (RuntimeException e) {
            ended(new IOException("the viewer failed: " + e, e));
        }
    }

    private void ended(IOException how) {
        lock.lock();
        try {
            end = how;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void update() throws IOException {
        input.skip(1);
        int rectangles = input.u16();
        for (int i = 0; i < rectangles; i++) {
            int x = input.u16();
            int y = input.u16();
            int width = input.u16();
            int height = input.u16();
            int encoding = input.s32();
            rectangle(x, y, width, height, encoding);
        }
        Picture whole = screen.picture();
        lock.lock();
        try {
            picture = whole;
            updates++;
            lastUpdate = System.nanoTime();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        requestUpdate(true);
    }

    private void rectangle(int x, int y, int width, int height, int encoding) throws IOException {
        if (encoding == DESKTOP_SIZE) {
            screen.resize(width, height);
            return;
        }
        screen.checkInside(x, y, width, height);
        switch (encoding) {
            case RAW -> raw(x, y, width, height);
            case COPY_RECT -> screen.copy(input.u16(), input.u16(), x, y, width, height);
            case ZRLE -> zrle.decode(input, screen, x, y, width, height);
            default -> throw new RfbException("a rectangle in the encoding " + encoding + ", which was not offered");
        }
    }

    private void raw(int x, int y, int width, int height) throws IOException {
        var row = new byte[4 * width];
        for (int i = 0; i < height; i++) {
            input.bytes(row, 0, row.length);
            for (int j = 0; j < width; j++) {
                screen.set(
                        x + j,
                        y + i,
                        (row[4 * j] & 0xff) | ((row[4 * j + 1] & 0xff) << 8) | ((row[4 * j + 2] & 0xff) << 16));
            }
        }
    }

    private void requestUpdate(boolean incremental) throws IOException {
        send(ByteBuffer.allocate(10)
                .put((byte) 3)
                .put((byte) (incremental ? 1 : 0))
                .putInt(0)
                .putShort((short) screen.width())
                .putShort((short) screen.height())
                .array());
    }

    private void send(byte[] message) throws IOException {
        writing.lock();
        try {
            transport.write(message);
        } finally {
            writing.unlock();
        }
    }
}
