package dev.sallyport.machine;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** An egress gateway that says {@code door NAME} to whoever connects and sends a line, after a moment; several at once. */
final class TestDoor implements EgressDoor, AutoCloseable {
    private final String name;
    private final List<ServerSocket> sockets = new ArrayList<>();
    private final List<Thread> accepting = new ArrayList<>();
    private final AtomicInteger together = new AtomicInteger();
    private final AtomicInteger mostTogether = new AtomicInteger();

    TestDoor(String name) {
        this.name = name;
    }

    @Override
    public synchronized InetSocketAddress open(InetAddress address, int port) throws IOException {
        var socket = new ServerSocket(port, 50, address);
        sockets.add(socket);
        accepting.add(Thread.ofVirtual().start(() -> {
            while (!socket.isClosed()) {
                try {
                    Socket connection = socket.accept();
                    Thread.ofVirtual().start(() -> answer(connection));
                } catch (IOException e) {
                    return; // Closed.
                }
            }
        }));
        return (InetSocketAddress) socket.getLocalSocketAddress();
    }

    private void answer(Socket connection) {
        mostTogether.accumulateAndGet(together.incrementAndGet(), Math::max);
        try (connection) {
            int next = connection.getInputStream().read();
            while (next >= 0 && next != '\n') {
                next = connection.getInputStream().read();
            }
            // Long enough for other connections to come, so that a forwarder that takes one at a time is found out.
            Thread.sleep(700);
            connection.getOutputStream().write(("door " + name + "\n").getBytes(StandardCharsets.US_ASCII));
        } catch (IOException | InterruptedException e) {
            // The machine has gone; what it misses, it shows.
        } finally {
            together.decrementAndGet();
        }
    }

    /** How many connections were open at once at the most. */
    int mostTogether() {
        return mostTogether.get();
    }

    /** Nobody listens when it returns: the kernel keeps a closed socket as long as a thread still waits at it. */
    @Override
    public synchronized void close() throws IOException {
        for (ServerSocket socket : sockets) {
            socket.close();
        }
        for (Thread thread : accepting) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while a door was closed", e);
            }
        }
    }
}
