package dev.sallyport.acceptance.player;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A program with windows on an X server, in as few requests of the X Window System Protocol as a button needs: coloured windows
 * that tell clicks and keys.
 */
final class XClient implements AutoCloseable {
    private static final int BACK_PIXEL = 1 << 1;
    private static final int EVENT_MASK = 1 << 11;
    private static final int KEYS_AND_BUTTONS = 1 | (1 << 2);
    private static final int[] NO_KEY = {0, 0};

    private final SocketChannel server;
    private final int root;
    private final Map<Integer, int[]> keysyms = new HashMap<>();
    private int nextId;
    /** {@code click WINDOW X Y} and {@code key CHARACTER}, as they come. */
    final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    XClient(int display) throws IOException {
        server = SocketChannel.open(UnixDomainSocketAddress.of(Path.of("/tmp/.X11-unix/X" + display)));
        send(buffer(12).put((byte) 'l').put((byte) 0).putShort((short) 11).putShort((short) 0));
        ByteBuffer head = receive(8);
        if (head.get(0) != 1) {
            throw new IOException("the X server refused");
        }
        ByteBuffer setup = receive(4 * Short.toUnsignedInt(head.getShort(6)));
        nextId = setup.getInt(4);
        int vendor = setup.getShort(16);
        int formats = setup.get(21);
        root = setup.getInt(32 + (vendor + 3) / 4 * 4 + 8 * formats);
        int first = Byte.toUnsignedInt(setup.get(26));
        int count = Byte.toUnsignedInt(setup.get(27)) - first + 1;
        send(buffer(8)
                .put((byte) 101) // GetKeyboardMapping
                .put((byte) 0)
                .putShort((short) 2)
                .put((byte) first)
                .put((byte) count));
        ByteBuffer reply = receive(32);
        int each = reply.get(1);
        ByteBuffer mapping = receive(4 * reply.getInt(4));
        for (int i = 0; i < count; i++) {
            keysyms.put(first + i, new int[] {mapping.getInt(4 * i * each), mapping.getInt(4 * (i * each + 1))});
        }
        Thread.ofVirtual().start(this::read);
    }

    /** Shows a window of one colour, and returns its number. */
    int window(int x, int y, int width, int height, int rgb) throws IOException {
        int id = nextId++;
        send(buffer(40)
                .put((byte) 1) // CreateWindow
                .put((byte) 0)
                .putShort((short) 10)
                .putInt(id)
                .putInt(root)
                .putShort((short) x)
                .putShort((short) y)
                .putShort((short) width)
                .putShort((short) height)
                .putShort((short) 0)
                .putShort((short) 0)
                .putInt(0)
                .putInt(BACK_PIXEL | EVENT_MASK)
                .putInt(rgb)
                .putInt(KEYS_AND_BUTTONS));
        send(buffer(8).put((byte) 8).put((byte) 0).putShort((short) 2).putInt(id)); // MapWindow
        return id;
    }

    /** Moves a window. */
    void move(int window, int x, int y) throws IOException {
        send(buffer(20)
                .put((byte) 12) // ConfigureWindow
                .put((byte) 0)
                .putShort((short) 5)
                .putInt(window)
                .putShort((short) 3)
                .putShort((short) 0)
                .putInt(x)
                .putInt(y));
    }

    private void read() {
        try {
            while (true) {
                ByteBuffer event = receive(32);
                int kind = event.get(0) & 0x7f;
                if (kind == 4) { // ButtonPress
                    events.add("click " + event.getInt(12) + " " + event.getShort(24) + " " + event.getShort(26));
                } else if (kind == 2) { // KeyPress
                    int shift = event.getShort(28) & 1;
                    int keysym = keysyms.getOrDefault(Byte.toUnsignedInt(event.get(1)), NO_KEY)[shift];
                    // Shift itself is a key too, and not a character.
                    if (keysym < 0x100 || keysym == 0xff0d) {
                        events.add("key " + (keysym == 0xff0d ? "return" : Character.toString(keysym)));
                    }
                }
            }
        } catch (IOException e) {
            events.add("end");
        }
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void send(ByteBuffer request) throws IOException {
        request.clear();
        while (request.hasRemaining()) {
            server.write(request);
        }
    }

    private ByteBuffer receive(int size) throws IOException {
        ByteBuffer reply = buffer(size);
        while (reply.hasRemaining()) {
            if (server.read(reply) < 0) {
                throw new EOFException("the X server is gone");
            }
        }
        return reply.flip();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
