package dev.sallyport.controller.store;

import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.controller.store.postgres.PostgresFolders;
import dev.sallyport.model.HostId;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.vault.MasterKey;
import dev.sallyport.vault.Vault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A store on a real server, which is started once for all tests of a run and ended after the last. Tests share it, so each works
 * with users of its own.
 */
public final class TestStore implements AutoCloseable {
    /** Where sessions and machines are that are on any host. */
    public static final HostId HOST = HostId.random();

    private final Path temporary;
    private final EmbeddedPostgres postgres;
    private final Database database;
    private final TimelineSignals signals = new TimelineSignals();
    /** Tests share the store: each looks for what is its own. */
    private final RecordedOutcomes outcomes = new RecordedOutcomes();

    private final TimelineStore timelines;
    private final SessionStore sessions;
    private final Vault vault;
    private final MachineStore machines;
    private final HostStore hosts;
    private final AtomicInteger users = new AtomicInteger();

    private TestStore(Path temporary) throws IOException, InterruptedException {
        this.temporary = temporary;
        this.postgres = EmbeddedPostgres.start(PostgresFolders.settings(temporary));
        this.database = Database.open(postgres.access(), InstantSource.system());
        this.timelines = new TimelineStore(database, signals, outcomes);
        this.sessions = new SessionStore(database, timelines, outcomes, SessionTimers.NONE);
        this.vault = Vault.open(MasterKey.load(temporary.resolve("master-key"), null), new CredentialStore(database));
        this.machines = new MachineStore(database, timelines, vault, outcomes);
        this.hosts = new HostStore(database, sessions, machines);
        hosts.take(HOST, "test", "", Duration.ofHours(1));
    }

    public EmbeddedPostgres postgres() {
        return postgres;
    }

    public Database database() {
        return database;
    }

    TimelineSignals signals() {
        return signals;
    }

    RecordedOutcomes outcomes() {
        return outcomes;
    }

    public TimelineStore timelines() {
        return timelines;
    }

    public SessionStore sessions() {
        return sessions;
    }

    public MachineStore machines() {
        return machines;
    }

    public HostStore hosts() {
        return hosts;
    }

    Vault vault() {
        return vault;
    }

    Path temporary() {
        return temporary;
    }

    /** A user that no other test has. */
    public UserId newUser() {
        return new UserId("user" + users.incrementAndGet());
    }

    /** A host of its own, whose lease is held for an hour. */
    public HostId newHost() {
        HostId id = HostId.random();
        hosts.take(id, "of a test", "", Duration.ofHours(1));
        return id;
    }

    /** Lets a host's lease lapse, as if its time had passed. */
    public void lapse(HostId host) {
        database.useTransaction(
                Scope.all(),
                handle -> handle.execute(
                        "UPDATE hosts SET lease_until = now() - interval '1 second' WHERE id = ?", host.value()));
    }

    /** A machine on record that nobody makes. */
    public StoredMachine plan(VmType type, @Nullable UserId user, @Nullable SessionId session, HostId host) {
        return machines.plan(new MachineStore.NewMachine(
                MachineId.random(), type, user, session, "image", "fake", Secret.random(16), host, Set.of()));
    }

    @Override
    public void close() throws IOException {
        database.close();
        postgres.close();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(temporary)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.delete(path);
        }
    }

    /** Gives the store to tests that name it as a parameter. */
    public static final class Extension implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == TestStore.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            // The root's store lives as long as the run, and closes what it holds.
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.create(TestStore.class))
                    .computeIfAbsent(TestStore.class, ignored -> start(), TestStore.class);
        }

        private static TestStore start() {
            try {
                return new TestStore(Files.createTempDirectory("sallyport-store"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }
}
