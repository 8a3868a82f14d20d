package dev.sallyport.bench.relay;

import dev.sallyport.bench.process.ChildLoop;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The machine's end, in a process of its own: a port of plain bytes, and one that asks for an upgrade first, as an agent's stream
 * port does. On both, the first byte says what comes: {@link #FRAMES} whole frames of a screen, as fast as they are taken, or
 * {@link #ECHO} what is sent.
 */
final class SourceProcess {
    static final byte FRAMES = 'F';
    static final byte ECHO = 'E';

    /** 1280 × 720 pixels of four bytes, behind the head of an update with one raw rectangle (RFC 6143, section 7.6.1). */
    private static final int FRAME_BYTES = 16 + 1280 * 720 * 4;

    private static final int PIECE = 256 * 1024;

    private SourceProcess() {}

    /** @param arguments none */
    public static void main(String[] arguments) throws IOException {
        try (var plain = listen();
                var upgraded = listen()) {
            start(plain, false);
            start(upgraded, true);
            ChildLoop.run(Map.of("plain", port(plain), "upgraded", port(upgraded)), line -> Map.of());
        }
    }

    private static ServerSocketChannel listen() throws IOException {
        return ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    private static int port(ServerSocketChannel server) throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    private static void start(ServerSocketChannel server, boolean upgrade) {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                while (true) {
                    SocketChannel viewer = server.accept();
                    Thread.ofPlatform().daemon().start(() -> serve(viewer, upgrade));
                }
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                System.err.println("accepting failed: " + e);
            }
        });
    }

    private static void serve(SocketChannel viewer, boolean upgrade) {
        try (viewer) {
            viewer.setOption(StandardSocketOptions.TCP_NODELAY, true);
            InputStream in = viewer.socket().getInputStream();
            if (upgrade) {
                skipHead(in);
                write(
                        viewer,
                        StandardCharsets.US_ASCII.encode(
                                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rfb\r\n\r\n"));
            }
            int wanted = in.read();
            if (wanted == FRAMES) {
                frames(viewer);
            } else if (wanted == ECHO) {
                echo(viewer);
            }
        } catch (IOException e) {
            // That the viewer goes is how a measuring ends.
            return;
        }
    }

    private static void skipHead(InputStream in) throws IOException {
        int lineFeeds = 0;
        while (lineFeeds < 2) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("ended in the head");
            }
            if (next == '\n') {
                lineFeeds++;
            } else if (next != '\r') {
                lineFeeds = 0;
            }
        }
    }

    private static void frames(SocketChannel viewer) throws IOException {
        ByteBuffer frame = ByteBuffer.allocateDirect(FRAME_BYTES);
        frame.putInt(1)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort((short) 1280)
                .putShort((short) 720)
                .putInt(0);
        while (frame.hasRemaining()) {
            frame.put((byte) frame.position());
        }
        while (true) {
            for (int at = 0; at < FRAME_BYTES; at += PIECE) {
                write(viewer, frame.slice(at, Math.min(PIECE, FRAME_BYTES - at)));
            }
        }
    }

    private static void echo(SocketChannel viewer) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE);
        while (viewer.read(buffer.clear()) >= 0) {
            write(viewer, buffer.flip());
        }
    }

    private static void write(SocketChannel viewer, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            viewer.write(bytes);
        }
    }
}
