package dev.sallyport.agent.http;

import dev.sallyport.agent.Log;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.Problem;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * The agent's stream port: one HTTP/1.1 request with {@code Upgrade} (RFC 9110, section 7.8) a connection, answered by 101, and
 * from then on bytes both ways. A side that does not read stalls the other; nothing is kept beyond one buffer.
 */
public final class StreamPort implements AutoCloseable {
    private static final int BACKLOG = 16;

    /** Most connections at once. */
    private static final int MAX_STREAMS = 32;

    private static final int MAX_HEAD = 8 * 1024;

    /** How long a request's head may take to come. */
    private static final int HEAD_MS = 10_000;

    private static final int BUFFER = 64 * 1024;

    private final ServerSocketChannel server;
    private final Map<String, Stream> streams;
    private final Bearer bearer;
    private final AgentJson json;
    private final Log log;
    private final Semaphore places = new Semaphore(MAX_STREAMS);
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

    /**
     * What a path leads to.
     *
     * @param protocol what the request must ask to upgrade to
     * @param target opens the other side
     */
    public record Stream(String protocol, Target target) {}

    /** Opens a stream's other side. */
    @FunctionalInterface
    public interface Target {
        /**
         * A fresh connection.
         *
         * @throws FailureException when there is none to be had
         * @throws IOException when it fails
         */
        SocketChannel open() throws IOException, InterruptedException;
    }

    /**
     * Listens and answers at once.
     *
     * @param streams by path
     * @throws IOException when the address cannot be listened on
     */
    public StreamPort(InetSocketAddress address, Map<String, Stream> streams, Bearer bearer, AgentJson json, Log log)
            throws IOException {
        this.streams = Map.copyOf(streams);
        this.bearer = bearer;
        this.json = json;
        this.log = log;
        server = ServerSocketChannel.open();
        server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        server.bind(address, BACKLOG);
        Thread.ofVirtual().name("streams").start(this::accept);
    }

    /** Where it listens. */
    public InetSocketAddress address() throws IOException {
        return (InetSocketAddress) server.getLocalAddress();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (SocketChannel channel : open) {
            channel.close();
        }
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                SocketChannel channel = server.accept();
                if (!places.tryAcquire()) {
                    channel.close();
                    log.line("a stream was refused: there are " + MAX_STREAMS);
                    continue;
                }
                Thread.ofVirtual().name("stream").start(() -> {
                    try (channel) {
                        open.add(channel);
                        serve(channel);
                    } catch (IOException e) {
                        log.failure("stream", e);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } finally {
                        open.remove(channel);
                        places.release();
                    }
                });
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                log.failure("the stream port", e);
            }
        }
    }

    private void serve(SocketChannel client) throws IOException, InterruptedException {
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        client.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        Stream stream;
        SocketChannel other;
        try {
            stream = admit(head(client));
            other = stream.target().open();
        } catch (FailureException e) {
            refuse(client, e.reason());
            return;
        }
        try (other) {
            open.add(other);
            write(
                    client,
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + stream.protocol()
                            + "\r\n\r\n");
            relay(client, other);
        } finally {
            open.remove(other);
        }
    }

    /** Reads up to the empty line and not one byte further: what follows belongs to the stream. */
    private static String head(SocketChannel client) throws IOException {
        client.socket().setSoTimeout(HEAD_MS);
        InputStream in = client.socket().getInputStream();
        var head = new ByteArrayOutputStream();
        int lineFeeds = 0;
        while (lineFeeds < 2) {
            int b = in.read();
            if (b < 0) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "The request's head ends too early.");
            }
            if (b == '\n') {
                lineFeeds++;
            } else if (b != '\r') {
                lineFeeds = 0;
            }
            head.write(b);
            if (head.size() > MAX_HEAD) {
                throw FailureException.of(CauseCode.BAD_REQUEST, "The request's head is too long.");
            }
        }
        client.socket().setSoTimeout(0);
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    private Stream admit(String head) {
        String[] lines = head.split("\r?\n", -1);
        String[] request = lines[0].split(" ", -1);
        if (request.length != 3 || !request[2].equals("HTTP/1.1")) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The request is not HTTP/1.1.");
        }
        Map<String, String> headers = new HashMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0) {
                headers.put(
                        lines[i].substring(0, colon).toLowerCase(Locale.ROOT),
                        lines[i].substring(colon + 1).strip());
            }
        }
        if (!bearer.admits(headers.get("authorization"))) {
            throw FailureException.of(CauseCode.UNAUTHENTICATED, "This is not the machine's agent token.");
        }
        Stream stream = Optional.ofNullable(streams.get(request[1]))
                .orElseThrow(() -> FailureException.of(CauseCode.NOT_FOUND, "There is no such stream."));
        if (!request[0].equals("GET")) {
            throw FailureException.of(CauseCode.METHOD_NOT_ALLOWED, "Streams are opened by GET.");
        }
        if (!headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT).contains("upgrade")
                || !stream.protocol().equalsIgnoreCase(headers.get("upgrade"))) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The request must upgrade to " + stream.protocol() + ".");
        }
        return stream;
    }

    private void refuse(SocketChannel client, Cause cause) throws IOException {
        byte[] body = json.write(Problem.of(cause));
        write(
                client,
                "HTTP/1.1 " + cause.code().httpStatus() + " " + cause.code() + "\r\nContent-Type: "
                        + Problem.MEDIA_TYPE + "\r\nContent-Length: " + body.length
                        + "\r\nConnection: close\r\n\r\n" + new String(body, StandardCharsets.ISO_8859_1));
    }

    private static void write(SocketChannel client, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    /** Carries bytes both ways until either side ends. */
    private static void relay(SocketChannel client, SocketChannel other) throws InterruptedException {
        Thread back = Thread.ofVirtual().name("relay").start(() -> carry(other, client));
        carry(client, other);
        back.join();
    }

    private static void carry(SocketChannel from, SocketChannel to) {
        // That a side breaks off is how streams end, and closing both is how the other direction learns of it.
        try (from;
                to;
                // Outside the heap the kernel reads and writes it itself; and it goes with the stream, not with some
                // later collection.
                Arena memory = Arena.ofConfined()) {
            ByteBuffer buffer = memory.allocate(BUFFER).asByteBuffer();
            while (from.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
                buffer.clear();
            }
        } catch (IOException e) {
            return;
        }
    }
}
