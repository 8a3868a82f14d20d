package dev.sallyport.controller.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.Settings;
import dev.sallyport.controller.admission.Admission;
import dev.sallyport.controller.admission.HostMemory;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.host.Bells;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.MachineTimeline;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Room;
import dev.sallyport.controller.pool.TemplateSource;
import dev.sallyport.controller.store.CredentialStore;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.MachineChange;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.OutcomeListener;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionChange;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineSignals;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.controller.store.postgres.PostgresFolders;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.Resource;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.MachineLife;
import dev.sallyport.model.MachineState;
import dev.sallyport.model.ProviderId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.SessionLife;
import dev.sallyport.model.TimelineEvent;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.provider.Providers;
import dev.sallyport.vault.MasterKey;
import dev.sallyport.vault.Vault;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * All that can end a session and its browser machine, at once and in random orders, on a real database: there is one ending and one
 * destruction, and no transition that the tables have not.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class EndingsTest {
    private static final int ORDERS = 2_000;
    private static final int ORDERS_IN_FULL = 10_000;
    private static final int AT_ONCE = 8;

    private final CountingDriver driver = new CountingDriver();
    private EmbeddedPostgres postgres;
    private Database database;
    private Settings settings;
    private StayPolicy stays;
    private Vault vault;
    private HostStore hosts;
    private ImageStore images;
    private Providers providers;
    private EgressGateway gateway;
    private TimelineStore timelines;
    private SessionStore store;
    private MachineStore machineStore;
    private ResourceStore resources;

    @BeforeAll
    void open(@TempDir Path folder) throws Exception {
        postgres = EmbeddedPostgres.start(PostgresFolders.settings(folder));
        database = Database.open(postgres.access(), InstantSource.system());
        timelines = new TimelineStore(database, new TimelineSignals(), OutcomeListener.NONE);
        settings = Settings.defaults(new Folders(folder.resolve("cache"), folder.resolve("data"), folder))
                .with(Settings.Timing.DEFAULTS.graces(Duration.ZERO, Duration.ZERO, Duration.ofHours(1)));
        stays = new StayPolicy(new StayPolicy.Periods(
                Duration.ZERO,
                Duration.ZERO,
                Duration.ofHours(1),
                Duration.ofHours(1),
                Duration.ZERO,
                Duration.ofHours(1)));
        store = new SessionStore(database, timelines, OutcomeListener.NONE, stays);
        vault = Vault.open(MasterKey.load(folder.resolve("master-key"), null), new CredentialStore(database));
        machineStore = new MachineStore(database, timelines, vault, OutcomeListener.NONE);
        resources = new ResourceStore(database);
        hosts = new HostStore(database, store, machineStore);
        gateway = new EgressGateway(Optional.empty());
        images = ImageStore.open(folder.resolve("cache"));
        providers = Providers.load(folder.resolve("providers"));
    }

    /** A host of its own for each order: what looks around on one sees nothing of the others. */
    private final class Host {
        private final Lease lease = Lease.take(hosts, HostId.random(), "test", Duration.ofHours(1));
        private final Room room = new Room(
                settings, new Admission(Limits.defaults(1L << 40), new HostMemory(Path.of("/")), System::nanoTime));
        private final Machines machines = new Machines(
                settings,
                driver,
                images,
                machineStore,
                resources,
                gateway,
                new MachineTimeline(timelines),
                lease,
                Bells.NONE,
                room,
                TemplateSource.NONE);
        private final Sessions sessions = Sessions.over(
                machines,
                new CliMachines(machines, providers, vault, room),
                store,
                machineStore,
                timelines,
                vault,
                providers,
                stays,
                lease,
                Bells.NONE,
                room,
                OutcomeListener.NONE,
                settings.timing());
    }

    @AfterAll
    void close() {
        gateway.close();
        database.close();
        postgres.close();
    }

    @Test
    void whateverComesTogetherThereIsOneEndingAndOneDestruction() throws Exception {
        long seed = Long.getLong("sallyport.test.seed", 1L);
        int orders = Boolean.getBoolean("sallyport.test.full") ? ORDERS_IN_FULL : ORDERS;
        try (ExecutorService workers = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < orders; i++) {
                long own = seed * 1_000_003 + i;
                all.add(workers.submit(() -> order(own)));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }
    }

    private Void order(long seed) throws Exception {
        var random = new Random(seed);
        var host = new Host();
        MachineId machine = MachineId.random();
        var disk = new Resource("counting", "file", "/of/" + machine);
        StoredSession session = awaitingUser(host, machine, disk, random);

        List<Runnable> happenings = new ArrayList<>(List.of(
                () -> host.sessions.cancel(session.id(), "its user"),
                () -> host.sessions.expireIfDue(session.id()),
                () -> store.transition(Scope.all(), session.id(), SessionLife.Event.FAIL, SessionChange.none()),
                () -> prove(session.id()),
                () -> store.viewers(session.id(), 1),
                () -> store.viewers(session.id(), 0),
                () -> host.sessions.release(session),
                () -> host.sessions.keep(session),
                () -> host.sessions.endBrowserIfDue(session.id()),
                () -> host.machines.end(machine, "it ended by itself"),
                host.machines::reconcile,
                () -> host.machines.rung(machine)));
        Collections.shuffle(happenings, random);
        atOnce(happenings.subList(0, 2 + random.nextInt(happenings.size() - 2)), random);
        finish(host, session.id(), machine);

        assertThat(steps(TimelineId.of(session.id()), "session\\.(completed|failed|cancelled|expired)"))
                .as("seed %d", seed)
                .hasSize(1);
        assertThat(steps(TimelineId.of(machine), "machine\\.destroying"))
                .as("seed %d", seed)
                .hasSize(1);
        assertThat(steps(TimelineId.of(machine), "machine\\.destroyed"))
                .as("seed %d", seed)
                .hasSize(1);
        assertThat(driver.timesUndone(disk)).as("seed %d", seed).isEqualTo(1);
        assertThat(resources.notUndone(machine)).as("seed %d", seed).isEmpty();
        return null;
    }

    /** What was not among the happenings comes last, so that each order has an end: timers, and the look around. */
    private void finish(Host host, SessionId session, MachineId machine) throws InterruptedException {
        quietly(() -> host.sessions.expireIfDue(session));
        quietly(() -> prove(session));
        store.viewers(session, 0);
        quietly(() -> host.sessions.release(store.get(Scope.all(), session)));
        host.machines.end(machine, "the end of the order");
        while (machineStore.get(Scope.all(), machine).state() != MachineState.DESTROYED) {
            // Another thread is at it, whose last event tells that it is done.
            timelines.await(
                    Scope.all(),
                    TimelineId.of(machine),
                    steps(TimelineId.of(machine), ".*").size(),
                    1,
                    Duration.ofSeconds(1));
        }
    }

    private void prove(SessionId session) {
        store.transition(Scope.all(), session, SessionLife.Event.SIGNED_IN, SessionChange.none());
        store.transition(Scope.all(), session, SessionLife.Event.PROVED, SessionChange.none());
    }

    private StoredSession awaitingUser(Host host, MachineId machine, Resource disk, Random random) {
        UserId user = new UserId("user-" + Long.toHexString(random.nextLong()));
        SessionId id =
                store.create(user, new ProviderId("demo"), host.lease.host()).id();
        machineStore.plan(new MachineStore.NewMachine(
                machine,
                VmType.BROWSER,
                user,
                id,
                "image",
                "counting",
                Secret.random(16),
                host.lease.host(),
                Set.of()));
        machineStore.transition(machine, MachineLife.Event.START, MachineChange.none());
        resources.ledger(machine, VmType.BROWSER).intend(List.of(disk));
        machineStore.transition(machine, MachineLife.Event.AGENT_READY, MachineChange.none());
        store.transition(Scope.all(), id, SessionLife.Event.BROWSER_READY, SessionChange.none());
        return store.transition(
                Scope.all(),
                id,
                SessionLife.Event.URL_OPENED,
                SessionChange.none().expiringAt(Instant.now().minusSeconds(1)));
    }

    private static void atOnce(List<Runnable> happenings, Random random) throws Exception {
        var start = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (Runnable happening : happenings) {
                boolean yields = random.nextBoolean();
                all.add(threads.submit(() -> {
                    start.await();
                    if (yields) {
                        Thread.yield();
                    }
                    quietly(happening);
                    return null;
                }));
            }
            start.countDown();
            for (Future<?> each : all) {
                try {
                    each.get();
                } catch (ExecutionException e) {
                    throw new AssertionError("only a conflict may come of it", e.getCause());
                }
            }
        }
    }

    /** Who comes too late is told so; nothing else may go wrong. */
    private static void quietly(Runnable happening) {
        try {
            happening.run();
        } catch (FailureException e) {
            if (e.reason().code() != CauseCode.CONFLICT) {
                throw e;
            }
        }
    }

    private List<String> steps(TimelineId timeline, String pattern) {
        return timelines.read(Scope.all(), timeline, 0, 1000).stream()
                .map(TimelineEvent::step)
                .filter(step -> step.matches(pattern))
                .toList();
    }
}
