package dev.sallyport.relay;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Executor;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.RetainableByteBuffer;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.IteratingCallback;
import org.eclipse.jetty.util.thread.Invocable;
import org.jspecify.annotations.Nullable;

/**
 * The machine's end of one relay. What it says is handled piece by piece, and the next is looked for only when the viewer has taken the
 * last: a viewer that does not take it stalls its machine, by TCP. Nothing here blocks.
 *
 * <p>A small piece is read and written, from a buffer that is given back when there is nothing more to read. A piece that fills it shows that there is
 * much to come, and then pieces go through a {@link Splice}, until they are small again.
 */
final class MachineEnd extends AbstractConnection {
    /** Most bytes of one read; more come through a splice. */
    private static final int READ = 64 * 1024;

    /** After so many bytes the thread is left to other machines, before it goes on. */
    private static final int TURN = 4 * 1024 * 1024;

    private final ByteBufferPool buffers;
    private final Relay relay;
    private final int readBytes;
    private final Pump pump = new Pump();
    private final Callback readable = Callback.from(Invocable.InvocationType.NON_BLOCKING, pump::iterate, pump::abort);

    MachineEnd(EndPoint endPoint, Executor executor, ByteBufferPool buffers, Relay relay) {
        super(endPoint, executor);
        this.buffers = buffers;
        this.relay = relay;
        readBytes = Math.min(READ, relay.pieceBytes());
    }

    @Override
    public void onOpen() {
        super.onOpen();
        // A screen may say nothing for hours; the viewer's pings tell whether anybody is there.
        getEndPoint().setIdleTimeout(0);
        relay.machineOpened(this);
        pump.iterate();
    }

    @Override
    public void onFillable() {
        pump.iterate();
    }

    /** Writes what a viewer sent; {@code written} is told when the machine has taken all of it. */
    void write(ByteBuffer payload, Callback written) {
        getEndPoint().write(written, payload);
    }

    /** The viewer has taken the last piece. */
    void sent() {
        pump.succeeded();
    }

    /** The viewer did not take it. */
    void notSent(Throwable cause) {
        pump.failed(cause);
    }

    @Override
    public void close() {
        pump.closed();
        super.close();
    }

    /** From the machine to the viewer. It runs in one thread at a time. */
    private final class Pump extends IteratingCallback {
        private @Nullable RetainableByteBuffer buffer;
        private volatile @Nullable Splice splice;
        private boolean spliceFailed;
        private boolean much;
        private boolean drained;
        /** Bytes since there was last nothing to read. */
        private long sinceWait;
        /** Bytes since the thread was last left to others. */
        private long sinceTurn;

        @Override
        public InvocationType getInvocationType() {
            return InvocationType.NON_BLOCKING;
        }

        @Override
        protected Action process() throws Throwable {
            if (drained || sinceTurn >= TURN) {
                return later();
            }
            Splice pipe = much ? splice() : null;
            int bytes = pipe == null ? read() : pipe.take();
            if (bytes > 0) {
                sinceWait += bytes;
                sinceTurn += bytes;
                if (bytes >= readBytes) {
                    much = true;
                } else {
                    // A short read took all that there was: to look again at once would find nothing.
                    drained = pipe == null;
                }
                relay.toViewer(pipe == null ? filled() : pipe.taken(), bytes);
                return Action.SCHEDULED;
            }
            if (bytes < 0) {
                release();
                relay.screenEnded();
                return Action.SUCCEEDED;
            }
            drained = true;
            return later();
        }

        private Action later() {
            if (drained) {
                release();
                much = sinceWait >= readBytes / 2;
                sinceWait = 0;
                drained = false;
            }
            sinceTurn = 0;
            fillInterested(readable);
            return Action.IDLE;
        }

        private int read() throws IOException {
            RetainableByteBuffer into = buffer;
            if (into == null) {
                into = buffers.acquire(readBytes, true);
                buffer = into;
            }
            ByteBuffer bytes = into.getByteBuffer().clear();
            try {
                // Not the end point's fill(), to which a reset is an end like any other.
                return channel().read(bytes);
            } finally {
                bytes.flip();
            }
        }

        private SocketChannel channel() {
            return (SocketChannel) getEndPoint().getTransport();
        }

        private ByteBuffer filled() {
            RetainableByteBuffer full = buffer;
            if (full == null) {
                throw new IllegalStateException("nothing was read");
            }
            return full.getByteBuffer();
        }

        private @Nullable Splice splice() {
            if (splice == null && !spliceFailed) {
                splice = relay.splice(channel());
                spliceFailed = splice == null;
            }
            return splice;
        }

        private void release() {
            if (buffer != null) {
                buffer.release();
                buffer = null;
            }
        }

        void closed() {
            Splice pipe = splice;
            if (pipe != null) {
                pipe.closeMachine();
            }
        }

        @Override
        protected void onCompleteFailure(Throwable cause) {
            release();
            relay.machineFailed(cause);
        }
    }
}
