package dev.sallyport.controller.admission;

import dev.sallyport.controller.admission.Place.State;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The host's gate: what is to be started enters here, and waits while the host has no room for it. Users take turns
 * ({@link FairQueue}); one who is at their own limit lets the others go first. Who is next is waited for, however small the need
 * of those behind: else a large one would never get its turn.
 *
 * <p>There is room when the machines are fewer than they may be, and the memory that is free now, less what is left to the host
 * and what was promised to those that were admitted and have not taken it yet, is enough. Memory also comes free, and is taken, by
 * others than us: while somebody waits it is looked at every second.
 *
 * <p>Machines that are nobody's, kept ready for users, have places too, while nobody waits and there is room. Users' starts count on
 * theirs: such a machine is either given to the start, or gives way to it ({@link Place#settle()}).
 */
public final class Admission implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Admission.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);
    /** A reading of the memory is good for so long: what we admit ourselves in the meantime is promised, and so counted. */
    private static final Duration FRESH = Duration.ofMillis(200);
    /** How long machines that are nobody's may take to end. */
    private static final Duration GIVING_WAY = Duration.ofSeconds(10);

    private final Limits limits;
    private final MemoryMeter meter;
    private final LongSupplier clock;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Place> places = new LinkedHashMap<>();
    private final Spares spares = new Spares();
    private final Used used = new Used();
    private final Line queue;
    /** Signalled when a spare place has come free. */
    private final Condition gaveWay = lock.newCondition();

    private final Turnover turnover;
    private final Refusals refusals;
    private boolean closed;

    /** @param nanos a clock as {@link System#nanoTime()} */
    public Admission(Limits limits, Memory memory, LongSupplier nanos) {
        this.limits = limits;
        this.clock = nanos;
        this.queue = new Line(limits, used);
        this.meter = new MemoryMeter(memory, nanos, lock, places);
        this.turnover = new Turnover(nanos.getAsLong());
        this.refusals = new Refusals(limits, used, this::forMachines, share -> turnover.next(now(), share));
        this.thread = Thread.ofVirtual().name("admission").unstarted(this::run);
    }

    /** Begins to look after those that wait: every second, for memory that came free, and for those that waited too long. */
    public Admission start() {
        thread.start();
        return this;
    }

    /**
     * Asks for room. The place is admitted when there is some, and waits otherwise; it must be closed in the end.
     *
     * @param key a name for it that no other open place has
     * @throws FailureException HOST_FULL when too many wait already, USER_LIMIT when too many of this user do: with when to try
     *     again; the same without, when this host or user may never have so much
     * @throws IllegalArgumentException when {@code key} is in use
     */
    public Place enter(UserId user, String key, Need need) {
        refusals.ofImpossible(user, need, meter.total());
        meter.glance();
        Optional<Place> atOnce = enterAtOnce(user, key, need);
        return atOnce.isPresent() ? atOnce.get() : enterAfterReading(user, key, need);
    }

    private Optional<Place> enterAtOnce(UserId user, String key, Need need) {
        lock.lock();
        try {
            Place place = add(user, key, need);
            queue.add(place);
            admitAll();
            if (place.state == State.WAITING) {
                forget(place, State.CLOSED);
                return Optional.empty();
            }
            return Optional.of(place);
        } finally {
            lock.unlock();
        }
    }

    /** A glance has shown no room: there may be some all the same. */
    private Place enterAfterReading(UserId user, String key, Need need) {
        meter.read(FRESH);
        lock.lock();
        try {
            Place place = add(user, key, need);
            queue.add(place);
            admitAll();
            if (place.state == State.WAITING) {
                try {
                    refuseTooMany(user, place);
                } catch (FailureException e) {
                    forget(place, State.REFUSED);
                    throw e;
                }
            }
            return place;
        } finally {
            lock.unlock();
        }
    }

    /** Counts what runs already, without wait or limit: what a controller before this one started. */
    public Place resume(UserId user, String key, Need need) {
        lock.lock();
        try {
            Place place = add(user, key, need);
            admit(place);
            return place;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Asks for the room of a machine that is nobody's; it never waits.
     *
     * @param giveWay tells that machine to end; called at most once, quick, and followed by the place's end
     * @return empty when there is no room beside all others, or somebody waits
     */
    public Optional<Place> spare(String key, Need need, Runnable giveWay) {
        meter.glance();
        Optional<Place> place = spareNow(key, need, giveWay);
        if (place.isEmpty()) {
            meter.read(FRESH);
            place = spareNow(key, need, giveWay);
        }
        return place;
    }

    private Optional<Place> spareNow(String key, Need need, Runnable giveWay) {
        lock.lock();
        try {
            boolean room = queue.size() == 0
                    && used.machines() + need.machines() <= limits.machinesPerHost()
                    && need.memory() <= forMachines();
            return room ? Optional.of(addSpare(key, need, giveWay)) : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** Counts a machine that runs already and is nobody's; see {@link #spare}. */
    public Place resumeSpare(String key, Need need, Runnable giveWay) {
        lock.lock();
        try {
            return addSpare(key, need, giveWay);
        } finally {
            lock.unlock();
        }
    }

    private Place addSpare(String key, Need need, Runnable giveWay) {
        Place place = add(null, key, need);
        admit(place);
        spares.add(place, giveWay);
        return place;
    }

    /** The number in the queue of the start that is called {@code key}, from 1; empty when it does not wait. */
    public OptionalInt numberOf(String key) {
        lock.lock();
        try {
            Place place = places.get(key);
            return place == null || place.state != State.WAITING ? OptionalInt.empty() : OptionalInt.of(place.number);
        } finally {
            lock.unlock();
        }
    }

    /** Starts that wait. */
    public int waiting() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    /** Machines that were admitted and not given back. */
    public int admitted() {
        lock.lock();
        try {
            return used.machines();
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of memory that are kept free for what was admitted and has not taken them yet. */
    public long promised() {
        lock.lock();
        try {
            return meter.promised();
        } finally {
            lock.unlock();
        }
    }

    /** Starts that were refused for {@code reason}, at once or after their wait. */
    public long refused(CauseCode reason) {
        return refusals.count(reason);
    }

    /** Looks at the memory anew, admits what there is room for, and refuses those that waited too long. */
    void recheck() {
        meter.read(Duration.ZERO);
        lock.lock();
        try {
            admitAll();
            refuseLate();
        } finally {
            lock.unlock();
        }
    }

    /** Ends all waits; what was admitted stays so until it is given back. */
    @Override
    public void close() {
        thread.interrupt();
        lock.lock();
        try {
            closed = true;
            queue.inOrder().forEach(place -> forget(place, State.CLOSED));
        } finally {
            lock.unlock();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    int machinesOf(Place place) {
        lock.lock();
        try {
            return place.need.machines();
        } finally {
            lock.unlock();
        }
    }

    boolean isAdmitted(Place place) {
        lock.lock();
        try {
            return place.state == State.ADMITTED;
        } finally {
            lock.unlock();
        }
    }

    /** @return the place's number when it is another than {@code told}; 0 when it is admitted */
    int await(Place place, int told) throws InterruptedException {
        lock.lock();
        try {
            while (place.state == State.WAITING && place.number == told) {
                place.changed.await();
            }
            return switch (place.state) {
                case WAITING -> place.number;
                case ADMITTED -> 0;
                case CLOSED -> throw new CancellationException("the place " + place.key() + " was given up");
                case REFUSED -> throw Objects.requireNonNull(place.refusal);
            };
        } finally {
            lock.unlock();
        }
    }

    Place part(Place whole, String key, Need part) {
        lock.lock();
        try {
            if (whole.state != State.ADMITTED) {
                throw new IllegalStateException("the place " + whole.key() + " is not admitted");
            }
            Need rest = whole.need.minus(part);
            Place place = add(whole.user(), key, part);
            place.state = State.ADMITTED;
            whole.need = rest;
            meter.count(place);
            meter.count(whole);
            return place;
        } finally {
            lock.unlock();
        }
    }

    void leave(Place place) {
        boolean others;
        lock.lock();
        try {
            if (place.state == State.REFUSED || place.state == State.CLOSED) {
                return;
            }
            forget(place, State.CLOSED);
            others = queue.size() > 0;
        } finally {
            lock.unlock();
        }
        if (others) {
            admitWithNewReading();
        }
    }

    private void run() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                Thread.sleep(PERIOD);
                if (waiting() > 0) {
                    admitWithNewReading();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One who gives a place back, and those that wait, must not suffer from a memory that cannot be read at this moment. */
    private void admitWithNewReading() {
        try {
            recheck();
        } catch (RuntimeException e) {
            LOG.warn("Nobody could be admitted", e); // The next second tries again.
        }
    }

    private Place add(@Nullable UserId user, String key, Need need) {
        if (closed) {
            throw new CancellationException("the gate is closed");
        }
        var place = new Place(this, user, key, need, now(), lock.newCondition());
        if (places.putIfAbsent(key, place) != null) {
            throw new IllegalArgumentException("there is a place " + key + " already");
        }
        return place;
    }

    /** Takes a place out of everything, and tells those that wait. */
    private void forget(Place place, State end) {
        if (place.state == State.ADMITTED) {
            used.remove(place.user(), place.need);
            if (spares.remove(place)) {
                gaveWay.signalAll();
            } else {
                turnover.freed(now());
            }
        } else {
            queue.remove(place);
        }
        places.remove(place.key());
        place.state = end;
        meter.count(place);
        place.changed.signalAll();
        queue.number();
    }

    private void refuseLate() {
        List<Place> atUsersLimit = queue.atUsersLimit();
        Map<Place, FailureException> late = new LinkedHashMap<>(); // All before any leaves: each tells what it saw.
        for (Place place : queue.inOrder()) {
            if (now() - place.since >= limits.longestWait().toNanos()) {
                late.put(place, waitedTooLong(place, atUsersLimit.contains(place)));
            }
        }
        late.forEach((place, refusal) -> {
            place.refusal = refusal;
            forget(place, State.REFUSED);
        });
    }

    private void refuseTooMany(UserId user, Place place) {
        int ofUser = queue.size(user);
        if (ofUser > limits.queuePerUser()) {
            throw refusals.userLimit(
                    user, (ofUser - 1) + " starts of at most " + limits.queuePerUser() + " wait already.");
        }
        if (queue.size() > limits.queueLength()) {
            throw refusals.hostFull(
                    place.need, (queue.size() - 1) + " starts of at most " + limits.queueLength() + " wait already.");
        }
    }

    private FailureException waitedTooLong(Place place, boolean atUsersLimit) {
        String waited = "The start waited " + Words.of(limits.longestWait()) + ", and was number " + place.number
                + " of " + queue.size() + " in the end.";
        return atUsersLimit && place.user() != null
                ? refusals.userLimit(place.user(), waited)
                : refusals.hostFull(place.need, waited);
    }

    private long now() {
        return clock.getAsLong();
    }

    private void admitAll() {
        Place first = queue.first();
        while (first != null && hasRoomFor(first.need)) {
            queue.serve(first);
            admit(first);
            first = queue.first();
        }
        queue.number();
    }

    private void admit(Place place) {
        used.add(place.user(), place.need);
        place.state = State.ADMITTED;
        meter.count(place);
        place.changed.signalAll();
    }

    private boolean hasRoomFor(Need need) {
        return used.machines() + need.machines() - spares.machines() <= limits.machinesPerHost()
                && need.memory() <= forMachines() + spares.memory();
    }

    /** Bytes of memory that further machines can have now. */
    private long forMachines() {
        return meter.available() - limits.memoryReserve() - meter.promised();
    }

    /** Has spare machines give way until what is admitted has its room, or there are none. */
    void settle() throws InterruptedException {
        long deadline = now() + GIVING_WAY.toNanos();
        while (isOverdrawn()) {
            List<Runnable> told;
            lock.lockInterruptibly();
            try {
                told = spares.ask(-forMachines(), used.machines() - limits.machinesPerHost());
                // One that does not end in time is its keeper's to mend: who is admitted is not held up by it for ever.
                if (told.isEmpty() && !spares.isEmpty() && gaveWay.awaitNanos(deadline - now()) <= 0) {
                    return;
                }
            } finally {
                lock.unlock();
            }
            told.forEach(Runnable::run);
        }
    }

    private boolean isOverdrawn() {
        if (!isOverdrawnAtLastLook()) {
            return false;
        }
        meter.glance();
        if (!isOverdrawnAtLastLook()) {
            return false;
        }
        meter.read(Duration.ZERO);
        return isOverdrawnAtLastLook();
    }

    private boolean isOverdrawnAtLastLook() {
        lock.lock();
        try {
            return !spares.isEmpty() && (forMachines() < 0 || used.machines() > limits.machinesPerHost());
        } finally {
            lock.unlock();
        }
    }
}
