package dev.sallyport.acceptance.signin;

import dev.sallyport.machine.EgressDoor;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A machine's gateway that takes what a TLS client says first, and nothing more. */
final class HelloDoor implements EgressDoor, AutoCloseable {
    private static final int HANDSHAKE = 22;
    private static final int CLIENT_HELLO = 1;
    private static final int KEY_SHARE = 51;
    private static final int RANDOM_BYTES = 32;

    /**
     * What a client drew for one connection (RFC 8446, section 4.1.2).
     *
     * @param host to which it wants
     * @param random its random bytes, in hexadecimal digits
     * @param keyShare its public keys as they were sent, likewise
     */
    record Hello(String host, String random, String keyShare) {}

    private final BlockingQueue<Hello> hellos = new LinkedBlockingQueue<>();
    private volatile @Nullable ServerSocket socket;

    @Override
    public InetSocketAddress open(InetAddress address, int port) throws IOException {
        var opened = new ServerSocket(port, 50, address);
        socket = opened;
        Thread.ofVirtual().start(() -> {
            while (!opened.isClosed()) {
                try {
                    Socket connection = opened.accept();
                    Thread.ofVirtual().start(() -> serve(connection));
                } catch (IOException e) {
                    return; // Closed.
                }
            }
        });
        return (InetSocketAddress) opened.getLocalSocketAddress();
    }

    /** What clients said, in the order in which they did. */
    BlockingQueue<Hello> hellos() {
        return hellos;
    }

    private void serve(Socket connection) {
        try (connection;
                var in = new DataInputStream(connection.getInputStream())) {
            var head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = in.read();
                if (next < 0) {
                    return; // It only looked whether somebody is there.
                }
                head.append((char) next);
            }
            if (!head.toString().startsWith("CONNECT ")) {
                return;
            }
            connection.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            if (in.readUnsignedByte() == HANDSHAKE) {
                in.skipNBytes(2);
                byte[] record = in.readNBytes(in.readUnsignedShort());
                hellos.add(read(head.substring(8, head.indexOf(":")), ByteBuffer.wrap(record)));
            }
        } catch (IOException e) {
            // The machine has gone, or thinks better of it; a test that misses a hello says so.
        }
    }

    private static Hello read(String host, ByteBuffer hello) throws IOException {
        if (hello.get() != CLIENT_HELLO) {
            throw new IOException("no client's hello");
        }
        hello.position(6);
        byte[] random = new byte[RANDOM_BYTES];
        hello.get(random);
        hello.position(hello.position() + 1 + Byte.toUnsignedInt(hello.get(hello.position())));
        hello.position(hello.position() + 2 + Short.toUnsignedInt(hello.getShort(hello.position())));
        hello.position(hello.position() + 1 + Byte.toUnsignedInt(hello.get(hello.position())));
        int end = hello.position() + 2 + Short.toUnsignedInt(hello.getShort());
        while (hello.position() < end) {
            int kind = Short.toUnsignedInt(hello.getShort());
            int length = Short.toUnsignedInt(hello.getShort());
            if (kind == KEY_SHARE) {
                byte[] keys = new byte[length];
                hello.get(keys);
                return new Hello(
                        host, HexFormat.of().formatHex(random), HexFormat.of().formatHex(keys));
            }
            hello.position(hello.position() + length);
        }
        throw new IOException("a hello without a key share");
    }

    @Override
    public void close() throws IOException {
        ServerSocket open = socket;
        if (open != null) {
            open.close();
        }
    }
}
