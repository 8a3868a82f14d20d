package dev.sallyport.egress;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** A machine's side of a connection to its door. */
final class Client implements AutoCloseable {
    private final Socket socket;

    Client(InetSocketAddress door) throws IOException {
        socket = new Socket();
        socket.setReceiveBufferSize(65_536);
        socket.connect(door, 5_000);
        socket.setSoTimeout(20_000);
    }

    void send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Sends a request and answers the whole head of the answer, without its body. */
    String request(String head) throws IOException {
        send(head);
        return head();
    }

    String connect(String target) throws IOException {
        return request("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\nX-Machine: yes\r\n\r\n");
    }

    String head() throws IOException {
        InputStream in = socket.getInputStream();
        var head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                return head.toString(StandardCharsets.ISO_8859_1);
            }
            head.write(b);
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    /** What comes until the other side closes. */
    String rest() throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    int read() throws IOException {
        return socket.getInputStream().read();
    }

    /** Speaks TLS from here on, and checks the server's certificate for {@code host}. */
    SSLSocket tls(TlsServer server, String host) throws IOException {
        SSLSocket secure = (SSLSocket) server.context().getSocketFactory().createSocket(socket, host, 443, true);
        SSLParameters parameters = secure.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secure.setSSLParameters(parameters);
        secure.startHandshake();
        return secure;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
