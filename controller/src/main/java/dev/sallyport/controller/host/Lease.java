package dev.sallyport.controller.host;

import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.StoredHost;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This host's right to act. It is renewed all the time, and good for as long as its last renewal says, by this process's own
 * monotonic clock, from before the question was asked: so that a process that was frozen, or cut off from the database, knows it
 * before it touches anything, and earlier than others sweep the lease.
 *
 * <p>A lease that could not be renewed in time may still be nobody else's: then whoever acts waits ({@link Term#mustHold()}), and
 * goes on as soon as it is renewed. When it turns out that it was swept, everything of this term ends, and a new term begins.
 */
public final class Lease implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Lease.class);

    /** What is good no longer here than there, whatever the clocks' rates: of the lease's time, so much is not used. */
    private static final double SAFETY = 0.1;

    /** Told how the lease fares. */
    public interface Listener {
        /** The term is over: what runs here is nobody's, and ends. Returns when it has. */
        void lost();

        /** A new term has begun. */
        void held();

        /** Other hosts were lost. */
        default void swept(List<StoredHost> hosts) {}
    }

    /** One term of the lease. */
    public final class Term {
        private final long epoch;

        private Term(long epoch) {
            this.epoch = epoch;
        }

        /**
         * Returns when this host may act; waits while its lease could not be renewed.
         *
         * @throws FailureException {@link CauseCode#HOST_LOST} when the term is over
         * @throws InterruptedException when the calling thread is interrupted
         */
        public void mustHold() throws InterruptedException {
            lock.lockInterruptibly();
            try {
                while (epoch == Lease.this.epoch && !isGood()) {
                    changed.await();
                }
                if (epoch != Lease.this.epoch) {
                    throw FailureException.of(CauseCode.HOST_LOST, "This host's lease was lost in the meantime.");
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private final HostStore store;
    private final HostId host;
    private final String name;
    private final Duration length;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final LongAdder renewed = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder losses = new LongAdder();
    private volatile String address = "";
    private volatile boolean closed;
    /** Guarded by the lock. */
    private boolean released;
    /** Guarded by the lock; 0 while there is none. */
    private long epoch;
    /** Guarded by the lock: the value of {@link System#nanoTime()} until which it is good. */
    private long goodUntil;

    private Lease(HostStore store, HostId host, String name, Duration length) {
        this.store = store;
        this.host = host;
        this.name = name;
        this.length = length;
    }

    /**
     * Takes the lease, whoever held it before. It is not renewed before {@link #keep}.
     *
     * @param store where leases are
     * @param host whose; that no other process is this host is the caller's to know
     * @param name the host's name, for people
     * @param length how long it is good without being renewed
     */
    public static Lease take(HostStore store, HostId host, String name, Duration length) {
        var lease = new Lease(store, host, name, length);
        lease.begin();
        return lease;
    }

    /** Whose it is. */
    public HostId host() {
        return host;
    }

    /** The present term. */
    public Term term() {
        lock.lock();
        try {
            return new Term(epoch);
        } finally {
            lock.unlock();
        }
    }

    /** True while this host may act. */
    public boolean isHeld() {
        lock.lock();
        try {
            return epoch != 0 && isGood();
        } finally {
            lock.unlock();
        }
    }

    /** How often it was renewed. */
    public long renewals() {
        return renewed.sum();
    }

    /** How often the database could not be asked. */
    public long failures() {
        return failed.sum();
    }

    /** How often it was lost. */
    public long losses() {
        return losses.sum();
    }

    /**
     * Renews it from now on, and sweeps the leases of others that lapsed.
     *
     * @param told of what becomes of it, on the thread that renews
     */
    public void keep(Listener told) {
        Thread.ofVirtual().name("lease").start(() -> run(told));
    }

    /** Where this host's API is reached from now on. */
    public void announce(String where) {
        address = where;
    }

    /**
     * Gives it back.
     *
     * @param leftFor how long the machines that are left may wait for this host's next controller; zero when none is left
     */
    public void release(Duration leftFor) {
        long term;
        lock.lock();
        try {
            closed = true;
            released = true;
            term = epoch;
            epoch = 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (term != 0) {
            store.release(host, term, leftFor);
        }
    }

    /** Renews it no more; it lapses. */
    @Override
    public void close() {
        closed = true;
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean isGood() {
        return System.nanoTime() - goodUntil < 0;
    }

    private void begin() {
        long asked = System.nanoTime();
        StoredHost taken = store.take(host, name, address, length);
        good(taken.epoch(), asked);
    }

    private void good(long term, long asked) {
        lock.lock();
        try {
            if (released) {
                return; // Given back while the database was asked.
            }
            epoch = term;
            goodUntil = asked + (long) (length.toNanos() * (1 - SAFETY));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void run(Listener told) {
        while (!closed) {
            try {
                renew(told);
                List<StoredHost> lost = store.sweep();
                if (!lost.isEmpty()) {
                    told.swept(lost);
                }
            } catch (FailureException e) {
                failed.increment();
                LOG.warn("The lease could not be renewed: {}", e.reason().detail());
            } catch (RuntimeException e) {
                LOG.error("The lease's keeper met a defect", e);
            }
            if (!pause()) {
                return;
            }
        }
    }

    private void renew(Listener told) {
        long term;
        lock.lock();
        try {
            term = epoch;
        } finally {
            lock.unlock();
        }
        long asked = System.nanoTime();
        if (term != 0 && store.renew(host, term, address, length)) {
            renewed.increment();
            good(term, asked);
            return;
        }
        if (closed) {
            return;
        }
        if (term != 0) {
            LOG.error("This host's lease was lost: what runs here ends");
            losses.increment();
            lock.lock();
            try {
                epoch = 0;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
        told.lost(); // Also when an earlier try to begin again failed: what it has ended it ends no second time.
        begin();
        told.held();
    }

    /** Until the next renewal, a third of the lease's length; false when it is closed meanwhile. */
    private boolean pause() {
        lock.lock();
        try {
            long left = length.toNanos() / 3;
            while (!closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            return !closed;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
