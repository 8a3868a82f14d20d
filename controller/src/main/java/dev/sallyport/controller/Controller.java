package dev.sallyport.controller;

import dev.sallyport.controller.admission.Admission;
import dev.sallyport.controller.admission.HostMemory;
import dev.sallyport.controller.admission.Limits;
import dev.sallyport.controller.admission.Memory;
import dev.sallyport.controller.admission.StartRates;
import dev.sallyport.controller.host.Bells;
import dev.sallyport.controller.host.HostFile;
import dev.sallyport.controller.host.Lease;
import dev.sallyport.controller.host.PostgresBells;
import dev.sallyport.controller.host.Rounds;
import dev.sallyport.controller.http.Api;
import dev.sallyport.controller.http.HttpServer;
import dev.sallyport.controller.http.Peers;
import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.controller.logs.LogRetention;
import dev.sallyport.controller.metrics.Metrics;
import dev.sallyport.controller.metrics.Outcomes;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.MachineTimeline;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.pool.Room;
import dev.sallyport.controller.pool.Standbys;
import dev.sallyport.controller.pool.TemplateSource;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.session.StayPolicy;
import dev.sallyport.controller.session.Watching;
import dev.sallyport.controller.store.AdminToken;
import dev.sallyport.controller.store.CredentialStore;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.TimelineId;
import dev.sallyport.controller.store.TimelineSignals;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.controller.store.TokenStore;
import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.controller.store.postgres.FolderLock;
import dev.sallyport.controller.template.Ripening;
import dev.sallyport.controller.template.TemplateMaker;
import dev.sallyport.controller.template.TemplateShelf;
import dev.sallyport.controller.timers.DurableTimers;
import dev.sallyport.controller.warm.WarmPool;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.qemu.QemuDriver;
import dev.sallyport.machine.qemu.QemuOptions;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.StepHook;
import dev.sallyport.model.VmType;
import dev.sallyport.provider.Providers;
import dev.sallyport.relay.RelaySettings;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Tickets;
import dev.sallyport.relay.Viewers;
import dev.sallyport.vault.MasterKey;
import dev.sallyport.vault.Vault;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One running controller. {@link #start} is the whole wiring, from the database up; {@link #close} ends it in reverse order. */
public final class Controller implements AutoCloseable {
    /** Whether all machines' doors have one listener: fewer open files, but no other controller beside this one on its host. */
    private static final boolean SHARES_DOORS = "1".equals(System.getenv("SALLYPORT_SHARED_DOORS"));

    private static final Logger LOG = LoggerFactory.getLogger(Controller.class);
    private static final Duration ROUND = Duration.ofMinutes(1);
    private static final int FORGET_AT_ONCE = 500;

    private final HttpServer server;
    private final AdminToken admin;
    private final Settings settings;
    private final TemplateMaker maker;
    private final Standbys standbys;
    private final Deque<AutoCloseable> parts;

    private Controller(
            HttpServer server,
            AdminToken admin,
            Settings settings,
            TemplateMaker maker,
            Standbys standbys,
            Deque<AutoCloseable> parts) {
        this.server = server;
        this.settings = settings;
        this.maker = maker;
        this.standbys = standbys;
        this.admin = admin;
        this.parts = parts;
    }

    /**
     * Whether machines begin from templates from now on, or boot because they are to, or cannot do better.
     *
     * @throws InterruptedException when the calling thread is interrupted
     */
    public boolean hasTemplates() throws InterruptedException {
        return !settings.ahead().templates() || maker.isSettled();
    }

    /** How many hypervisors wait for machines of {@code type}. */
    public int standbys(VmType type) {
        return standbys.size(type);
    }

    /**
     * What a controller is made with besides its settings.
     *
     * @param driver makes machines; given the settings
     * @param steps told of each journalled step
     * @param memory the host's memory
     */
    public record Fittings(Function<Settings, MachineDriver> driver, StepHook steps, Memory memory) {
        /** QEMU on this host. */
        public static final Fittings USUAL =
                new Fittings(Controller::qemu, StepHook.NONE, new HostMemory(Path.of("/")));
    }

    /**
     * Starts a controller; it serves when this returns.
     *
     * @throws dev.sallyport.model.FailureException with the cause when it cannot; nothing of it is left then
     */
    public static Controller start(Settings settings) throws InterruptedException {
        return start(settings, Fittings.USUAL);
    }

    /** As {@link #start(Settings)}, with other fittings. */
    public static Controller start(Settings settings, Fittings fittings) throws InterruptedException {
        Deque<AutoCloseable> parts = new ArrayDeque<>();
        try {
            return wire(settings, fittings, parts);
        } catch (RuntimeException | InterruptedException e) {
            closeAll(parts, e);
            throw e;
        }
    }

    private static Controller wire(Settings settings, Fittings fittings, Deque<AutoCloseable> parts)
            throws InterruptedException {
        Folders folders = settings.folders();
        boolean shared = settings.database().isPresent();
        Database database =
                open(parts, Database.open(access(settings, parts), InstantSource.system(), fittings.steps()));
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        database.report(registry);
        var outcomes = new Outcomes(registry);
        AdminToken admin = AdminToken.at(folders.data());
        Vault vault = Vault.open(
                MasterKey.load(folders.data().resolve("master-key"), System.getenv("SALLYPORT_MASTER_KEY")),
                new CredentialStore(database, outcomes));
        var signals = new TimelineSignals(shared);
        var timelines = new TimelineStore(database, signals, outcomes);
        var stays = new StayPolicy(settings.timing().stays());
        var sessionStore = new SessionStore(database, timelines, outcomes, stays);
        var machineStore = new MachineStore(database, timelines, vault, outcomes);
        var resourceStore = new ResourceStore(database);
        var tokens = new TokenStore(database);

        var hostStore = new HostStore(database, sessionStore, machineStore);
        Lease lease = Lease.take(
                hostStore,
                HostFile.at(folders.data()),
                hostName(),
                settings.timing().lease());
        open(
                parts,
                () -> lease.release(
                        settings.onExit() == Settings.OnExit.LEAVE
                                ? settings.timing().left()
                                : Duration.ZERO));
        Bells bells = shared ? open(parts, new PostgresBells(database)) : Bells.NONE;

        Providers providers = Providers.load(folders.data().resolve("providers"));
        ImageStore images = ImageStore.open(folders.cache());
        EgressGateway gateway = open(parts, new EgressGateway(settings.upstream(), SHARES_DOORS));
        Limits limits = settings.limits()
                .orElseGet(() -> Limits.defaults(fittings.memory().total()));
        Admission admission = open(parts, new Admission(limits, fittings.memory(), System::nanoTime).start());
        var room = new Room(settings, admission);
        var templates = new TemplateShelf(folders.cache(), InstantSource.system());
        Machines machines = new Machines(
                settings,
                fittings.driver().apply(settings),
                images,
                machineStore,
                resourceStore,
                gateway,
                new MachineTimeline(timelines),
                lease,
                bells,
                room,
                settings.ahead().templates() ? templates : TemplateSource.NONE);
        open(parts, settings.onExit() == Settings.OnExit.LEAVE ? machines::leave : machines);
        var consoles = new ConsoleLogs(folders.data());
        var cliMachines = new CliMachines(machines, providers, vault, room);
        Sessions sessions = Sessions.over(
                machines,
                cliMachines,
                sessionStore,
                machineStore,
                timelines,
                vault,
                providers,
                stays,
                lease,
                bells,
                room,
                outcomes,
                settings.timing());
        open(parts, settings.onExit() == Settings.OnExit.LEAVE ? sessions::leave : sessions);

        // What a controller before this one has left is adopted, or goes, before anything new begins.
        lease.keep(term(machines, cliMachines, sessions));
        Database.persevering(() -> {
            machines.restore();
            cliMachines.adopt();
            sessions.resume();
        });

        var maker = new TemplateMaker(templates, machines, room, lease, Ripening.USUAL, InstantSource.system());
        var warm = new WarmPool(settings.ahead(), machines, room, lease, outcomes::claimed);
        if (settings.ahead().templates()) {
            open(parts, machines.standbys().start());
            open(parts, maker.start(() -> {
                warm.templatesMade();
                machines.standbys().templatesMade();
            }));
            open(parts, warm.start());
        }
        open(
                parts,
                new LogRetention(
                                folders.data(),
                                folders.cache(),
                                settings.logs(),
                                id -> lives(machineStore, id),
                                InstantSource.system())
                        .start());
        open(
                parts,
                new DurableTimers.Builder()
                        .on(StayPolicy.BROWSER_END, id -> sessions.endBrowserIfDue(new SessionId(id)))
                        .on(StayPolicy.SESSION_EXPIRY, id -> sessions.expireIfDue(new SessionId(id)))
                        .every(
                                Duration.ofHours(1),
                                "retention",
                                () -> forgetOld(
                                        sessionStore,
                                        machineStore,
                                        settings.timing().ended()))
                        .start(database, lease.host().value(), outcomes::timerFired));
        open(parts, Rounds.start(lease, ROUND, List.of(machines::reconcile, sessions::reconcile)));

        var tickets = new Tickets(Clock.systemUTC());
        var viewers = new Viewers(Viewers.DEFAULT_PER_SESSION, open(parts, new Watching(sessionStore)));
        ScreenRelay relay = open(parts, new ScreenRelay(viewers, RelaySettings.DEFAULT));
        open(
                parts,
                new Metrics(registry)
                        .parts(sessions, machines, relay, viewers)
                        .room(admission, fittings.memory())
                        .ahead(templates, maker, warm, machines.standbys())
                        .lease(lease)
                        .stored(sessionStore, machineStore, hostStore)
                        .process());
        HttpServer server = open(
                parts,
                HttpServer.start(
                        settings.listen(),
                        new Api(
                                sessions,
                                machines,
                                cliMachines,
                                providers,
                                images,
                                sessionStore,
                                machineStore,
                                timelines,
                                tokens,
                                admin,
                                tickets,
                                relay,
                                consoles,
                                new StartRates(limits.startsPerUser(), limits.startsPerAddress()),
                                registry,
                                open(parts, new Peers(lease.host(), hostStore, vault)))));
        lease.announce(settings.address().isEmpty() ? server.address().toString() : settings.address());
        if (bells instanceof PostgresBells heard) {
            heard.listen(ears(machines, sessions, signals));
        }
        return new Controller(server, admin, settings, maker, machines.standbys(), parts);
    }

    /** The database that is shared, or one of this controller's own; either way the data folder is this controller's alone. */
    private static DatabaseAccess access(Settings settings, Deque<AutoCloseable> parts) throws InterruptedException {
        if (settings.database().isEmpty()) {
            return open(parts, EmbeddedPostgres.start(EmbeddedPostgres.Settings.of(settings.folders())))
                    .access();
        }
        try {
            Files.createDirectories(settings.folders().data());
            open(parts, FolderLock.take(settings.folders().data()));
            return settings.database().get();
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.DISK_FULL,
                            "The data folder " + settings.folders().data() + " cannot be used.",
                            e.toString()),
                    e);
        }
    }

    private static MachineDriver qemu(Settings settings) {
        QemuOptions qemu = QemuOptions.defaults(settings.folders().cache())
                .with(QemuOptions.Accelerator.valueOf(settings.accelerator().name()))
                .with(QemuOptions.Network.valueOf(settings.network().name()));
        return new QemuDriver(settings.hypervisor().isEmpty() ? qemu : qemu.withBinary(settings.hypervisor()));
    }

    private static String hostName() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "unnamed";
        }
    }

    private static Lease.Listener term(Machines machines, CliMachines cliMachines, Sessions sessions) {
        return new Lease.Listener() {
            @Override
            public void lost() {
                sessions.abandon();
                machines.abandon();
                cliMachines.abandon();
            }

            @Override
            public void held() {
                sessions.reconcile();
            }
        };
    }

    private static PostgresBells.Listener ears(Machines machines, Sessions sessions, TimelineSignals signals) {
        return new PostgresBells.Listener() {
            @Override
            public void session(SessionId id) {
                sessions.rung(id);
            }

            @Override
            public void machine(MachineId id) {
                machines.rung(id);
            }

            @Override
            public void timeline(TimelineId id) {
                signals.ring(id);
            }
        };
    }

    private static void forgetOld(SessionStore sessions, MachineStore machines, Duration kept) {
        Instant end = Instant.now().minus(kept);
        while (sessions.deleteEndedBefore(end, FORGET_AT_ONCE) + machines.deleteDestroyedBefore(end, FORGET_AT_ONCE)
                > 0) {
            LOG.debug("Old sessions and machines are forgotten");
        }
    }

    /** Where the API and the page are served. */
    public URI address() {
        return server.address();
    }

    /** The file that holds the admin token. */
    public Path adminTokenFile() {
        return admin.file();
    }

    /** Ends all sign-ins and machines, then the parts, the last started first. */
    @Override
    public void close() {
        var failures = new IllegalStateException("the controller did not end cleanly");
        closeAll(parts, failures);
        if (failures.getSuppressed().length > 0) {
            throw failures;
        }
    }

    private static boolean lives(MachineStore machines, MachineId id) {
        return machines.find(Scope.all(), id)
                .filter(machine -> machine.endedAt() == null)
                .isPresent();
    }

    private static <T extends AutoCloseable> T open(Deque<AutoCloseable> parts, T part) {
        parts.push(part);
        return part;
    }

    /** Closes what is open, the last opened first; what goes wrong on the way is added to {@code failures}. */
    private static void closeAll(Deque<AutoCloseable> parts, Exception failures) {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Throwable e) {
                failures.addSuppressed(e); // Whatever it is, the parts below must end too.
            }
        }
    }
}
