package dev.sallyport.relay;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;

/** The screen stream of a machine that does what the test says with each connection. */
final class FakeMachine implements AutoCloseable {
    /** What a machine does with one connection, on a virtual thread; the connection is closed afterwards. */
    interface Behaviour {
        void serve(SocketChannel viewer) throws IOException, InterruptedException;
    }

    /** Sends back what comes. */
    static final Behaviour ECHO = viewer -> {
        var buffer = ByteBuffer.allocate(16 * 1024);
        while (viewer.read(buffer.clear()) >= 0) {
            buffer.flip();
            while (buffer.hasRemaining()) {
                viewer.write(buffer);
            }
        }
    };

    private final ServerSocketChannel listening;
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();
    /** How each connection ended: "eof" when its behaviour returned, or the exception. */
    final BlockingQueue<String> endings = new LinkedBlockingQueue<>();

    FakeMachine(Behaviour behaviour) throws IOException {
        listening = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Thread.ofVirtual().start(() -> accept(behaviour));
    }

    ScreenSource source() {
        return () -> SocketChannel.open(listening.getLocalAddress());
    }

    private void accept(Behaviour behaviour) {
        while (listening.isOpen()) {
            try {
                SocketChannel viewer = listening.accept();
                open.add(viewer);
                Thread.ofVirtual().start(() -> serve(viewer, behaviour));
            } catch (IOException e) {
                // Closed by the test's end.
                return;
            }
        }
    }

    private void serve(SocketChannel viewer, Behaviour behaviour) {
        try (viewer) {
            behaviour.serve(viewer);
            endings.add("eof");
        } catch (IOException e) {
            endings.add(e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(viewer);
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (SocketChannel viewer : open) {
            viewer.close();
        }
    }
}
