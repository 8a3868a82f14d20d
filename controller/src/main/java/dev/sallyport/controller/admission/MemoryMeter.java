package dev.sallyport.controller.admission;

import dev.sallyport.controller.admission.Place.State;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Readings of what memory is free and of what the admitted places hold of their needs. A reading takes a while, for each process
 * is looked at; so it is made outside of the gate's lock, by one thread at a time, and taken over whole.
 */
final class MemoryMeter {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryMeter.class);

    private final Memory memory;
    private final LongSupplier clock;
    private final ReentrantLock gate;
    private final Map<String, Place> places;

    private final ReentrantLock reading = new ReentrantLock();
    // Guarded by {@code reading}.
    private boolean read;
    private long readAt;

    // Guarded by {@code gate}, as {@code places} is.
    private long available;
    private long promised;

    /**
     * @param gate the lock that guards {@code places}
     * @param places all that are open
     */
    MemoryMeter(Memory memory, LongSupplier clock, ReentrantLock gate, Map<String, Place> places) {
        this.memory = memory;
        this.clock = clock;
        this.gate = gate;
        this.places = places;
    }

    /** Makes a reading, unless there is one that is not older than {@code fresh}. The gate's lock must not be held. */
    void read(Duration fresh) {
        long asked = clock.getAsLong();
        reading.lock();
        try {
            long age = asked - readAt; // Negative when another thread began one while this one waited.
            if (read && (age < 0 || age < fresh.toNanos())) {
                return;
            }
            long now = clock.getAsLong();
            List<Place> admitted = admitted();
            // First what the machines hold, then what is free: what they take in between is counted twice, not left
            // out.
            long[] resident =
                    admitted.stream().mapToLong(MemoryMeter::residentOf).toArray();
            long free = memory.available();
            gate.lock();
            try {
                for (int i = 0; i < resident.length; i++) {
                    Place place = admitted.get(i);
                    place.resident = resident[i];
                    count(place);
                }
                available = free;
            } finally {
                gate.unlock();
            }
            read = true;
            readAt = now;
        } finally {
            reading.unlock();
        }
    }

    /**
     * Looks at what is free alone, which takes no time worth speaking of. What the places took since the last reading is counted
     * twice then: there is as much room as this says, or more. The gate's lock must not be held.
     */
    void glance() {
        if (!reading.tryLock()) {
            read(Duration.ZERO); // One that is under way is newer than what it could find.
            return;
        }
        try {
            long free = memory.available();
            gate.lock();
            try {
                available = free;
            } finally {
                gate.unlock();
            }
        } finally {
            reading.unlock();
        }
    }

    /** Bytes that were free at the last reading. The gate's lock must be held. */
    long available() {
        return available;
    }

    /** Bytes that the admitted places had not taken of their needs at the last reading. The gate's lock must be held. */
    long promised() {
        return promised;
    }

    /** A place's state, need or reading has changed. The gate's lock must be held. */
    void count(Place place) {
        long missing = place.state == State.ADMITTED ? Math.max(0, place.need.memory() - place.resident) : 0;
        promised += missing - place.counted;
        place.counted = missing;
    }

    /** Bytes that there are in all. */
    long total() {
        return memory.total();
    }

    private List<Place> admitted() {
        gate.lock();
        try {
            return places.values().stream()
                    .filter(place -> place.state == State.ADMITTED)
                    .toList();
        } finally {
            gate.unlock();
        }
    }

    /** One that cannot be measured is taken for one that has nothing yet: the others must not suffer from it. */
    private static long residentOf(Place place) {
        try {
            return place.meter.getAsLong();
        } catch (RuntimeException e) {
            LOG.warn("What {} holds of the memory is not known", place.key(), e);
            return 0;
        }
    }
}
