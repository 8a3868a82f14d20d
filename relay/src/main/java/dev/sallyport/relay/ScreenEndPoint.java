package dev.sallyport.relay;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Invocable;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A page's connection. While it carries a screen, what happens on it is handled by the thread that learned of it, as {@link Relay} never
 * blocks; and it sends what is in a {@link Splice} in place of the buffer that stands for it.
 */
final class ScreenEndPoint extends SocketChannelEndPoint {
    private volatile boolean screen;
    private volatile @Nullable Splice splice;
    private final AtOnce asked = new AtOnce();
    private final AtOnce written = new AtOnce();

    ScreenEndPoint(SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
        super(channel, selector, key, scheduler);
    }

    /** From now on it carries a screen. */
    void carryScreen() {
        screen = true;
    }

    /**
     * Makes a pipe from a machine to here; it lives as long as this.
     *
     * @param most bytes that are moved at once
     * @throws IOException when there can be none
     */
    Splice splice(SocketChannel machine, int most) throws IOException {
        Splice made = Splice.between(machine, getChannel(), most);
        splice = made;
        if (!isOpen()) {
            made.close();
        }
        return made;
    }

    @Override
    public void fillInterested(Callback callback) {
        super.fillInterested(screen ? asked.of(callback) : callback);
    }

    @Override
    public void write(Callback callback, ByteBuffer... buffers) {
        super.write(screen ? written.of(callback) : callback, buffers);
    }

    @Override
    public boolean flush(ByteBuffer... buffers) throws IOException {
        Splice pipe = splice;
        int at = pipe == null ? -1 : indexOf(buffers, pipe.taken());
        if (pipe == null || at < 0) {
            return super.flush(buffers);
        }
        boolean begun = at == 0 || (at == 1 && pipe.begin(buffers[0]));
        if (!begun && !super.flush(Arrays.copyOf(buffers, at))) {
            return false;
        }
        if (!pipe.give()) {
            return false;
        }
        notIdle();
        return at + 1 == buffers.length || super.flush(Arrays.copyOfRange(buffers, at + 1, buffers.length));
    }

    /** By identity: equal buffers are those that hold the same bytes. */
    @SuppressWarnings("ReferenceEquality")
    private static int indexOf(ByteBuffer[] buffers, ByteBuffer wanted) {
        for (int i = 0; i < buffers.length; i++) {
            if (buffers[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public void onClose(@Nullable Throwable cause) {
        Splice pipe = splice;
        if (pipe != null) {
            pipe.close();
        }
        super.onClose(cause);
    }

    /**
     * Callbacks told by the thread that learns of what they wait for. It is nearly always the same one that comes again, by one user after the
     * other.
     */
    private static final class AtOnce {
        private @Nullable Callback last;
        private @Nullable Callback made;

        Callback of(Callback callback) {
            Callback told = made;
            if (told == null || !callback.equals(last)) {
                told = Callback.from(Invocable.InvocationType.NON_BLOCKING, callback::succeeded, callback::failed);
                last = callback;
                made = told;
            }
            return told;
        }
    }
}
