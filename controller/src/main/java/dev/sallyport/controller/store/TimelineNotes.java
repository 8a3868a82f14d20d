package dev.sallyport.controller.store;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lines of timelines that tell and change nothing. They wait for {@link #MOMENT} at the most and are then written together, or go along
 * with the next change of what they are about; the order within a timeline is kept. A controller that is killed loses those that wait.
 */
final class TimelineNotes {
    static final Duration MOMENT = Duration.ofMillis(50);
    /** Most that are written in one transaction, and that may wait before those who add write them themselves. */
    private static final int AT_ONCE = 500;

    private static final Logger LOG = LoggerFactory.getLogger(TimelineNotes.class);
    private static final ScopedValue<Map<TimelineId, Carried>> CARRIED = ScopedValue.newInstance();

    /** In which whoever needs several timelines takes them. */
    static final Comparator<TimelineId> ORDER =
            Comparator.comparing(TimelineId::kind).thenComparing(TimelineId::id);

    /** A line, and when it came. */
    record Note(Instant at, String step, String text, Map<String, String> details) {}

    /** Writes lines, by their timelines; durable when it returns. */
    private final Consumer<Map<TimelineId, List<Note>>> writer;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition written = lock.newCondition();
    private final Map<TimelineId, List<Note>> waiting = new LinkedHashMap<>();
    /** Those of which lines are being written: what comes after them waits. */
    private final Set<TimelineId> underWay = new HashSet<>();

    private int count;
    private boolean writing;

    TimelineNotes(Consumer<Map<TimelineId, List<Note>>> writer) {
        this.writer = writer;
    }

    /** The lines that go along with a change, and the transaction in which they do. */
    private static final class Carried {
        private final List<Note> notes;
        private @Nullable Handle by;

        Carried(List<Note> notes) {
            this.notes = notes;
        }
    }

    /** Takes a line, which is written soon. */
    void add(TimelineId timeline, Note note) {
        boolean many;
        lock.lock();
        try {
            waiting.computeIfAbsent(timeline, ignored -> new ArrayList<>()).add(note);
            count++;
            many = count > AT_ONCE;
            beginLocked();
        } finally {
            lock.unlock();
        }
        if (many) {
            writeSome(false); // Who tells faster than is written, waits.
        }
    }

    private void beginLocked() {
        if (!writing) {
            writing = true;
            Thread.ofVirtual().name("timeline notes").start(() -> Database.persevering(this::writeUntilNoneWait));
        }
    }

    /** Does {@code change}, whose transaction writes the lines of {@code timelines} that wait by {@link #carriedBy}, before its own. */
    <T> T carrying(Collection<TimelineId> timelines, Supplier<T> change) {
        Map<TimelineId, Carried> all = new LinkedHashMap<>();
        boolean done = false;
        try {
            // In one order: whoever else takes several does not wait for these while these wait for theirs.
            for (TimelineId timeline :
                    timelines.stream().sorted(ORDER).distinct().toList()) {
                List<Note> notes = take(timeline);
                if (!notes.isEmpty()) {
                    all.put(timeline, new Carried(notes));
                }
            }
            if (all.isEmpty()) {
                return change.get();
            }
            T result = ScopedValue.where(CARRIED, all).call(change::get);
            done = true;
            return result;
        } finally {
            Map<TimelineId, List<Note>> back = new LinkedHashMap<>();
            for (Map.Entry<TimelineId, Carried> each : all.entrySet()) {
                Carried carried = each.getValue();
                back.put(each.getKey(), done && carried.by != null ? List.of() : carried.notes);
            }
            settle(back);
        }
    }

    /** What goes along with the change that {@code handle}'s transaction makes; once for each transaction. */
    @SuppressWarnings("ReferenceEquality") // This very transaction, and none like it.
    static List<Note> carriedBy(Handle handle, TimelineId timeline) {
        if (!CARRIED.isBound()) {
            return List.of();
        }
        Carried carried = CARRIED.get().get(timeline);
        if (carried == null || carried.by == handle) {
            return List.of();
        }
        carried.by = handle;
        return carried.notes;
    }

    /** Writes what waits of one timeline; should that fail, it waits on. */
    void write(TimelineId timeline) {
        List<Note> notes = take(timeline);
        if (!notes.isEmpty()) {
            write(Map.of(timeline, notes), false);
        }
    }

    /** Writes all that waits. */
    void writeAll() {
        boolean some = true;
        while (some) {
            some = writeSome(true);
        }
    }

    private void writeUntilNoneWait() {
        boolean done = false;
        while (!done) {
            try {
                Thread.sleep(MOMENT); // No wait for anything: what comes meanwhile is written together.
            } catch (InterruptedException e) {
                throw new IllegalStateException("nobody interrupts this thread", e);
            }
            writeAll();
            lock.lock();
            try {
                done = waiting.isEmpty();
                writing = !done;
            } finally {
                lock.unlock();
            }
        }
    }

    /** @return false when there was nothing to write */
    private boolean writeSome(boolean lastTry) {
        Map<TimelineId, List<Note>> taken = new LinkedHashMap<>();
        lock.lock();
        try {
            int some = 0;
            for (TimelineId timeline : List.copyOf(waiting.keySet())) {
                if (some < AT_ONCE && !underWay.contains(timeline)) {
                    List<Note> notes = takeLocked(timeline);
                    some += notes.size();
                    taken.put(timeline, notes);
                }
            }
        } finally {
            lock.unlock();
        }
        if (!taken.isEmpty()) {
            write(taken, lastTry);
        }
        return !taken.isEmpty();
    }

    private void write(Map<TimelineId, List<Note>> taken, boolean lastTry) {
        Map<TimelineId, List<Note>> back = new LinkedHashMap<>(taken);
        try {
            writer.accept(taken);
            back.replaceAll((timeline, notes) -> List.of());
        } catch (RuntimeException e) {
            if (lastTry) {
                // They only tell; what they are about is in the store, and says so itself when it cannot be written.
                LOG.warn("Lines of {} timelines could not be written", taken.size(), e);
                back.replaceAll((timeline, notes) -> List.of());
            } else {
                LOG.debug("Lines of {} timelines wait on", taken.size(), e);
            }
        } finally {
            settle(back);
        }
    }

    /** What waits of {@code timeline}, once nothing before it is being written. Whoever takes any must {@link #settle} it. */
    private List<Note> take(TimelineId timeline) {
        lock.lock();
        try {
            long left = Database.PATIENCE.toNanos();
            while (underWay.contains(timeline) && left > 0) {
                left = written.awaitNanos(left);
            }
            // Lines that cannot be written for so long must not hold up a change.
            return underWay.contains(timeline) ? List.of() : takeLocked(timeline);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        } finally {
            lock.unlock();
        }
    }

    private List<Note> takeLocked(TimelineId timeline) {
        List<Note> notes = waiting.remove(timeline);
        if (notes == null) {
            return List.of();
        }
        count -= notes.size();
        underWay.add(timeline);
        return notes;
    }

    /** @param back what was not written after all, and waits on */
    private void settle(Map<TimelineId, List<Note>> back) {
        lock.lock();
        try {
            back.forEach((timeline, notes) -> {
                underWay.remove(timeline);
                if (!notes.isEmpty()) {
                    waiting.computeIfAbsent(timeline, ignored -> new ArrayList<>())
                            .addAll(0, notes);
                    count += notes.size();
                    beginLocked();
                }
            });
            written.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
