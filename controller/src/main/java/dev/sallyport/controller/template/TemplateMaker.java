package dev.sallyport.controller.template;

import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Room;
import dev.sallyport.image.Failures;
import dev.sallyport.image.FileLocks;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the templates of this host behind the scenes, one at a time: where there is none for the current images, and where the one
 * that there is has become old. It gives way to users' starts, and what fails is tried again after growing pauses.
 */
public final class TemplateMaker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TemplateMaker.class);
    /** What all machines of a template share, such as the layout of their memory, is not to be the same for ever. */
    private static final Duration OLD = Duration.ofHours(24);

    private static final Duration UNUSED = Duration.ofDays(7);
    /** How long it is put off for other machines that come up. */
    private static final Duration COURTESY = Duration.ofMinutes(2);
    /** An image is promoted by another process, which tells nobody. */
    private static final Duration LOOK = Duration.ofSeconds(10);
    /** Nor is it told that no machine comes up any more. */
    private static final Duration LOOK_WHILE_HELD_BACK = Duration.ofSeconds(1);

    private final TemplateShelf shelf;
    private final Machines machines;
    private final Room room;
    private final Lease lease;
    private final Ripening ripening;
    private final InstantSource clock;
    private final Semaphore wake = new Semaphore(0);
    /** Since when a template could be made, but for machines that come up; nanoseconds. */
    private final Map<VmType, Long> heldBack = new EnumMap<>(VmType.class);

    private final Map<VmType, Pauses> pauses = new EnumMap<>(VmType.class);
    private final LongAdder made = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final Thread thread;
    private volatile Runnable whenMade = () -> {};
    private volatile boolean closing;

    /** @param ripening the wait until a machine is fit to be a template */
    public TemplateMaker(
            TemplateShelf shelf, Machines machines, Room room, Lease lease, Ripening ripening, InstantSource clock) {
        this.shelf = shelf;
        this.machines = machines;
        this.room = room;
        this.lease = lease;
        this.ripening = ripening;
        this.clock = clock;
        for (VmType type : VmType.values()) {
            pauses.put(type, new Pauses(System.nanoTime()));
        }
        this.thread = Thread.ofVirtual().name("templates").unstarted(this::run);
        shelf.tell(new TemplateShelf.Listener() {
            @Override
            public void worked(VmType type) {
                pauses(type).proved();
            }

            @Override
            public void unusable(VmType type) {
                pauses(type).spoilt(System.nanoTime());
                wake.release();
            }
        });
    }

    /**
     * Begins.
     *
     * @param told of each template that is made
     */
    public TemplateMaker start(Runnable told) {
        whenMade = told;
        thread.start();
        return this;
    }

    /** Templates made. */
    public long made() {
        return made.sum();
    }

    /** Templates that could not be made. */
    public long failed() {
        return failed.sum();
    }

    /**
     * Whether there is nothing to wait for: each kind of machine has its template, or none can be made now.
     *
     * @throws InterruptedException when the calling thread is interrupted
     */
    public boolean isSettled() throws InterruptedException {
        for (VmType type : VmType.values()) {
            Optional<TemplateKey> key = machines.templateKey(type);
            if (key.isPresent()
                    && shelf.age(type, key.get()).isEmpty()
                    && pauses(type).isOver(System.nanoTime())) {
                return false;
            }
        }
        return true;
    }

    /** Gives up what is being made. */
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

    private Pauses pauses(VmType type) {
        return Objects.requireNonNull(pauses.get(type));
    }

    private void run() {
        while (!closing) {
            for (VmType type : VmType.values()) {
                look(type);
            }
            try {
                Duration until = heldBack.isEmpty() ? LOOK : LOOK_WHILE_HELD_BACK;
                var _ = wake.tryAcquire(until.toNanos(), TimeUnit.NANOSECONDS);
                wake.drainPermits();
            } catch (InterruptedException e) {
                LOG.debug("Interrupted; closing: {}", closing); // Or what it was about to give way is over.
            }
        }
    }

    /** Makes the template of {@code type} if one is wanted and may be made. By one thread at a time. */
    void look(VmType type) {
        try {
            if (!closing && lease.isHeld() && pauses(type).isOver(System.nanoTime())) {
                Optional<TemplateKey> key = machines.templateKey(type);
                if (key.isPresent() && isWanted(type, key.get()) && !isHeldBack(type)) {
                    makeAlone(type, key.get());
                }
            }
        } catch (FailureException e) {
            failed(type, e.reason());
        } catch (IOException e) {
            failed(
                    type,
                    failure("The folder of templates cannot be worked in", e).reason());
        } catch (InterruptedException e) {
            pauses(type).later(System.nanoTime()); // It gave way, or the controller ends.
        } catch (RuntimeException e) {
            LOG.error("A template could not be made", e);
            failed(type, Cause.of(CauseCode.TEMPLATE_FAILED, e.toString()));
        }
    }

    private static FailureException failure(String doing, IOException e) {
        return Failures.of(CauseCode.TEMPLATE_FAILED, doing, e);
    }

    private boolean isWanted(VmType type, TemplateKey key) {
        return shelf.age(type, key).filter(age -> age.compareTo(OLD) < 0).isEmpty();
    }

    /** A boot takes processors from other machines that come up: those go first, for a while. */
    private boolean isHeldBack(VmType type) {
        long now = System.nanoTime();
        if (machines.isStarting() && now - heldBack.computeIfAbsent(type, _ -> now) < COURTESY.toNanos()) {
            shelf.state(type, "it is made when other machines are up");
            return true;
        }
        heldBack.remove(type);
        return false;
    }

    private void makeAlone(VmType type, TemplateKey key) throws IOException, InterruptedException {
        Optional<FileLocks.Held> alone = shelf.folders().making();
        if (alone.isEmpty()) {
            shelf.state(type, "another controller of this host makes it, or another template");
            return;
        }
        try (var _ = alone.get()) {
            shelf.folders().removeUnfinished();
            if (isWanted(type, key)) { // Another may have made it meanwhile.
                make(type, key);
            }
            shelf.folders().prune(machines.currentImages(), clock.instant().minus(UNUSED));
        }
    }

    private void make(VmType type, TemplateKey key) throws IOException, InterruptedException {
        MachineId id = MachineId.random();
        var gaveWay = new AtomicBoolean();
        Optional<Place> place = room.forSpare(id, type, () -> {
            gaveWay.set(true);
            machines.giveWay(id, "it gives way to a user's start");
        });
        if (place.isEmpty()) {
            shelf.state(type, "there is no room to make it at this moment");
            return;
        }
        shelf.state(type, "it is being made");
        try {
            Instant began = clock.instant();
            if (new Making(machines, shelf.folders(), ripening).make(id, type, key, place.get(), began)) {
                made.increment();
                pauses(type).made(System.nanoTime());
                whenMade.run();
            }
        } catch (FailureException | IOException e) {
            if (!gaveWay.get()) {
                throw e;
            }
            pauses(type).later(System.nanoTime());
            shelf.state(type, "it gave way to a user's start, and is made later");
        }
    }

    private void failed(VmType type, Cause cause) {
        failed.increment();
        Duration pause = pauses(type).failed(System.nanoTime());
        shelf.state(
                type,
                "it could not be made (" + cause.code() + "), which is tried again in " + pause.toMinutes() + " min");
        LOG.warn(
                "The template of {} machines could not be made: {} {}; it is tried again in {}",
                type.wire(),
                cause.code(),
                cause.detail(),
                pause);
    }
}
