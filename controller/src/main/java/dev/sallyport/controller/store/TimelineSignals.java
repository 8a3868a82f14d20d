package dev.sallyport.controller.store;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.Handle;

/**
 * Wakes those who wait for a timeline's next event. It carries no events, only that there are some: readers read the store. What
 * rings it is the commit of an event in this process; a listener to other controllers' commits calls {@link #ring} just so.
 */
public final class TimelineSignals {
    /** The channel on which controllers that share a database call each other. */
    public static final String CHANNEL = "sallyport";

    /** One timeline that somebody waits for. */
    private static final class Bell {
        private final Condition rung;
        private long rings;
        private int listeners;

        private Bell(Condition rung) {
            this.rung = rung;
        }
    }

    private final boolean shared;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<TimelineId, Bell> bells = new HashMap<>();

    /** For a controller that is alone. */
    public TimelineSignals() {
        this(false);
    }

    /** @param shared whether other controllers are called too */
    public TimelineSignals(boolean shared) {
        this.shared = shared;
    }

    /** In the transaction of an event: rings when it is committed, here and, where the database is shared, elsewhere. */
    void ringAtCommit(Handle handle, TimelineId timeline) {
        if (shared) {
            handle.createQuery("SELECT CAST(pg_notify(:channel, :word) AS text)")
                    .bind("channel", CHANNEL)
                    .bind("word", "t " + timeline.kind().name() + " " + timeline.id())
                    .mapTo(String.class)
                    .findOne();
        }
        handle.afterCommit(() -> ring(timeline));
    }

    /** Tells that {@code timeline} has a new event, which is committed. */
    public void ring(TimelineId timeline) {
        lock.lock();
        try {
            Bell bell = bells.get(timeline);
            if (bell != null) {
                bell.rings++;
                bell.rung.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Begins to listen; rings from now on are not missed. */
    Listener listen(TimelineId timeline) {
        lock.lock();
        try {
            Bell bell = bells.computeIfAbsent(timeline, ignored -> new Bell(lock.newCondition()));
            bell.listeners++;
            return new Listener(timeline, bell);
        } finally {
            lock.unlock();
        }
    }

    /** How many timelines are waited for. */
    int listenedTo() {
        lock.lock();
        try {
            return bells.size();
        } finally {
            lock.unlock();
        }
    }

    /** Somebody who waits. */
    final class Listener implements AutoCloseable {
        private final TimelineId timeline;
        private final Bell bell;
        private long heard;

        private Listener(TimelineId timeline, Bell bell) {
            this.timeline = timeline;
            this.bell = bell;
            this.heard = bell.rings;
        }

        /**
         * Waits for a ring since the last call, or since listening began.
         *
         * @return false when none came
         */
        boolean await(Duration atMost) throws InterruptedException {
            long left = atMost.toNanos();
            lock.lockInterruptibly();
            try {
                while (bell.rings == heard) {
                    if (left <= 0) {
                        return false;
                    }
                    left = bell.rung.awaitNanos(left);
                }
                heard = bell.rings;
                return true;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                bell.listeners--;
                if (bell.listeners == 0) {
                    bells.remove(timeline);
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
