package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Bells;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.MachineChange;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.Share;
import dev.sallyport.machine.TemplateKey;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machines of this host: started, waited for until their agents answer, watched over, adopted from a controller that ended, and
 * ended. Every outside thing is in the store before it is made. What should be is in the store too: {@link #restore()} and
 * {@link #reconcile()} make what is here like it.
 */
public final class Machines implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Machines.class);
    private static final Duration WATCH = Duration.ofHours(1);

    private final MachineDriver driver;
    private final MachineStore store;
    private final Lease lease;
    private final Bells bells;
    private final Room room;
    private final Specs specs;
    private final Starter starter;
    private final Claims claims;
    private final Standbys standbys;
    private final Undoing undoing;
    private final Adoption adoption;
    private final LeftBehind leftBehind;
    private final Map<MachineId, Running> running = new ConcurrentHashMap<>();
    /** Those of them that are the pool's: few, and looked for at each start. */
    private final Set<MachineId> pooled = ConcurrentHashMap.newKeySet();
    /** Those whose start is under way, from before they are written down. */
    private final Map<MachineId, Thread> starting = new ConcurrentHashMap<>();
    /** What each takes of the host, until it is gone. */
    private final Map<MachineId, Place> places = new ConcurrentHashMap<>();
    /** One party for each start under way, and one for {@link #close()}, which waits for them. */
    private final Phaser starts = new Phaser(1);

    private volatile SpareListener spares = SpareListener.NONE;
    private volatile boolean closing;
    private volatile boolean leaving;

    /** A machine that runs, its agent's client, its way out, and whether its agent has answered. */
    record Running(
            Machine machine,
            LiveMachine live,
            MachineDoor door,
            MachineTimeline.Recorder record,
            CompletableFuture<LiveMachine> ready,
            Instant since) {}

    public Machines(
            Settings settings,
            MachineDriver driver,
            ImageStore images,
            MachineStore store,
            ResourceStore resources,
            EgressGateway gateway,
            MachineTimeline timeline,
            Lease lease,
            Bells bells,
            Room room,
            TemplateSource templates) {
        this.driver = driver;
        this.store = store;
        this.lease = lease;
        this.bells = bells;
        this.room = room;
        var folders = new MachineFolders(settings.folders().data());
        var boots = new AgentWait(store, settings.timing().boot());
        this.specs = new Specs(settings, images, folders);
        this.starter = new Starter(
                settings, driver, store, resources, gateway, timeline, lease, specs, boots, templates, this);
        this.claims = new Claims(this, store, specs, lease.host());
        this.standbys = new Standbys(settings, driver, specs, folders, templates, lease, this);
        this.undoing = new Undoing(this, driver, store, resources, folders, timeline);
        this.adoption = new Adoption(this, driver, images, specs, store, resources, gateway, timeline, boots);
        this.leftBehind = new LeftBehind(this, driver, store, resources, folders, lease.host());
    }

    /** Tells {@code listener} of machines that are nobody's, from now on. */
    public void tell(SpareListener listener) {
        spares = listener;
    }

    /**
     * Gives its user a machine that is kept ready, or starts one and waits until its agent answers.
     *
     * @param place its room on the host, admitted; given back when the machine is gone
     * @throws FailureException with the cause when it does not come up; nothing of it is left then but its logs
     * @throws InterruptedException when the calling thread is interrupted; nothing of it is left then either
     */
    public LiveMachine start(MachineRequest request, Place place) throws InterruptedException {
        Optional<Standbys.Waiting> waiting = standbys.take(request.type());
        MachineId id = waiting.map(Standbys.Waiting::id).orElseGet(MachineId::random);
        var begun = new AtomicBoolean();
        try {
            return underWay(id, place, () -> {
                Optional<LiveMachine> claimed = claim(id, request, place);
                if (claimed.isPresent()) {
                    return claimed.get();
                }
                place.settle();
                begun.set(true);
                return starter.start(id, request, waiting);
            });
        } finally {
            waiting.ifPresent(begun.get() ? standbys::done : standbys::putBack);
        }
    }

    /**
     * Starts a machine that is nobody's, as {@link #start} does: one of the pool from a template alone, one for a template by
     * booting its image. Of the latter its maker alone knows when it is to end.
     *
     * @param id its id, to which {@code place} gives way with {@link #giveWay}
     */
    public LiveMachine startSpare(MachineId id, VmType type, Owner owner, Place place) throws InterruptedException {
        return underWay(id, place, () -> starter.start(id, MachineRequest.spare(type, owner), Optional.empty()));
    }

    private interface Work {
        LiveMachine run() throws InterruptedException;
    }

    private LiveMachine underWay(MachineId id, Place place, Work work) throws InterruptedException {
        starts.register();
        starting.put(id, Thread.currentThread());
        places.put(id, place);
        boolean up = false;
        try {
            if (closing) {
                throw new InterruptedException("the controller is shutting down");
            }
            LiveMachine started = work.run();
            up = true;
            return started;
        } finally {
            if (!up) {
                giveBack(id);
            }
            starting.remove(id);
            starts.arriveAndDeregister();
        }
    }

    /** @param id under which {@code place} is kept until it is the claimed machine's */
    private Optional<LiveMachine> claim(MachineId id, MachineRequest request, Place place) throws InterruptedException {
        Optional<UserId> user = request.owner().user();
        if (user.isEmpty()) {
            return Optional.empty();
        }
        long began = System.nanoTime();
        Optional<LiveMachine> claimed = claims.claim(request, user.get(), place);
        if (claimed.isPresent()) {
            places.remove(id, place);
            spares.claimed(request.type(), Duration.ofNanos(System.nanoTime() - began));
        } else {
            spares.missed(request.type());
        }
        return claimed;
    }

    /** @return empty when it has ended in the meantime */
    Optional<LiveMachine> given(Running one, Owner owner, Place place) {
        MachineId id = one.live().id();
        LiveMachine live = one.live().of(owner, one.record().egressTroubles());
        var given = new Running(
                one.machine(), live, one.door(), one.record(), CompletableFuture.completedFuture(live), one.since());
        if (!running.replace(id, one, given)) {
            return Optional.empty();
        }
        pooled.remove(id);
        place.measuredBy(() -> one.machine().residentBytes().orElse(0));
        Place spare = places.put(id, place);
        if (spare != null) {
            spare.close();
        }
        if (!running.containsKey(id)) {
            giveBack(id); // It has ended just now, and gave back what it had before.
        }
        return Optional.of(live);
    }

    /** The machines that are kept ready for users, the oldest first. */
    public List<LiveMachine> spares(VmType type) {
        return claims.ready(type).stream().map(Running::live).toList();
    }

    /** Has a machine that is nobody's end, if it still is; returns at once. */
    public void giveWay(MachineId id, String reason) {
        Thread starter = starting.get(id);
        if (starter != null) {
            starter.interrupt();
        } else if (claims.take(id)) {
            endAside(id, reason);
        }
    }

    /** Adds a step to the timeline of a machine that runs here. */
    public void tell(MachineId id, String step, String text, Map<String, String> details) {
        Running one = running.get(id);
        if (one != null) {
            one.record().done(step, text, details);
        }
    }

    /** Ends a machine on a thread of its own. */
    void endAside(MachineId id, String reason) {
        Thread.ofVirtual().name("end " + id).start(() -> {
            try {
                end(id, reason);
            } catch (RuntimeException e) {
                LOG.error("Machine {} could not be ended", id, e); // The next look tries again.
            }
        });
    }

    /** What a template of such machines depends on; empty where the driver makes none. */
    public Optional<TemplateKey> templateKey(VmType type) throws InterruptedException {
        return specs.templateKey(driver, type);
    }

    /** The image that machines of {@code type} are made from now. */
    public Image image(VmType type) {
        return specs.image(type);
    }

    /** The ids of the images that machines are made from now. */
    public Set<String> currentImages() {
        return specs.currentImages();
    }

    /** The hypervisors that wait for users' starts. */
    public Standbys standbys() {
        return standbys;
    }

    /** Whether machines are coming up. */
    public boolean isStarting() {
        return starts.getRegisteredParties() > 1;
    }

    /** Its room is free. */
    void giveBack(MachineId id) {
        Place place = places.remove(id);
        if (place != null) {
            place.close();
        }
    }

    /**
     * It runs here no more.
     *
     * @return the errors met; none when it did not run here
     */
    List<String> drop(MachineId id) {
        Running ended = running.remove(id);
        claims.forget(id);
        if (ended == null) {
            return List.of();
        }
        if (ended.live().owner() instanceof Owner.Pool) {
            spares.gone(ended.live().type());
        }
        return drop(ended);
    }

    /** What was begun of it is undone; it may begin anew. */
    List<String> forget(Running begun) {
        running.remove(begun.live().id(), begun);
        return drop(begun);
    }

    private List<String> drop(Running ended) {
        pooled.remove(ended.live().id());
        List<String> errors = ended.machine().destroy();
        ended.live().agent().close();
        ended.door().close();
        ended.ready().completeExceptionally(FailureException.of(CauseCode.MACHINE_ENDED, "It was ended."));
        return errors;
    }

    /** @param adoptedAt when it was taken over; null for one that was started here */
    Running running(
            Machine machine,
            Owner owner,
            Secret token,
            MachineDoor door,
            MachineTimeline.Recorder record,
            @Nullable Instant adoptedAt) {
        var live = new LiveMachine(
                owner,
                machine,
                new AgentClient(machine.agent(), machine.streams(), token),
                record.egressTroubles(),
                adoptedAt);
        var made = new Running(machine, live, door, record, new CompletableFuture<>(), Instant.now());
        running.put(live.id(), made);
        if (owner instanceof Owner.Pool) {
            pooled.add(live.id());
        }
        Place place = places.get(live.id());
        if (place != null) {
            place.measuredBy(() -> machine.residentBytes().orElse(0));
        }
        return made;
    }

    /** Those that run here and are the pool's, up or not. */
    List<Running> pooled() {
        return pooled.stream().map(running::get).filter(Objects::nonNull).toList();
    }

    /** The machine {@code id} if it runs here. */
    public Optional<LiveMachine> find(MachineId id) {
        return Optional.ofNullable(running.get(id)).map(Running::live);
    }

    /**
     * Waits until the agent of a machine that runs here answers; an adopted one may still be coming up.
     *
     * @return empty when it does not run here
     * @throws FailureException with the cause when it did not come up
     * @throws InterruptedException when the calling thread is interrupted; the machine stays
     */
    public Optional<LiveMachine> await(MachineId id) throws InterruptedException {
        Running found = running.get(id);
        if (found == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(found.ready().get());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof FailureException failure) {
                throw failure;
            }
            throw new IllegalStateException("the wait for an adopted machine ended in an unexpected way", e.getCause());
        }
    }

    /** Whether a CLI machine has been given what its user's vault holds. */
    boolean isFurnished(MachineId id) {
        return store.isFurnished(id);
    }

    /** A CLI machine has been given what its user's vault holds. */
    void furnished(MachineId id) {
        store.furnished(id);
    }

    /** The machines that run here. */
    public List<LiveMachine> all() {
        return running.values().stream().map(Running::live).toList();
    }

    /** How many machines of {@code type} run. */
    public long running(VmType type) {
        return running.values().stream()
                .filter(one -> one.live().type() == type)
                .count();
    }

    /** Machines that were adopted since the start. */
    public long adopted() {
        return adoption.adopted();
    }

    /** Machines that a controller before had left and that could not be adopted. */
    public long notAdopted() {
        return adoption.notAdopted();
    }

    /** Things found that nobody knew of, and removed. */
    public long orphansRemoved() {
        return leftBehind.removed();
    }

    /**
     * Ends machine {@code id} and undoes all that was made for it, or, when it is another host's, tells that host to. Doing so twice
     * is harmless; of several callers at once one does it and the others return.
     */
    public void end(MachineId id, String reason) {
        end(id, reason, null);
    }

    /**
     * As {@link #end(MachineId, String)}.
     *
     * @param cause why its start failed; null when it ends for another reason
     */
    public void end(MachineId id, String reason, @Nullable Cause cause) {
        boolean interrupted = Thread.interrupted(); // What is begun here is finished: half an end is a leak.
        try {
            Database.persevering(() -> endWhole(id, reason, cause));
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void endWhole(MachineId id, String reason, @Nullable Cause cause) {
        StoredMachine stored = store.find(Scope.all(), id).orElse(null);
        if (stored == null
                || stored.state() == MachineState.DESTROYING
                || stored.state() == MachineState.DESTROYED
                || stored.state() == MachineState.LOST) {
            return;
        }
        try {
            MachineChange change = MachineChange.none().endReason(reason).saying("Ending: " + reason);
            store.transition(id, MachineLife.Event.END, cause == null ? change : change.cause(cause));
        } catch (FailureException e) {
            if (e.reason().code() == CauseCode.CONFLICT) {
                return; // Another caller was quicker.
            }
            throw e;
        }
        if (lease.host().equals(stored.host())) {
            undo(stored);
        } else {
            bells.machine(id);
        }
    }

    /**
     * Adopts the machines that a controller before this one has left running, and undoes the others. They come up side by side;
     * those that were booting go on to.
     */
    public void restore() {
        adoption.restore(store.notDestroyed(lease.host()));
        leftBehind.removeUnknown();
    }

    /** Compares what is here with what should be, and mends it. */
    public void reconcile() {
        leftBehind.mend();
    }

    /** A machine that was taken over runs here. */
    Running adopted(Machine machine, Owner owner, Secret token, MachineDoor door, MachineTimeline.Recorder record) {
        MachineId id = machine.spec().id();
        VmType type = machine.spec().type();
        places.put(
                id,
                owner.user()
                        .map(user -> room.ofAdopted(id, type, user))
                        .orElseGet(() ->
                                room.ofAdoptedSpare(id, type, () -> giveWay(id, "it gives way to a user's start"))));
        machine.take(Share.USUAL);
        return running(machine, owner, token, door, record, Instant.now());
    }

    /** Whether it is being started, runs, or is being undone. */
    boolean isAtWork(MachineId id) {
        return starting.containsKey(id) || running.containsKey(id) || undoing.isUnderWay(id) || standbys.has(id);
    }

    /** Undoes what was made of a machine after it had been destroyed, by a start that was ended halfway. */
    void undoWhatIsOnRecord(MachineId id) {
        if (!starting.containsKey(id)) {
            undoing.undoWhatIsOnRecord(id);
        }
    }

    void undo(StoredMachine machine) {
        undoing.undo(machine);
    }

    /** Looks at a machine of which another controller has told that it is to end. */
    public void rung(MachineId id) {
        store.find(Scope.all(), id)
                .filter(machine -> machine.state() == MachineState.DESTROYING
                        && lease.host().equals(machine.host()))
                .ifPresent(this::undo);
    }

    /** Gives up the starts under way and ends all machines, side by side. */
    @Override
    public void close() {
        stopStarts();
        List<Thread> ends = new ArrayList<>();
        for (MachineId id : running.keySet()) {
            ends.add(Thread.ofVirtual().start(() -> end(id, "the controller is shutting down")));
        }
        ends.forEach(Machines::joinWhole);
    }

    /** Gives up the starts under way, and lets go of all other machines: they run on, for the next controller to adopt. */
    public void leave() {
        leaving = true;
        stopStarts();
        running.forEach((id, left) -> letGo(left));
        running.clear();
    }

    /** Ends all machines here at once, whatever the store says: they are nobody's any more. What is left of them is undone then. */
    public void abandon() {
        starting.values().forEach(Thread::interrupt);
        starts.arriveAndAwaitAdvance();
        List<Thread> ends = store.notDestroyed(lease.host()).stream()
                .map(machine -> Thread.ofVirtual().start(() -> Database.persevering(() -> undo(machine))))
                .toList();
        ends.forEach(Machines::joinWhole);
    }

    private void stopStarts() {
        if (!closing) {
            closing = true;
            starting.values().forEach(Thread::interrupt);
            starts.arriveAndAwaitAdvance();
        }
    }

    private static void letGo(Running left) {
        left.machine().leave();
        left.live().agent().close();
        left.door().close();
    }

    void watch(Running started) {
        started.ready().complete(started.live());
        Thread.ofVirtual().name("watch " + started.live().id()).start(() -> watchEnd(started));
    }

    /** Waits for the machine's own end, which nobody asked for, and cleans up after it. */
    private void watchEnd(Running started) {
        MachineId id = started.live().id();
        try {
            Optional<MachineExit> exit = Optional.empty();
            while (exit.isEmpty() && running.containsKey(id)) {
                exit = started.machine().awaitExit(WATCH);
            }
            if (exit.isPresent() && exit.get().kind() != MachineExit.Kind.DESTROYED && !leaving) {
                MachineExit.Kind kind = exit.get().kind();
                Database.persevering(() -> {
                    started.record().done("ended", "The machine ended by itself.", Map.of("kind", kind.name()));
                    end(id, "it ended by itself: " + kind);
                });
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("Machine {} could not be cleaned up after its end", id, e);
        }
    }

    static void joinWhole(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // A clean-up that was begun is finished first.
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
