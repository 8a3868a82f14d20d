package dev.sallyport.egress;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An upstream proxy: keeps the heads of requests, and answers each with {@code answer}, then tunnels if that is 200. */
final class TestProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final InetSocketAddress server;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    final List<String> heads = new CopyOnWriteArrayList<>();
    volatile String answer = "HTTP/1.1 200 OK\r\n\r\n";

    TestProxy(InetSocketAddress server) throws IOException {
        this.server = server;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (!listener.isClosed()) {
                try {
                    Socket socket = listener.accept();
                    sockets.add(socket);
                    Thread.ofVirtual().start(() -> serve(socket));
                } catch (IOException e) {
                    return; // Closed.
                }
            }
        });
    }

    int port() {
        return listener.getLocalPort();
    }

    private void serve(Socket client) {
        try (client) {
            var head = new ByteArrayOutputStream();
            InputStream in = client.getInputStream();
            while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
                int b = in.read();
                if (b < 0) {
                    return;
                }
                head.write(b);
            }
            heads.add(head.toString(StandardCharsets.ISO_8859_1));
            client.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
            if (!answer.contains(" 200 ")) {
                return;
            }
            try (Socket to = new Socket(server.getAddress(), server.getPort())) {
                sockets.add(to);
                Thread back = Thread.ofVirtual().start(() -> pump(to, client));
                pump(client, to);
                back.join();
            }
        } catch (IOException | InterruptedException e) {
            // The test ended the connection.
        }
    }

    private static void pump(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
            to.shutdownOutput();
        } catch (IOException e) {
            // As above.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
