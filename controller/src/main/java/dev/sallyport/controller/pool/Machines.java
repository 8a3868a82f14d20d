package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Place;
import dev.sallyport.controller.host.Bells;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.MachineChange;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.MachineStore.NewMachine;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Resource;
import dev.sallyport.machine.ResourceLedger;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Phaser;
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

    private final Settings settings;
    private final MachineDriver driver;
    private final ImageStore images;
    private final MachineStore store;
    private final ResourceStore resources;
    private final EgressGateway gateway;
    private final MachineTimeline timeline;
    private final Lease lease;
    private final Bells bells;
    private final Room room;
    private final MachineFolders folders;
    private final AgentWait agents;
    private final Adoption adoption;
    private final LeftBehind leftBehind;
    private final Map<MachineId, Running> running = new ConcurrentHashMap<>();
    /** Those whose start is under way, from before they are written down. */
    private final Map<MachineId, Thread> starting = new ConcurrentHashMap<>();
    /** What each takes of the host, until it is gone. */
    private final Map<MachineId, Place> places = new ConcurrentHashMap<>();
    /** Those that are being undone. */
    private final Set<MachineId> undoing = ConcurrentHashMap.newKeySet();
    /** One party for each start under way, and one for {@link #close()}, which waits for them. */
    private final Phaser starts = new Phaser(1);

    private volatile boolean closing;
    private volatile boolean leaving;

    /** A machine that runs, its agent's client, its way out, and whether its agent has answered. */
    record Running(
            Machine machine,
            LiveMachine live,
            MachineDoor door,
            MachineTimeline.Recorder record,
            CompletableFuture<LiveMachine> ready) {}

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
            Room room) {
        this.settings = settings;
        this.driver = driver;
        this.images = images;
        this.store = store;
        this.resources = resources;
        this.gateway = gateway;
        this.timeline = timeline;
        this.lease = lease;
        this.bells = bells;
        this.room = room;
        this.folders = new MachineFolders(settings.folders().data());
        this.agents = new AgentWait(store, settings.timing().boot());
        this.adoption = new Adoption(this, driver, images, store, resources, gateway, timeline, agents);
        this.leftBehind = new LeftBehind(this, driver, store, resources, folders, lease.host());
    }

    /**
     * Starts a machine and waits until its agent answers.
     *
     * @param place its room on the host, admitted; given back when the machine is gone
     * @throws FailureException with the cause when it does not come up; nothing of it is left then but its logs
     * @throws InterruptedException when the calling thread is interrupted; nothing of it is left then either
     */
    public LiveMachine start(MachineId id, MachineRequest request, Place place) throws InterruptedException {
        starts.register();
        starting.put(id, Thread.currentThread());
        places.put(id, place);
        boolean up = false;
        try {
            if (closing) {
                throw new InterruptedException("the controller is shutting down");
            }
            LiveMachine started = startWhole(id, request);
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

    private void giveBack(MachineId id) {
        Place place = places.remove(id);
        if (place != null) {
            place.close();
        }
    }

    private LiveMachine startWhole(MachineId id, MachineRequest request) throws InterruptedException {
        Image image = images.current(request.type().wire())
                .orElseThrow(() -> FailureException.of(
                        CauseCode.IMAGE_MISSING, "The alias '" + request.type().wire() + "' points at no image."));
        Lease.Term term = lease.term();
        term.mustHold();
        Secret token = Secret.random(32);
        store.plan(new NewMachine(
                id,
                request.type(),
                request.user(),
                request.session(),
                image.id(),
                driver.name(),
                token,
                lease.host(),
                request.egress()));
        MachineTimeline.Recorder record = timeline.of(id, request);
        long began = System.nanoTime();
        try {
            store.transition(id, MachineLife.Event.START, MachineChange.none());
            var door = new MachineDoor(gateway, id, request, record);
            Machine machine =
                    driver.start(spec(id, request, image, token, door), guarded(id, request.type(), term), record);
            Running started = running(machine, request, token, door, record, null);
            runs(started);
            agents.await(id, started.live(), image, record, began);
            watch(started);
            return started.live();
        } catch (FailureException e) {
            record.done("failed", e.reason().code().sentence(), e.reason().details());
            end(id, "did not come up: " + e.reason().code(), e.reason());
            throw e;
        } catch (InterruptedException | RuntimeException e) {
            end(id, "its start was given up");
            throw e;
        }
    }

    /** Nothing is made once the lease is lost: what is written down then is undone by those who swept it, or by nobody. */
    private ResourceLedger guarded(MachineId id, VmType type, Lease.Term term) {
        ResourceLedger ledger = resources.ledger(id, type);
        return new ResourceLedger() {
            @Override
            public void intend(Resource resource) {
                ledger.intend(resource);
                try {
                    term.mustHold();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt(); // The driver meets it where it waits next.
                }
            }

            @Override
            public void undone(Resource resource) {
                ledger.undone(resource);
            }
        };
    }

    private void runs(Running started) {
        Machine machine = started.machine();
        try {
            store.runs(started.live().id(), machine.handle(), machine.agent(), machine.streams());
        } catch (FailureException e) {
            // Ended by somebody while it was made: what they undid was not all of it.
            if (e.reason().code() == CauseCode.CONFLICT) {
                running.remove(started.live().id());
                drop(started);
            }
            throw e;
        }
    }

    private List<String> drop(Running ended) {
        List<String> errors = ended.machine().destroy();
        ended.live().agent().close();
        ended.door().close();
        ended.ready().completeExceptionally(FailureException.of(CauseCode.MACHINE_ENDED, "It was ended."));
        return errors;
    }

    /** @param adoptedAt when it was taken over; null for one that was started here */
    private Running running(
            Machine machine,
            MachineRequest request,
            Secret token,
            MachineDoor door,
            MachineTimeline.Recorder record,
            @Nullable Instant adoptedAt) {
        var live = new LiveMachine(
                request.user(),
                machine,
                new AgentClient(machine.agent(), machine.streams(), token),
                record.egressTroubles(),
                adoptedAt);
        var made = new Running(machine, live, door, record, new CompletableFuture<>());
        running.put(live.id(), made);
        Place place = places.get(live.id());
        if (place != null) {
            place.measuredBy(() -> machine.residentBytes().orElse(0));
        }
        return made;
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

    /** @param cause why its start failed; null when it ends for another reason */
    void end(MachineId id, String reason, @Nullable Cause cause) {
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
    Running adopted(
            Machine machine, MachineRequest request, Secret token, MachineDoor door, MachineTimeline.Recorder record) {
        MachineId id = machine.spec().id();
        places.put(id, room.ofAdopted(id, request.type(), request.user()));
        return running(machine, request, token, door, record, Instant.now());
    }

    /** Whether it is being started, runs, or is being undone. */
    boolean isAtWork(MachineId id) {
        return starting.containsKey(id) || running.containsKey(id) || undoing.contains(id);
    }

    /** Undoes what was made of a machine after it had been destroyed, by a start that was ended halfway. */
    void undoWhatIsOnRecord(MachineId id) {
        if (!starting.containsKey(id) && undoing.add(id)) {
            try {
                store.find(Scope.all(), id).ifPresent(machine -> undoResources(machine, new ArrayList<>()));
            } finally {
                undoing.remove(id);
            }
        }
    }

    /** Looks at a machine of which another controller has told that it is to end. */
    public void rung(MachineId id) {
        store.find(Scope.all(), id)
                .filter(machine -> machine.state() == MachineState.DESTROYING
                        && lease.host().equals(machine.host()))
                .ifPresent(this::undo);
    }

    private void undoResources(StoredMachine machine, List<String> errors) {
        for (Resource left : resources.notUndone(machine.id())) {
            List<String> met = driver.undo(left);
            errors.addAll(met);
            if (met.isEmpty()) {
                resources.ledger(machine.id(), machine.type()).undone(left);
            }
        }
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

    void undo(StoredMachine machine) {
        MachineId id = machine.id();
        if (!undoing.add(id)) {
            return; // Under way.
        }
        try {
            undoWhole(machine);
        } finally {
            undoing.remove(id);
        }
    }

    private void undoWhole(StoredMachine machine) {
        MachineId id = machine.id();
        List<String> errors = new ArrayList<>();
        Running ended = running.remove(id);
        if (ended != null) {
            errors.addAll(drop(ended));
        }
        undoResources(machine, errors);
        giveBack(id);
        folders.remove(id, errors);
        if (!errors.isEmpty()) {
            // It stays as it is, with its resources on record: the next look tries again.
            LOG.error("Machine {} is not wholly undone: {}", id, errors);
            return;
        }
        try {
            store.transition(id, MachineLife.Event.GONE, MachineChange.none());
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.CONFLICT) {
                throw e;
            }
            LOG.debug("Machine {} had been undone before", id);
            return;
        }
        timeline.gone(machine);
    }

    MachineSpec spec(MachineId id, MachineRequest request, Image image, Secret token, MachineDoor door) {
        Settings.Shape shape = settings.shape(request.type());
        Map<String, String> facts = new HashMap<>();
        facts.put("hostname", request.type().wire() + "-" + id.value().substring(2));
        facts.put("time", Long.toString(System.currentTimeMillis() / 1000));
        facts.put("token_sha256", token.sha256());
        settings.extraAuthorities()
                .ifPresent(pem -> facts.put(
                        "ca_certificates",
                        Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII))));
        return new MachineSpec(
                id,
                request.type(),
                image,
                shape.memoryMib(),
                shape.cpus(),
                shape.diskBytes(),
                folders.make(id),
                facts,
                door);
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
