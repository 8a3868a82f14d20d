package dev.sallyport.controller.admission;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import java.util.concurrent.locks.Condition;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One start's place: in the queue first, if there is no room, then among the machines that run. {@link #close()} gives it back.
 * All of it may be called by any thread.
 */
public final class Place implements AutoCloseable {
    enum State {
        WAITING,
        ADMITTED,
        /** It waited too long. */
        REFUSED,
        CLOSED
    }

    private final Admission admission;
    private final @Nullable UserId user;
    private final String key;

    /** Nanoseconds of the gate's clock. */
    final long since;
    /** Signalled when its state or its number in the queue changes. */
    final Condition changed;

    // Guarded by the gate's lock, as {@code changed} is.
    Need need;
    State state = State.WAITING;
    int number;

    @Nullable
    FailureException refusal;
    /** Bytes held at the last reading of {@code meter}. */
    long resident;
    /** Bytes that the meter counts for it. */
    long counted;

    volatile LongSupplier meter = () -> 0;

    Place(Admission admission, @Nullable UserId user, String key, Need need, long since, Condition changed) {
        this.admission = admission;
        this.user = user;
        this.key = key;
        this.need = need;
        this.since = since;
        this.changed = changed;
    }

    /** For whom it is; null for a machine that is nobody's. */
    @Nullable
    UserId user() {
        return user;
    }

    /** Its name among all places. */
    public String key() {
        return key;
    }

    /** How many machines it is for. */
    public int machines() {
        return admission.machinesOf(this);
    }

    /** Whether what it is for may be started, or runs. */
    public boolean admitted() {
        return admission.isAdmitted(this);
    }

    /**
     * Waits until it is admitted.
     *
     * @param told is given the place's number in the queue, from 1, at first and whenever it has changed; by the thread that
     *     waits, so it may block
     * @throws FailureException HOST_FULL or USER_LIMIT, with when to try again, when it waited too long
     * @throws InterruptedException when the thread is interrupted; the place is kept until it is closed
     * @throws java.util.concurrent.CancellationException when it is closed, or the gate is
     */
    public void await(IntConsumer told) throws InterruptedException {
        int number = admission.await(this, 0);
        while (number > 0) {
            told.accept(number);
            number = admission.await(this, number);
        }
    }

    /**
     * Makes sure that the room which was counted on is there: machines that are nobody's give way, the youngest first, until it is.
     * To be called before a machine is made; returns at once where there is room.
     *
     * @throws InterruptedException when the thread is interrupted
     */
    public void settle() throws InterruptedException {
        admission.settle();
    }

    /**
     * Says how much memory what it is for holds by now: of its need only what is missing to that is kept free.
     *
     * @param bytes is asked often, by any thread; quick, and 0 when it is not known
     * @return this
     */
    public Place measuredBy(LongSupplier bytes) {
        meter = bytes;
        return this;
    }

    /**
     * Makes a part of an admitted place a place of its own, which is given back by itself: of machines that are started together
     * one may stay longer.
     *
     * @throws IllegalStateException when this place is not admitted
     * @throws IllegalArgumentException when it has no such part, or {@code key} is in use
     */
    public Place part(String key, Need part) {
        return admission.part(this, key, part);
    }

    /** Leaves the queue, or gives back what was admitted. Doing so twice is harmless. */
    @Override
    public void close() {
        admission.leave(this);
    }
}
