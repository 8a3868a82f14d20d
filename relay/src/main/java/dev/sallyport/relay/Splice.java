package dev.sallyport.relay;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.eclipse.jetty.io.EofException;

/**
 * A pipe of the kernel between two sockets. What is in it was never in this process: its pages go from one socket's queue to the other's. A
 * frame's head says how long the frame is, so what is in the pipe is sent whole before more comes in.
 *
 * <p>It holds a pipe's pages at most. Its descriptors are its own, so that none of its calls meets another's socket, however
 * and whenever the connections are closed; it must be closed for the connections to end.
 */
final class Splice implements AutoCloseable {
    /** Longest head that is sent together with what follows. */
    private static final int HEAD = 64;

    private final MemorySegment errno = Sockets.errnoPlace(Arena.ofAuto());
    private final MemorySegment head = Arena.ofAuto().allocate(HEAD);

    /** Most bytes that are moved at once. */
    private static final int MOST = 1024 * 1024;

    /** What {@link #stand}s show: nobody ever looks at it, so that all share it. */
    private static final ByteBuffer UNSEEN = ByteBuffer.allocateDirect(MOST);

    private final int most;

    /** Stands for what is in the pipe wherever Jetty wants a buffer; what it holds itself is never looked at. */
    private final ByteBuffer stand = UNSEEN.duplicate();

    private final int in;
    private final int out;
    /** Guarded by this; -1 when closed, as the next. */
    private int machine;

    /** Guarded by this. */
    private int viewer;

    /** Guarded by this. */
    private boolean closed;

    private Splice(int[] pipe, int machine, int viewer, int most) {
        out = pipe[0];
        in = pipe[1];
        this.machine = machine;
        this.viewer = viewer;
        this.most = Math.min(most, MOST);
    }

    /**
     * A pipe between two connected sockets in non-blocking mode.
     *
     * @param most bytes that are moved at once
     * @throws IOException when the kernel gives none
     */
    static Splice between(SocketChannel machine, SocketChannel viewer, int most) throws IOException {
        int from = Sockets.duplicate(machine);
        int to = -1;
        try {
            to = Sockets.duplicate(viewer);
            return new Splice(Sockets.pipe(Math.min(most, MOST)), from, to, most);
        } catch (IOException e) {
            Sockets.close(from);
            if (to >= 0) {
                Sockets.close(to);
            }
            throw e;
        }
    }

    /**
     * Takes what the machine has sent into the pipe, which must be empty.
     *
     * @return how many bytes; 0 when there are none now, -1 at the end
     */
    synchronized int take() throws IOException {
        if (machine < 0) {
            return -1;
        }
        while (true) {
            long moved = Sockets.splice(errno, machine, in, most);
            if (moved > 0) {
                stand.position(0).limit((int) moved);
                return (int) moved;
            }
            if (moved == 0) {
                return -1;
            }
            if (moved == -Sockets.EAGAIN) {
                return 0;
            }
            if (moved != -Sockets.EINTR) {
                throw new IOException("splice from the machine failed with error " + -moved);
            }
        }
    }

    /** What was taken, to be sent. It is the same object each time. */
    ByteBuffer taken() {
        return stand;
    }

    /**
     * Sends a short head, to be followed by {@link #give}.
     *
     * @return false when it does not fit, or is too long for that: then nothing was sent, and it is to be sent in the usual way
     */
    synchronized boolean begin(ByteBuffer bytes) {
        int count = bytes.remaining();
        if (count == 0) {
            return true;
        }
        if (count > HEAD || closed) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            head.set(ValueLayout.JAVA_BYTE, i, bytes.get(bytes.position() + i));
        }
        long sent = Sockets.sendFirst(errno, viewer, head, count);
        if (sent > 0) {
            bytes.position(bytes.position() + (int) sent);
        }
        return !bytes.hasRemaining();
    }

    /**
     * Gives the viewer what is in the pipe, as far as it fits, and moves the position of {@link #taken}.
     *
     * @return whether all of it was given
     */
    synchronized boolean give() throws IOException {
        while (stand.hasRemaining()) {
            if (closed) {
                throw new EofException("the screen was closed");
            }
            long moved = Sockets.splice(errno, out, viewer, stand.remaining());
            if (moved > 0) {
                stand.position(stand.position() + (int) moved);
            } else if (moved == -Sockets.EAGAIN) {
                return false;
            } else if (moved != -Sockets.EINTR) {
                throw new EofException("splice to the viewer failed with error " + -moved);
            }
        }
        return true;
    }

    /** Lets go of the machine's socket; what is in the pipe can still be given. */
    synchronized void closeMachine() {
        if (machine >= 0) {
            Sockets.close(machine);
            machine = -1;
        }
    }

    @Override
    public synchronized void close() {
        closeMachine();
        if (!closed) {
            closed = true;
            Sockets.close(viewer);
            Sockets.close(in);
            Sockets.close(out);
        }
    }
}
