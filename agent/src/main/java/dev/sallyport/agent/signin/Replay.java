package dev.sallyport.agent.signin;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes the one request that the user's browser would have made, had it been in this machine. */
final class Replay {
    private static final int CONNECT_MS = 5_000;

    /** Tools exchange the code for tokens before they answer. */
    private static final int ANSWER_MS = 60_000;

    private static final int MAX_STATUS_LINE = 1024;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3})\\b.*");

    private Replay() {}

    /**
     * Requests {@code callback} by GET and follows no redirect.
     *
     * @return the HTTP status
     * @throws FailureException CALLBACK_NOT_ALLOWED when nothing listens there or the answer is none
     */
    static int get(URI callback) {
        // A tool that listens on "localhost" may have got either address.
        IOException refused = new IOException("not tried");
        for (String loopback : List.of("127.0.0.1", "::1")) {
            try (var socket = new Socket()) {
                try {
                    socket.connect(
                            new InetSocketAddress(InetAddress.getByName(loopback), callback.getPort()), CONNECT_MS);
                } catch (IOException e) {
                    refused = e;
                    continue;
                }
                socket.setSoTimeout(ANSWER_MS);
                return exchange(socket, callback);
            } catch (IOException e) {
                throw failure(callback, e);
            }
        }
        throw failure(callback, refused);
    }

    private static int exchange(Socket socket, URI callback) throws IOException {
        String query = callback.getRawQuery();
        String request = "GET " + callback.getRawPath() + (query == null ? "" : "?" + query) + " HTTP/1.1\r\n"
                + "Host: " + callback.getHost() + ":" + callback.getPort() + "\r\n"
                + "Accept: text/html\r\nConnection: close\r\n\r\n";
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        String line = line(socket.getInputStream());
        Matcher status = STATUS.matcher(line);
        if (!status.matches()) {
            throw new IOException("what answered does not speak HTTP");
        }
        return Integer.parseInt(status.group(1));
    }

    private static String line(InputStream in) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0 && b != '\r' && b != '\n'; b = in.read()) {
            line.write(b);
            if (line.size() > MAX_STATUS_LINE) {
                throw new IOException("the status line is too long");
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    private static FailureException failure(URI callback, IOException e) {
        return FailureException.of(
                CauseCode.CALLBACK_NOT_ALLOWED,
                "The tool did not answer on port " + callback.getPort() + ".",
                String.valueOf(e.getMessage()));
    }
}
