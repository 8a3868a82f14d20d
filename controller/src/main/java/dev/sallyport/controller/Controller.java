package dev.sallyport.controller;

import dev.sallyport.controller.http.Api;
import dev.sallyport.controller.http.HttpServer;
import dev.sallyport.controller.logs.ConsoleLogs;
import dev.sallyport.controller.logs.LogRetention;
import dev.sallyport.controller.metrics.Metrics;
import dev.sallyport.controller.metrics.Outcomes;
import dev.sallyport.controller.pool.CliMachines;
import dev.sallyport.controller.pool.MachineTimeline;
import dev.sallyport.controller.pool.Machines;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.store.AdminToken;
import dev.sallyport.controller.store.CredentialStore;
import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.MachineStore;
import dev.sallyport.controller.store.ResourceStore;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.TimelineSignals;
import dev.sallyport.controller.store.TimelineStore;
import dev.sallyport.controller.store.TokenStore;
import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.egress.EgressGateway;
import dev.sallyport.image.ImageStore;
import dev.sallyport.machine.MachineDriver;
import dev.sallyport.machine.qemu.QemuDriver;
import dev.sallyport.machine.qemu.QemuOptions;
import dev.sallyport.model.Folders;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionId;
import dev.sallyport.provider.Providers;
import dev.sallyport.relay.RelaySettings;
import dev.sallyport.relay.ScreenRelay;
import dev.sallyport.relay.Tickets;
import dev.sallyport.relay.Viewers;
import dev.sallyport.vault.MasterKey;
import dev.sallyport.vault.Vault;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;

/** One running controller. {@link #start} is the whole wiring, from the database up; {@link #close} ends it in reverse order. */
public final class Controller implements AutoCloseable {
    private final HttpServer server;
    private final AdminToken admin;
    private final Deque<AutoCloseable> parts;

    private Controller(HttpServer server, AdminToken admin, Deque<AutoCloseable> parts) {
        this.server = server;
        this.admin = admin;
        this.parts = parts;
    }

    /**
     * Starts a controller; it serves when this returns.
     *
     * @throws dev.sallyport.model.FailureException with the cause when it cannot; nothing of it is left then
     */
    public static Controller start(Settings settings) throws InterruptedException {
        Deque<AutoCloseable> parts = new ArrayDeque<>();
        try {
            return wire(settings, parts);
        } catch (RuntimeException | InterruptedException e) {
            closeAll(parts, e);
            throw e;
        }
    }

    private static Controller wire(Settings settings, Deque<AutoCloseable> parts) throws InterruptedException {
        Folders folders = settings.folders();
        EmbeddedPostgres postgres = open(parts, EmbeddedPostgres.start(EmbeddedPostgres.Settings.of(folders)));
        Database database = open(parts, Database.open(postgres.access(), InstantSource.system()));
        AdminToken admin = AdminToken.at(folders.data());
        Vault vault = Vault.open(
                MasterKey.load(folders.data().resolve("master-key"), System.getenv("SALLYPORT_MASTER_KEY")),
                new CredentialStore(database));
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        var outcomes = new Outcomes(registry);
        var timelines = new TimelineStore(database, new TimelineSignals(), outcomes);
        var sessionStore = new SessionStore(database, timelines, outcomes);
        var machineStore = new MachineStore(database, timelines, vault, outcomes);
        var resourceStore = new ResourceStore(database);
        var tokens = new TokenStore(database);

        Providers providers = Providers.load(folders.data().resolve("providers"));
        ImageStore images = ImageStore.open(folders.cache());
        EgressGateway gateway = open(parts, new EgressGateway(settings.upstream()));
        QemuOptions qemu = QemuOptions.defaults(folders.cache())
                .with(QemuOptions.Accelerator.valueOf(settings.accelerator().name()))
                .with(QemuOptions.Network.valueOf(settings.network().name()));
        MachineDriver driver =
                new QemuDriver(settings.hypervisor().isEmpty() ? qemu : qemu.withBinary(settings.hypervisor()));
        Machines machines = open(
                parts,
                new Machines(
                        settings,
                        driver,
                        images,
                        machineStore,
                        resourceStore,
                        gateway,
                        new MachineTimeline(timelines)));
        var consoles = new ConsoleLogs(folders.data());
        var cliMachines = new CliMachines(machines, providers, vault);
        Sessions sessions = open(
                parts,
                Sessions.over(machines, cliMachines, sessionStore, timelines, vault, providers, settings.timing()));
        // What a controller that was killed has left goes before anything new begins.
        machines.removeLeftovers();
        sessions.failLeftovers();

        open(
                parts,
                new LogRetention(
                                folders.data(),
                                folders.cache(),
                                settings.logs(),
                                id -> lives(machineStore, id),
                                InstantSource.system())
                        .start());

        var tickets = new Tickets(Clock.systemUTC());
        var viewers = new Viewers(Viewers.DEFAULT_PER_SESSION, watchers(sessions));
        ScreenRelay relay = open(parts, new ScreenRelay(viewers, RelaySettings.DEFAULT));
        Metrics.register(registry, sessions, machines, relay, viewers);
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
                                registry)));
        return new Controller(server, admin, parts);
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

    private static Viewers.Listener watchers(Sessions sessions) {
        return new Viewers.Listener() {
            @Override
            public void came(SessionId session, int watching) {
                sessions.watching(session, watching);
            }

            @Override
            public void left(SessionId session, int watching) {
                sessions.watching(session, watching);
            }
        };
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
