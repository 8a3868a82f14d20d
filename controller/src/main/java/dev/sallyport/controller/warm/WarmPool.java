package dev.sallyport.controller.warm;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.LiveMachine;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Owner;
import dev.sallyport.controller.pool.Room;
import dev.sallyport.controller.pool.SpareListener;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps machines ready for whoever needs one next: of each kind as many as are wanted, made from templates alone, while there is room
 * beside what users have. Who needs one takes it with {@link Machines#start}; one that was taken, has died, or gave way is
 * replaced.
 */
public final class WarmPool implements SpareListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WarmPool.class);
    /** How many of a kind are made at once: each takes a share of the host's processors from users. */
    private static final int AT_ONCE = 4;
    /** What is wanted changes with time alone too. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private final Machines machines;
    private final Room room;
    private final Lease lease;
    private final BiConsumer<VmType, Duration> whenClaimed;
    private final Semaphore wake = new Semaphore(0);
    private final Map<VmType, Kind> kinds = new EnumMap<>(VmType.class);
    private final Thread thread;
    private volatile boolean closing;

    /** What is known of one kind. */
    private static final class Kind {
        final Demand demand;
        final Set<MachineId> comingUp = ConcurrentHashMap.newKeySet();
        final LongAdder hits = new LongAdder();
        final LongAdder misses = new LongAdder();
        /** Whether it is wanted that none is made before {@code notBefore}, nanoseconds. */
        volatile long notBefore = System.nanoTime();

        volatile Duration pause = Duration.ZERO;

        Kind(Demand demand) {
            this.demand = demand;
        }
    }

    /** @param whenClaimed told of each machine that was given to a user, and how long that took */
    public WarmPool(
            Settings.Ahead ahead, Machines machines, Room room, Lease lease, BiConsumer<VmType, Duration> whenClaimed) {
        this.machines = machines;
        this.room = room;
        this.lease = lease;
        this.whenClaimed = whenClaimed;
        for (VmType type : VmType.values()) {
            kinds.put(type, new Kind(new Demand(ahead.kept(type), ahead.most())));
        }
        this.thread = Thread.ofVirtual().name("warm pool").unstarted(this::run);
    }

    /** Begins. */
    public WarmPool start() {
        machines.tell(this);
        thread.start();
        return this;
    }

    /** There are templates that were not there before. */
    public void templatesMade() {
        for (Kind kind : kinds.values()) {
            kind.pause = Duration.ZERO;
            kind.notBefore = System.nanoTime();
        }
        wake.release();
    }

    /** Machines of {@code type} that are ready for users. */
    public int size(VmType type) {
        return machines.spares(type).size();
    }

    /** How many there are to be. */
    public int target(VmType type) {
        return kind(type).demand.target(System.nanoTime());
    }

    /** Users who were given one. */
    public long hits(VmType type) {
        return kind(type).hits.sum();
    }

    /** Users for whom there was none. */
    public long misses(VmType type) {
        return kind(type).misses.sum();
    }

    @Override
    public void claimed(VmType type, Duration took) {
        kind(type).hits.increment();
        kind(type).demand.wanted(System.nanoTime());
        whenClaimed.accept(type, took);
        wake.release();
    }

    @Override
    public void missed(VmType type) {
        kind(type).misses.increment();
        kind(type).demand.wanted(System.nanoTime());
        wake.release();
    }

    @Override
    public void gone(VmType type) {
        wake.release();
    }

    /** Makes no more; those that are ready are ended, or left, with all other machines. */
    @Override
    public void close() {
        closing = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** How many are being made. */
    int comingUp(VmType type) {
        return kind(type).comingUp.size();
    }

    private Kind kind(VmType type) {
        return Objects.requireNonNull(kinds.get(type));
    }

    private void run() {
        while (!closing) {
            if (lease.isHeld()) {
                for (VmType type : VmType.values()) {
                    look(type);
                }
            }
            try {
                var _ = wake.tryAcquire(LOOK.toNanos(), TimeUnit.NANOSECONDS);
                wake.drainPermits();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Makes and ends as many as are missing, or too many. */
    void look(VmType type) {
        try {
            Kind kind = kind(type);
            List<LiveMachine> ready = current(type);
            int missing = target(type) - ready.size() - kind.comingUp.size();
            for (int i = missing; i < 0 && i + ready.size() >= 0; i++) {
                LiveMachine youngest = ready.get(ready.size() + i);
                machines.giveWay(youngest.id(), "fewer are wanted now");
            }
            while (missing > 0
                    && kind.comingUp.size() < AT_ONCE
                    && System.nanoTime() - kind.notBefore >= 0
                    && begin(type, kind)) {
                missing--;
            }
        } catch (FailureException e) {
            LOG.debug("No machines are kept ready: {}", e.reason().detail());
        } catch (RuntimeException e) {
            LOG.error("The pool of {} machines met a defect", type.wire(), e);
        }
    }

    /** Those of the current image; the others end. */
    private List<LiveMachine> current(VmType type) {
        List<LiveMachine> all = machines.spares(type);
        if (all.isEmpty()) {
            return all;
        }
        String image = machines.image(type).id();
        List<LiveMachine> current = new ArrayList<>();
        for (LiveMachine one : all) {
            if (one.machine().spec().image().id().equals(image)) {
                current.add(one);
            } else {
                machines.giveWay(one.id(), "its image is not the current one any more");
            }
        }
        return current;
    }

    /** @return false when there is no room */
    private boolean begin(VmType type, Kind kind) {
        MachineId id = MachineId.random();
        Optional<Place> place = room.forSpare(id, type, () -> machines.giveWay(id, "it gives way to a user's start"));
        place.ifPresent(given -> {
            kind.comingUp.add(id);
            Thread.ofVirtual().name("warm " + id).start(() -> bringUp(id, type, kind, given));
        });
        return place.isPresent();
    }

    private void bringUp(MachineId id, VmType type, Kind kind, Place place) {
        long began = System.nanoTime();
        try {
            machines.startSpare(id, type, new Owner.Pool(), place);
            kind.demand.restored(Duration.ofNanos(System.nanoTime() - began));
            kind.pause = Duration.ZERO;
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.TEMPLATE_UNUSABLE) {
                LOG.warn(
                        "No {} machine could be kept ready: {} {}",
                        type.wire(),
                        e.reason().code(),
                        e.reason().detail());
            }
            rest(kind);
        } catch (InterruptedException e) {
            rest(kind); // It gave way, or the controller ends.
        } catch (RuntimeException e) {
            LOG.error("A machine of the pool met a defect", e);
            rest(kind);
        } finally {
            kind.comingUp.remove(id);
            wake.release();
        }
    }

    /** The next try is later, and later each time. */
    private static void rest(Kind kind) {
        Duration twice = kind.pause.multipliedBy(2).plusSeconds(1);
        kind.pause = twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
        kind.notBefore = System.nanoTime() + kind.pause.toNanos();
    }
}
