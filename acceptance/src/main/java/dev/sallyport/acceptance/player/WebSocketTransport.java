package dev.sallyport.acceptance.player;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A connection through a WebSocket (RFC 6455), as a page has it: binary messages are pieces of one stream. The next message is
 * asked for only when the last one was read, so that a slow reader stalls the other end instead of filling memory.
 */
public final class WebSocketTransport implements ByteTransport {
    private static final Duration CONNECT_WITHIN = Duration.ofSeconds(20);
    private static final Duration SEND_WITHIN = Duration.ofSeconds(60);

    /** What the socket tells: a message's bytes, or how it ended. */
    private sealed interface Told {
        record Message(ByteBuffer bytes) implements Told {}

        record End(String how) implements Told {}
    }

    private final HttpClient http;
    private final WebSocket socket;
    private final BlockingQueue<Told> told;
    private ByteBuffer current = ByteBuffer.allocate(0);
    private @Nullable String ended;

    private WebSocketTransport(HttpClient http, WebSocket socket, BlockingQueue<Told> told) {
        this.http = http;
        this.socket = socket;
        this.told = told;
    }

    /**
     * Opens a WebSocket.
     *
     * @param address {@code ws://…} with the ticket in its query
     * @throws IOException when it is refused, with the HTTP status, or cannot be reached
     * @throws InterruptedException when the calling thread is interrupted
     */
    public static WebSocketTransport connect(URI address) throws IOException, InterruptedException {
        var told = new LinkedBlockingQueue<Told>();
        HttpClient http = HttpClient.newBuilder().connectTimeout(CONNECT_WITHIN).build();
        try {
            WebSocket socket = http.newWebSocketBuilder()
                    .connectTimeout(CONNECT_WITHIN)
                    .subprotocols("binary")
                    .buildAsync(address, new Listener(told))
                    .get();
            return new WebSocketTransport(http, socket, told);
        } catch (ExecutionException e) {
            http.shutdownNow();
            // The address is left out: it holds the ticket.
            throw e.getCause() instanceof WebSocketHandshakeException refused
                    ? new IOException(
                            "the screen was refused with HTTP status "
                                    + refused.getResponse().statusCode(),
                            e)
                    : new IOException("the screen could not be reached: " + e.getCause(), e);
        } catch (InterruptedException e) {
            http.shutdownNow();
            throw e;
        }
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        while (!current.hasRemaining()) {
            current = next();
        }
        int count = Math.min(length, current.remaining());
        current.get(into, offset, count);
        return count;
    }

    @Override
    public void write(byte[] bytes) throws IOException {
        Future<WebSocket> sent = socket.sendBinary(ByteBuffer.wrap(bytes), true);
        try {
            sent.get(SEND_WITHIN.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IOException("the screen took no input: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new IOException("the screen took no input within " + SEND_WITHIN.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    @Override
    public void close() {
        try {
            if (!socket.isOutputClosed()) {
                socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(1, TimeUnit.SECONDS);
            }
        } catch (ExecutionException | TimeoutException e) {
            // Who does not take a farewell is gone: as closed as it can be.
            told.add(new Told.End("the screen's connection was closed here, without an answer: " + e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            socket.abort();
            told.add(new Told.End("the screen's connection was closed here"));
            http.shutdownNow();
        }
    }

    private ByteBuffer next() throws IOException {
        if (ended != null) {
            throw new IOException(ended);
        }
        socket.request(1);
        try {
            return switch (told.take()) {
                case Told.Message message -> message.bytes();
                case Told.End end -> {
                    ended = end.how();
                    throw new IOException(ended);
                }
            };
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static IOException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        var wrapped = new InterruptedIOException("interrupted");
        wrapped.initCause(e);
        return wrapped;
    }

    private record Listener(BlockingQueue<Told> told) implements WebSocket.Listener {
        @Override
        public void onOpen(WebSocket socket) {
            // Nothing is asked for before somebody reads.
        }

        @Override
        public @Nullable CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            var copy = ByteBuffer.allocate(data.remaining()).put(data).flip();
            told.add(new Told.Message(copy));
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPing(WebSocket socket, ByteBuffer message) {
            // Control frames use what was asked for up.
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            told.add(new Told.End("the screen was closed: " + code + " " + reason));
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            told.add(new Told.End("the screen's connection failed: " + error));
        }
    }
}
