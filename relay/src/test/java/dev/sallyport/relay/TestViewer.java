package dev.sallyport.relay;

import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;

/** A page's end of a screen. It reads only while {@link #read} is asked. Public for Jetty's method handles. */
public final class TestViewer implements Session.Listener {
    record Closed(int code, String reason) {}

    final CompletableFuture<Closed> closed = new CompletableFuture<>();
    private final CompletableFuture<Session> opened = new CompletableFuture<>();
    private final BlockingQueue<byte[]> pieces = new LinkedBlockingQueue<>();

    @Override
    public void onWebSocketOpen(Session session) {
        // As a page, it takes messages of any length.
        session.setMaxBinaryMessageSize(-1);
        session.setMaxFrameSize(0);
        opened.complete(session);
    }

    @Override
    public void onWebSocketBinary(ByteBuffer payload, Callback callback) {
        var bytes = new byte[payload.remaining()];
        payload.get(bytes);
        pieces.add(bytes);
        callback.succeed();
    }

    @Override
    public void onWebSocketClose(int statusCode, String reason, Callback callback) {
        closed.complete(new Closed(statusCode, reason == null ? "" : reason));
        callback.succeed();
    }

    @Override
    public void onWebSocketError(Throwable cause) {
        opened.completeExceptionally(cause);
    }

    Session session() throws Exception {
        return opened.get(10, TimeUnit.SECONDS);
    }

    /** The next message. */
    byte[] read() throws Exception {
        session().demand();
        byte[] piece = pieces.poll(20, TimeUnit.SECONDS);
        if (piece == null) {
            throw new TimeoutException("no message came; closed: " + closed);
        }
        return piece;
    }

    /** The next {@code count} bytes, whatever messages they come in. */
    byte[] read(int count) throws Exception {
        var all = ByteBuffer.allocate(count);
        while (all.hasRemaining()) {
            all.put(read());
        }
        return all.array();
    }

    /** Returns when the message is on its way. */
    void send(byte[] bytes) throws Exception {
        var sent = new CompletableFuture<Void>();
        session()
                .sendBinary(
                        ByteBuffer.wrap(bytes), Callback.from(() -> sent.complete(null), sent::completeExceptionally));
        sent.get(20, TimeUnit.SECONDS);
    }

    /** Reads on until the other end closes. */
    Closed awaitClosed() throws Exception {
        session().demand();
        while (true) {
            try {
                return closed.get(100, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // A message may have come before the close frame: it needs a demand more.
                if (pieces.poll() != null) {
                    session().demand();
                }
            }
        }
    }
}
