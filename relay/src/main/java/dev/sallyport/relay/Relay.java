package dev.sallyport.relay;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.api.exceptions.WebSocketTimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One viewer of one screen. It is a {@link Session.Listener} and not one that demands by itself: each demand below says why it
 * may be made now. Public only because Jetty calls endpoints by public method handles.
 */
public final class Relay implements Session.Listener, Viewers.Viewer {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);

    private final SessionId session;
    private final ScreenSource source;
    private final Viewers viewers;
    private final RelaySettings settings;
    private final LongAdder toViewers;
    private final LongAdder toMachines;
    private final LongAdder toThisViewer = new LongAdder();
    private final LongAdder toThisMachine = new LongAdder();

    /** True from the first ending on; later ones are its echoes. */
    private final AtomicBoolean ended = new AtomicBoolean();

    /** Open until {@link #end}. */
    private final CountDownLatch ending = new CountDownLatch(1);

    /** Open until the WebSocket is closed. */
    private final CountDownLatch closed = new CountDownLatch(1);

    /** Done when the machine's end is there. */
    private final CompletableFuture<SocketChannel> connected = new CompletableFuture<>();

    private final Object connecting = new Object();
    /** Guarded by {@link #connecting}: the thread that connects, to be interrupted when the viewer goes meanwhile. */
    private @Nullable Thread connector;
    /** Guarded by {@link #connecting}. */
    private @Nullable SocketChannel machine;

    private volatile @Nullable Session viewer;

    /** When the viewer last showed a sign of life, as {@link System#nanoTime}. */
    private volatile long lastSign = System.nanoTime();

    /** True while the machine has not taken the viewer's last frame: nothing else of the viewer is read meanwhile. */
    private volatile boolean inputPending;

    Relay(
            SessionId session,
            ScreenSource source,
            Viewers viewers,
            RelaySettings settings,
            LongAdder toViewers,
            LongAdder toMachines) {
        this.session = session;
        this.source = source;
        this.viewers = viewers;
        this.settings = settings;
        this.toViewers = toViewers;
        this.toMachines = toMachines;
    }

    @Override
    public void onWebSocketOpen(Session viewer) {
        this.viewer = viewer;
        viewer.setMaxFrameSize(settings.maxFrameBytes());
        // A frame over the limit is refused, not cut into smaller ones.
        viewer.setAutoFragment(false);
        viewer.setIdleTimeout(settings.silentAfter());
        Thread.ofVirtual().name("screen-watch-" + session).start(() -> watch(viewer));
        Closing refused = viewers.enter(session, this);
        if (refused == null) {
            Thread.ofVirtual().name("screen-" + session).start(() -> serve(viewer));
        } else {
            end(refused, refused.reason());
        }
        // The first frame may come: it waits for the machine's end in its own thread.
        viewer.demand();
    }

    @Override
    public void onWebSocketPartialBinary(ByteBuffer payload, boolean last, Callback callback) {
        lastSign = System.nanoTime();
        inputPending = true;
        // In a thread of its own: a machine that does not read must not hold one of the server's.
        Thread.ofVirtual().name("screen-input-" + session).start(() -> toMachine(payload, callback));
    }

    @Override
    public void onWebSocketPartialText(String payload, boolean last) {
        end(Closing.NOT_BINARY, Closing.NOT_BINARY.reason());
        demand();
    }

    @Override
    public void onWebSocketPong(ByteBuffer payload) {
        lastSign = System.nanoTime();
        // A pong uses the demand up that was made for the next frame.
        demand();
    }

    @Override
    public void onWebSocketClose(int statusCode, @Nullable String reason, Callback callback) {
        callback.succeed();
        closed.countDown();
        end(Closing.VIEWER_LEFT, Closing.VIEWER_LEFT.reason());
    }

    @Override
    public void onWebSocketError(Throwable cause) {
        // Jetty has closed, or is closing, the connection with the fitting code: a viewer that vanished is nothing
        // unusual.
        log.debug("screen of {}: the viewer's connection failed: {}", session, cause.toString());
        Closing closing = cause instanceof WebSocketTimeoutException ? Closing.VIEWER_STALLED : Closing.VIEWER_LEFT;
        end(closing, closing.reason());
    }

    @Override
    public void end(Closing closing, String reason) {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        synchronized (connecting) {
            if (connector != null) {
                connector.interrupt();
            }
            closeMachine();
        }
        viewers.leave(session, this);
        Session open = viewer;
        if (open != null) {
            open.close(closing.code(), reason, Callback.NOOP);
        }
        // After the close frame, so that its code is the one that the viewer gets.
        connected.completeExceptionally(new IOException("the relay ended"));
        ending.countDown();
        log.debug("screen of {} ended: {}; {} bytes out, {} in", session, reason, toThisViewer, toThisMachine);
    }

    private void end(FailureException failure) {
        end(Closing.of(failure.reason().code()), Closing.reason(failure.reason()));
    }

    /** Machine to viewer: the one thread that reads from the machine and sends to the viewer. */
    private void serve(Session viewer) {
        try (SocketChannel channel = connect()) {
            var piece = ByteBuffer.allocateDirect(settings.pieceBytes());
            while (channel.read(piece.clear()) >= 0) {
                piece.flip();
                int bytes = piece.remaining();
                var sent = new CompletableFuture<Void>();
                viewer.sendBinary(piece, Callback.from(() -> sent.complete(null), sent::completeExceptionally));
                // Back-pressure: nothing more is read from the machine before the viewer has taken this.
                sent.get(settings.stalledAfter().toMillis(), TimeUnit.MILLISECONDS);
                toThisViewer.add(bytes);
                toViewers.add(bytes);
            }
            end(Closing.SCREEN_ENDED, Closing.SCREEN_ENDED.reason());
        } catch (FailureException e) {
            end(e);
        } catch (TimeoutException e) {
            end(Closing.VIEWER_STALLED, Closing.VIEWER_STALLED.reason());
        } catch (ExecutionException e) {
            log.debug("screen of {}: sending failed: {}", session, String.valueOf(e.getCause()));
            end(Closing.VIEWER_LEFT, Closing.VIEWER_LEFT.reason());
        } catch (IOException e) {
            log.debug("screen of {}: the machine's end failed: {}", session, e.toString());
            end(Closing.MACHINE_UNREACHABLE, Closing.MACHINE_UNREACHABLE.reason());
        } catch (InterruptedException e) {
            // Only end() interrupts, and it has told everybody.
            end(Closing.VIEWER_LEFT, Closing.VIEWER_LEFT.reason());
        } catch (RuntimeException e) {
            log.warn("screen of {} failed", session, e);
            end(Closing.FAILED, Closing.FAILED.reason());
        }
    }

    private SocketChannel connect() throws IOException, InterruptedException {
        synchronized (connecting) {
            if (ended.get()) {
                throw new InterruptedException("the viewer left before the machine was asked");
            }
            connector = Thread.currentThread();
        }
        SocketChannel channel = null;
        try {
            channel = source.open();
            return channel;
        } finally {
            synchronized (connecting) {
                // From here on an interrupt would hit Jetty's own socket; end() closes the machine's channel instead.
                connector = null;
                Thread.interrupted();
                machine = channel;
                if (ended.get()) {
                    closeMachine();
                }
            }
            if (channel != null) {
                connected.complete(channel);
            }
        }
    }

    /** Viewer to machine: one frame at a time, as the next is asked for only when this one is written. */
    private void toMachine(ByteBuffer payload, Callback callback) {
        try {
            SocketChannel channel = connected.join();
            int bytes = payload.remaining();
            while (payload.hasRemaining()) {
                channel.write(payload);
            }
            toThisMachine.add(bytes);
            toMachines.add(bytes);
        } catch (IOException | RuntimeException e) {
            if (!ended.get()) {
                log.debug("screen of {}: the machine took no input: {}", session, e.toString());
                end(Closing.MACHINE_UNREACHABLE, Closing.MACHINE_UNREACHABLE.reason());
            }
            // What the viewer still sends is dropped, until its answer to the close frame comes, or watch() cuts it.
        }
        lastSign = System.nanoTime();
        inputPending = false;
        callback.succeed();
        // Back-pressure: the machine has taken the last frame.
        demand();
    }

    private void demand() {
        Session open = viewer;
        if (open == null || closed.getCount() == 0) {
            return;
        }
        try {
            open.demand();
        } catch (RejectedExecutionException e) {
            // The connection was cut just now: there is nothing left to be asked for.
            log.debug("screen of {}: {}", session, e.toString());
        }
    }

    /** Pings an open relay, and cuts one whose closing handshake takes too long, as that of a viewer that never reads does. */
    private void watch(Session viewer) {
        var pinging = new AtomicBoolean();
        try {
            while (!await(ending, settings.pingEvery())) {
                Duration silence = Duration.ofNanos(System.nanoTime() - lastSign);
                if (inputPending && silence.compareTo(settings.stalledAfter()) > 0) {
                    end(Closing.MACHINE_UNREACHABLE, "MACHINE_UNREACHABLE: The machine takes no input.");
                    break;
                }
                if (!inputPending && silence.compareTo(settings.silentAfter()) > 0) {
                    end(Closing.VIEWER_STALLED, Closing.VIEWER_STALLED.reason());
                    break;
                }
                // One ping at a time: they must not pile up behind a viewer that does not read.
                if (pinging.compareAndSet(false, true)) {
                    viewer.sendPing(
                            ByteBuffer.allocate(0),
                            Callback.from(() -> pinging.set(false), failure -> pinging.set(false)));
                }
            }
            if (!await(closed, settings.closeWithin())) {
                viewer.disconnect();
            }
        } catch (InterruptedException e) {
            viewer.disconnect();
        }
    }

    private static boolean await(CountDownLatch latch, Duration atMost) throws InterruptedException {
        return latch.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void closeMachine() {
        SocketChannel channel = machine;
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                log.debug("screen of {}: closing the machine's end failed: {}", session, e.toString());
            }
        }
    }
}
