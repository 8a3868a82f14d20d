package dev.sallyport.relay;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** What a viewer sends on its way to the machine: one piece at a time, and the next is asked for when the machine has taken it. */
final class Input implements Callback {
    private final int longest;
    private final LongAdder toMachines;
    private final Consumer<Throwable> failed;
    private final Runnable next;
    private final LongAdder all = new LongAdder();

    /** Of the message that is coming, bytes that came; pieces come one after the other. */
    private long messageBytes;

    /** The piece that the machine has not taken. */
    private volatile org.eclipse.jetty.websocket.api.@Nullable Callback piece;

    private volatile int pieceBytes;

    /**
     * @param longest bytes of a message
     * @param toMachines counts bytes of all viewers
     * @param failed told that the machine took a piece not
     * @param next told when the next piece can be asked for, then too
     */
    Input(int longest, LongAdder toMachines, Consumer<Throwable> failed, Runnable next) {
        this.longest = longest;
        this.toMachines = toMachines;
        this.failed = failed;
        this.next = next;
    }

    /** Whether a message is too long, now that so much more of it is there. */
    boolean tooLong(int bytes, boolean last) {
        messageBytes += bytes;
        boolean answer = messageBytes > longest;
        if (last) {
            messageBytes = 0;
        }
        return answer;
    }

    /** Takes a piece, and writes it when the machine's end is there; where there will be none, it is dropped. */
    void take(
            ByteBuffer payload,
            org.eclipse.jetty.websocket.api.Callback callback,
            CompletableFuture<MachineEnd> connected) {
        pieceBytes = payload.remaining();
        piece = callback;
        var _ = connected.whenComplete((end, failure) -> {
            if (end == null) {
                done();
            } else {
                end.write(payload, this);
            }
        });
    }

    /** Whether the machine has not taken the last piece. */
    boolean pending() {
        return piece != null;
    }

    /** Bytes that the machine took. */
    long bytes() {
        return all.sum();
    }

    @Override
    public InvocationType getInvocationType() {
        return InvocationType.NON_BLOCKING;
    }

    @Override
    public void succeeded() {
        all.add(pieceBytes);
        toMachines.add(pieceBytes);
        done();
    }

    /** What the viewer still sends is dropped, until its answer to the close frame comes, or it is cut. */
    @Override
    public void failed(Throwable cause) {
        failed.accept(cause);
        done();
    }

    private void done() {
        org.eclipse.jetty.websocket.api.Callback taken = piece;
        piece = null;
        if (taken != null) {
            taken.succeed();
        }
        next.run();
    }
}
