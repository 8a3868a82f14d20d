package dev.sallyport.relay;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.jetty.io.SelectorManager;
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
    private final SelectorManager machineEnds;
    /** The viewer's connection, where bytes can go to it within the kernel. */
    private final @Nullable ScreenEndPoint page;

    private final Viewers viewers;
    private final RelaySettings settings;
    private final LongAdder toViewers;
    private final LongAdder toThisViewer = new LongAdder();

    /** True from the first ending on; later ones are its echoes. */
    private final AtomicBoolean ended = new AtomicBoolean();

    /** Open until {@link #end}. */
    private final CountDownLatch ending = new CountDownLatch(1);

    /** Open until the WebSocket is closed. */
    private final CountDownLatch closed = new CountDownLatch(1);

    /** Done when the machine's end is there. */
    private final CompletableFuture<MachineEnd> connected = new CompletableFuture<>();

    private final Object connecting = new Object();
    /** Guarded by {@link #connecting}: the thread that connects, to be interrupted when the viewer goes meanwhile. */
    private @Nullable Thread connector;
    /** Guarded by {@link #connecting}: a bare channel first, then the {@link MachineEnd} that has it. */
    private @Nullable Closeable machine;

    private volatile @Nullable Session viewer;

    /** When the viewer last showed a sign of life, as {@link System#nanoTime}. */
    private volatile long lastSign = System.nanoTime();

    private final Input input;

    /** Bytes that the viewer has not taken; 0 for none. */
    private volatile int sending;

    /** When they were sent, as {@link System#nanoTime}. */
    private volatile long sendingSince;

    private final Callback sent = Callback.from(this::viewerTook, this::viewerTookNot);

    Relay(
            SessionId session,
            ScreenSource source,
            SelectorManager machineEnds,
            @Nullable ScreenEndPoint page,
            Viewers viewers,
            RelaySettings settings,
            LongAdder toViewers,
            LongAdder toMachines) {
        this.session = session;
        this.source = source;
        this.machineEnds = machineEnds;
        this.page = page;
        this.viewers = viewers;
        this.settings = settings;
        this.toViewers = toViewers;
        input = new Input(settings.maxFrameBytes(), toMachines, this::machineFailed, this::inputTaken);
    }

    @Override
    public void onWebSocketOpen(Session viewer) {
        this.viewer = viewer;
        // Bounds what is sent. What comes is handed over as it comes, never gathered, and counted here.
        viewer.setMaxFrameSize(Math.max(settings.pieceBytes(), settings.maxFrameBytes()));
        viewer.setAutoFragment(true);
        viewer.setIdleTimeout(settings.silentAfter());
        Thread.ofVirtual().name("screen-watch-" + session).start(() -> watch(viewer));
        Closing refused = viewers.enter(session, this);
        if (refused == null) {
            Thread.ofVirtual().name("screen-" + session).start(this::connect);
        } else {
            end(refused, refused.reason());
        }
        // The first frame may come: it waits for the machine's end in its own thread.
        viewer.demand();
    }

    @Override
    public void onWebSocketPartialBinary(ByteBuffer payload, boolean last, Callback callback) {
        lastSign = System.nanoTime();
        if (input.tooLong(payload.remaining(), last)) {
            end(Closing.TOO_LARGE, Closing.TOO_LARGE.reason());
            callback.succeed();
            demand();
            return;
        }
        // The piece before is written, as this one was asked for only then; so at most this one waits for the machine's
        // end.
        input.take(payload, callback, connected);
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
        log.debug("screen of {} ended: {}; {} bytes out, {} in", session, reason, toThisViewer, input.bytes());
    }

    private void end(FailureException failure) {
        end(Closing.of(failure.reason().code()), Closing.reason(failure.reason()));
    }

    private void connect() {
        try {
            SocketChannel channel = openMachine();
            channel.configureBlocking(false);
            // It becomes a MachineEnd, and tells so.
            machineEnds.accept(channel, this);
        } catch (FailureException e) {
            end(e);
        } catch (IOException e) {
            machineFailed(e);
        } catch (InterruptedException e) {
            // Only end() interrupts, and it has told everybody.
            end(Closing.VIEWER_LEFT, Closing.VIEWER_LEFT.reason());
        } catch (RuntimeException e) {
            log.warn("screen of {} failed", session, e);
            end(Closing.FAILED, Closing.FAILED.reason());
        }
    }

    private SocketChannel openMachine() throws IOException, InterruptedException {
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
                // From here on end() closes the machine's channel instead.
                connector = null;
                Thread.interrupted();
                machine = channel;
                if (ended.get()) {
                    closeMachine();
                }
            }
        }
    }

    /** The machine's end is there, and is read from next. */
    void machineOpened(MachineEnd end) {
        synchronized (connecting) {
            machine = end;
            if (ended.get()) {
                closeMachine();
            }
        }
        connected.complete(end);
    }

    /** Most bytes to be taken from the machine at once. */
    int pieceBytes() {
        return settings.pieceBytes();
    }

    /** A way from the machine to the viewer within the kernel; null where there is none. */
    @Nullable
    Splice splice(SocketChannel from) {
        if (page == null) {
            return null;
        }
        try {
            Splice splice = page.splice(from, settings.pieceBytes());
            if (ended.get()) {
                splice.closeMachine();
            }
            return splice;
        } catch (IOException | LinkageError e) {
            log.debug("screen of {} is read and written: {}", session, e.toString());
            return null;
        }
    }

    /** Sends what the machine said. {@link MachineEnd#sent} or {@link MachineEnd#notSent} is told; until then there is no next. */
    void toViewer(ByteBuffer piece, int bytes) {
        Session open = viewer;
        if (open == null) {
            throw new IllegalStateException("the machine was asked before there was a viewer");
        }
        sendingSince = System.nanoTime();
        sending = bytes;
        toThisViewer.add(bytes);
        toViewers.add(bytes);
        open.sendBinary(piece, sent);
    }

    private void viewerTook() {
        sending = 0;
        connected.join().sent();
    }

    private void viewerTookNot(Throwable cause) {
        log.debug("screen of {}: sending failed: {}", session, cause.toString());
        end(Closing.VIEWER_LEFT, Closing.VIEWER_LEFT.reason());
        connected.join().notSent(cause);
    }

    /** The machine ended its screen. */
    void screenEnded() {
        end(Closing.SCREEN_ENDED, Closing.SCREEN_ENDED.reason());
    }

    /** The machine's end broke. */
    void machineFailed(Throwable cause) {
        if (!ended.get()) {
            log.debug("screen of {}: the machine's end failed: {}", session, cause.toString());
            end(Closing.MACHINE_UNREACHABLE, Closing.MACHINE_UNREACHABLE.reason());
        }
    }

    private void inputTaken() {
        lastSign = System.nanoTime();
        // Back-pressure: the machine has taken the last piece.
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
        long lastPing = System.nanoTime();
        try {
            while (!await(ending, settings.watchEvery())) {
                if (sending > 0 && since(sendingSince).compareTo(settings.stalledAfter()) > 0) {
                    end(Closing.VIEWER_STALLED, Closing.VIEWER_STALLED.reason());
                    break;
                }
                Duration silence = since(lastSign);
                if (input.pending() && silence.compareTo(settings.stalledAfter()) > 0) {
                    end(Closing.MACHINE_UNREACHABLE, "MACHINE_UNREACHABLE: The machine takes no input.");
                    break;
                }
                if (!input.pending() && silence.compareTo(settings.silentAfter()) > 0) {
                    end(Closing.VIEWER_STALLED, Closing.VIEWER_STALLED.reason());
                    break;
                }
                // One ping at a time: they must not pile up behind a viewer that does not read.
                if (since(lastPing).compareTo(settings.pingEvery()) >= 0 && pinging.compareAndSet(false, true)) {
                    lastPing = System.nanoTime();
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

    private static Duration since(long nanoTime) {
        return Duration.ofNanos(System.nanoTime() - nanoTime);
    }

    private static boolean await(CountDownLatch latch, Duration atMost) throws InterruptedException {
        return latch.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void closeMachine() {
        Closeable open = machine;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                log.debug("screen of {}: closing the machine's end failed: {}", session, e.toString());
            }
        }
    }
}
