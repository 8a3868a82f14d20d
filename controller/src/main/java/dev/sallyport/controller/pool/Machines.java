package dev.sallyport.controller.pool;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.Health;
import dev.sallyport.controller.Settings;
import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.controller.store.MachineChange;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.MachineStore.NewMachine;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.StoredMachine;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.diagnosis.Verdict;
import dev.sallyport.egress.AllowList;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.Image;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.HttpHealthProbe;
import dev.sallyport.machine.Machine;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.MachineExit;
import dev.sallyport.machine.MachineSpec;
import dev.sallyport.machine.Readiness;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.Secret;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Phaser;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts machines, waits until their agents answer, watches over them, and ends them. Every outside thing is in the store
 * before it is made; what a controller that was killed has left is removed by {@link #removeLeftovers()}.
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
    private final ConsoleLogs consoles;
    private final ImageEvidence imageEvidence = new ImageEvidence();
    private final Map<MachineId, Running> running = new ConcurrentHashMap<>();
    private final Set<Thread> starting = ConcurrentHashMap.newKeySet();
    /** One party for each start under way, and one for {@link #close()}, which waits for them. */
    private final Phaser starts = new Phaser(1);

    private volatile boolean closing;

    /** A machine that was started, its agent's client, and its way out. */
    private record Running(Machine machine, LiveMachine live, EgressGateway.Door door) {}

    public Machines(
            Settings settings,
            MachineDriver driver,
            ImageStore images,
            MachineStore store,
            ResourceStore resources,
            EgressGateway gateway,
            MachineTimeline timeline) {
        this.settings = settings;
        this.driver = driver;
        this.images = images;
        this.store = store;
        this.resources = resources;
        this.gateway = gateway;
        this.timeline = timeline;
        this.consoles = new ConsoleLogs(settings.folders().data());
    }

    /**
     * Starts a machine and waits until its agent answers.
     *
     * @throws FailureException with the cause when it does not come up; nothing of it is left then but its logs
     * @throws InterruptedException when the calling thread is interrupted; nothing of it is left then either
     */
    public LiveMachine start(MachineId id, MachineRequest request) throws InterruptedException {
        starts.register();
        starting.add(Thread.currentThread());
        try {
            if (closing) {
                throw new InterruptedException("the controller is shutting down");
            }
            return startWhole(id, request);
        } finally {
            starting.remove(Thread.currentThread());
            starts.arriveAndDeregister();
        }
    }

    private LiveMachine startWhole(MachineId id, MachineRequest request) throws InterruptedException {
        Image image = images.current(request.type().wire())
                .orElseThrow(() -> FailureException.of(
                        CauseCode.IMAGE_MISSING, "The alias '" + request.type().wire() + "' points at no image."));
        Secret token = Secret.random(32);
        store.plan(new NewMachine(
                id, request.type(), request.user(), request.session(), image.id(), driver.name(), token));
        MachineTimeline.Recorder record = timeline.of(id, request);
        long began = System.nanoTime();
        try {
            store.transition(id, MachineLife.Event.START, MachineChange.none());
            var doors = new Doors(id, request, record);
            Machine machine = driver.start(spec(id, request, image, token, doors), resources.ledger(id), record);
            var live = new LiveMachine(
                    request.user(),
                    machine,
                    new AgentClient(machine.agent(), machine.streams(), token),
                    record.egressTroubles());
            running.put(id, new Running(machine, live, doors.door()));
            awaitAgent(id, live, image, record, began);
            Thread.ofVirtual().name("watch " + id).start(() -> watch(live, record));
            return live;
        } catch (FailureException e) {
            record.done("failed", e.reason().code().sentence(), e.reason().details());
            end(id, "did not come up: " + e.reason().code(), e.reason());
            throw e;
        } catch (InterruptedException | RuntimeException e) {
            end(id, "its start was given up");
            throw e;
        }
    }

    /** The machine {@code id} if its agent answers. */
    public Optional<LiveMachine> find(MachineId id) {
        return Optional.ofNullable(running.get(id)).map(Running::live);
    }

    /** How many machines of {@code type} run. */
    public long running(VmType type) {
        return running.values().stream()
                .filter(one -> one.live().type() == type)
                .count();
    }

    /**
     * Ends machine {@code id} and undoes all that was made for it. Doing so twice is harmless; of several callers at once one
     * does it and the others return.
     */
    public void end(MachineId id, String reason) {
        end(id, reason, null);
    }

    /** @param cause why its start failed; null when it ends for another reason */
    private void end(MachineId id, String reason, @Nullable Cause cause) {
        boolean interrupted = Thread.interrupted(); // What is begun here is finished: half an end is a leak.
        try {
            endWhole(id, reason, cause);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void endWhole(MachineId id, String reason, @Nullable Cause cause) {
        StoredMachine stored = store.get(dev.sallyport.controller.store.Scope.all(), id);
        if (stored.state() == MachineState.DESTROYING || stored.state() == MachineState.DESTROYED) {
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
        undo(id);
    }

    /** Removes what a controller that ended without its clean-up has left. */
    public void removeLeftovers() {
        for (StoredMachine left : store.notDestroyed()) {
            if (left.state() != MachineState.DESTROYING) {
                store.transition(
                        left.id(),
                        MachineLife.Event.END,
                        MachineChange.none().endReason("the controller was restarted"));
            }
            undo(left.id());
        }
    }

    /** Gives up the starts under way and ends all machines, side by side. */
    @Override
    public void close() {
        closing = true;
        starting.forEach(Thread::interrupt);
        starts.arriveAndAwaitAdvance();
        List<Thread> ends = new ArrayList<>();
        for (MachineId id : running.keySet()) {
            ends.add(Thread.ofVirtual().start(() -> end(id, "the controller is shutting down")));
        }
        for (Thread end : ends) {
            joinWhole(end);
        }
    }

    private void awaitAgent(MachineId id, LiveMachine live, Image image, MachineTimeline.Recorder record, long began)
            throws InterruptedException {
        var readiness = new Readiness(live.machine(), new HttpHealthProbe());
        Health health;
        try {
            health = readiness.await(settings.timing().boot());
        } catch (FailureException e) {
            Optional<Verdict> verdict = readiness.verdict();
            if (verdict.isEmpty()) {
                throw e;
            }
            diagnosed(record, verdict.get(), began);
            throw new FailureException(imageEvidence.join(verdict.get(), image), e);
        }
        store.transition(
                id,
                MachineLife.Event.AGENT_READY,
                MachineChange.none()
                        .addresses(live.machine().agent(), live.machine().streams()));
        record.done(
                "agent_ready",
                "The agent answers.",
                Map.of(
                        "since_start_ms", Long.toString((System.nanoTime() - began) / 1_000_000),
                        "agent_version", health.version()));
    }

    /** How soon the cause was named: after the start, and after the first of the lines that prove it. */
    private static void diagnosed(MachineTimeline.Recorder record, Verdict verdict, long began) {
        long signToVerdict =
                Math.max(0, Duration.between(verdict.sign(), Instant.now()).toMillis());
        record.done(
                "diagnosed",
                verdict.cause().detail(),
                Map.of(
                        "cause",
                        verdict.cause().code().name(),
                        "certainty",
                        verdict.certainty().name().toLowerCase(Locale.ROOT),
                        "since_start_ms",
                        Long.toString((System.nanoTime() - began) / 1_000_000),
                        TimelineStore.SIGN_TO_VERDICT,
                        Long.toString(signToVerdict)));
    }

    /** Waits for the machine's own end, which nobody asked for, and cleans up after it. */
    private void watch(LiveMachine live, MachineTimeline.Recorder record) {
        try {
            Optional<MachineExit> exit = Optional.empty();
            while (exit.isEmpty()) {
                exit = live.machine().awaitExit(WATCH);
            }
            if (exit.get().kind() != MachineExit.Kind.DESTROYED) {
                record.done(
                        "ended",
                        "The machine ended by itself.",
                        Map.of("kind", exit.get().kind().name()));
                end(live.id(), "it ended by itself: " + exit.get().kind());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("Machine {} could not be cleaned up after its end", live.id(), e);
        }
    }

    private void undo(MachineId id) {
        List<String> errors = new ArrayList<>();
        Running ended = running.remove(id);
        if (ended != null) {
            errors.addAll(ended.machine().destroy());
            ended.live().agent().close();
            ended.door().close();
        }
        for (Resource left : resources.notUndone(id)) {
            List<String> met = driver.undo(left);
            errors.addAll(met);
            if (met.isEmpty()) {
                resources.ledger(id).undone(left);
            }
        }
        keepConsole(id);
        removeFolder(id, errors);
        if (!errors.isEmpty()) {
            // It stays DESTROYING, with its resources on record: the next start tries again.
            LOG.error("Machine {} is not wholly undone: {}", id, errors);
            return;
        }
        store.transition(id, MachineLife.Event.GONE, MachineChange.none());
    }

    /** Now that it is whole, and also of a machine whose start failed halfway or whose controller was killed. */
    private void keepConsole(MachineId id) {
        try {
            consoles.keep(id);
        } catch (IOException e) {
            LOG.warn("The console log of {} could not be kept", id, e);
        }
    }

    private void removeFolder(MachineId id, List<String> errors) {
        Path folder = folder(id);
        if (!Files.exists(folder)) {
            return;
        }
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            errors.add("the folder " + folder + ": " + e);
        }
    }

    private MachineSpec spec(MachineId id, MachineRequest request, Image image, Secret token, Doors doors) {
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
                makeFolder(id),
                facts,
                doors);
    }

    private Path folder(MachineId id) {
        return settings.folders().data().resolve("machines").resolve(id.value());
    }

    private Path makeFolder(MachineId id) {
        try {
            return Files.createDirectories(folder(id));
        } catch (IOException e) {
            throw new UncheckedIOException("the folder of machine " + id + " cannot be made", e);
        }
    }

    private static void joinWhole(Thread thread) {
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

    /** Opens the machine's way out when its driver knows where it is looked for. */
    private final class Doors implements dev.sallyport.machine.EgressDoor {
        private final MachineId id;
        private final MachineRequest request;
        private final MachineTimeline.Recorder record;
        private EgressGateway.@org.jspecify.annotations.Nullable Door door;

        Doors(MachineId id, MachineRequest request, MachineTimeline.Recorder record) {
            this.id = id;
            this.request = request;
            this.record = record;
        }

        @Override
        public java.net.InetSocketAddress open(java.net.InetAddress address, int port) throws IOException {
            EgressGateway.Door opened = gateway.open(id, address, port, AllowList.of(request.egress()), record);
            door = opened;
            return opened.address();
        }

        EgressGateway.Door door() {
            if (door == null) {
                throw new IllegalStateException("the driver started a machine without asking for its way out");
            }
            return door;
        }
    }
}
