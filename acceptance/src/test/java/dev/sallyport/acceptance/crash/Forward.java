package dev.sallyport.acceptance.crash;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Joins a port of the bridge between network namespaces to one of this host's loopback. */
final class Forward implements AutoCloseable {
    private final ServerSocket door;
    private final InetSocketAddress target;

    private Forward(ServerSocket door, InetSocketAddress target) {
        this.door = door;
        this.target = target;
    }

    static Forward from(InetAddress address, InetSocketAddress target) throws IOException {
        var forward = new Forward(new ServerSocket(0, 50, address), target);
        Thread.ofVirtual().start(forward::accept);
        return forward;
    }

    int port() {
        return door.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket from = door.accept();
                Thread.ofVirtual().start(() -> join(from));
            }
        } catch (IOException e) {
            System.err.println("no longer forwarding: " + e.getMessage());
        }
    }

    private void join(Socket from) {
        try (from;
                Socket to = new Socket(target.getAddress(), target.getPort())) {
            Thread back = Thread.ofVirtual().start(() -> pump(to, from));
            pump(from, to);
            back.join();
        } catch (IOException e) {
            System.err.println("a connection was not forwarded: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void pump(Socket from, Socket to) {
        try (InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            in.transferTo(out);
        } catch (IOException e) {
            System.err.println("a forwarded connection ended: " + e.getMessage());
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
    }
}
