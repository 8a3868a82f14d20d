package dev.sallyport.controller.store.postgres;

import dev.sallyport.controller.store.DatabaseAccess;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The PostgreSQL server that Sallyport brings along: unpacked once, initialised once, started, watched, and brought back when it
 * dies. It listens on the loopback interface and on a Unix socket, with passwords (scram-sha-256) on both, and never trusts.
 *
 * <p>One controller alone uses a data folder. When a controller was killed, its server goes on running; the next controller finds
 * it by its pid file, ends it cleanly and starts its own.
 */
public final class EmbeddedPostgres implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedPostgres.class);
    private static final String DATABASE = "sallyport";
    private static final String APPLICATION = "sallyport_app";
    private static final int PORT_ATTEMPTS = 3;
    /** A server that ran for so long came up well. */
    private static final Duration STEADY = Duration.ofSeconds(10);
    /** Milliseconds; after the first of several ends in a row there is none. */
    private static final long PAUSE = 50;

    private static final long MOST_PAUSE_AFTER_DEATH = 1000;
    private static final long MOST_PAUSE_AFTER_REFUSAL = 15_000;

    /**
     * Where and how.
     *
     * @param cache the cache folder: the programs go to {@code postgres/<version>-<digest>} in it
     * @param data the data folder: {@code postgres}, {@code postgres-run}, {@code postgres-password}, {@code postgres.lock}, {@code logs/postgres.log}
     * @param systemUser as whom the server runs when this process is root's
     * @param startDeadline longest time until it takes connections, unpacking and initialising included
     * @param stopDeadline longest time for a clean shutdown; afterwards it is ended the hard way
     */
    public record Settings(Path cache, Path data, String systemUser, Duration startDeadline, Duration stopDeadline) {
        /** The settings for these folders: system user {@code sallyport}, a minute to start, 20 seconds to stop. */
        public static Settings of(Folders folders) {
            return new Settings(
                    folders.cache(), folders.data(), "sallyport-db", Duration.ofMinutes(1), Duration.ofSeconds(20));
        }
    }

    /**
     * How a start went.
     *
     * @param pid the server's process id
     * @param port its port on 127.0.0.1
     * @param firstStart true when the data were initialised now
     * @param replacedOld true when an earlier controller's server was running and was ended
     * @param extracted time for unpacking, or seeing that there is nothing to unpack
     * @param initialised time for ending an old server and for initdb
     * @param up time from the server's start until it took connections
     * @param total all of it, roles and database included
     */
    public record Started(
            long pid,
            int port,
            boolean firstStart,
            boolean replacedOld,
            Duration extracted,
            Duration initialised,
            Duration up,
            Duration total) {}

    private final Settings settings;
    private final FolderLock folderLock;
    private final RunAs runAs;
    private final Binaries binaries;
    private final Cluster cluster;
    private final ServerLog log;
    private final DatabaseAccess access;
    private final Started started;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition closed = lock.newCondition();
    private Postmaster postmaster;
    private boolean closing;
    private @Nullable Cause failure;

    private EmbeddedPostgres(
            Settings settings,
            FolderLock folderLock,
            RunAs runAs,
            Binaries binaries,
            Cluster cluster,
            ServerLog log,
            Postmaster postmaster,
            DatabaseAccess access,
            Started started) {
        this.settings = settings;
        this.folderLock = folderLock;
        this.runAs = runAs;
        this.binaries = binaries;
        this.cluster = cluster;
        this.log = log;
        this.postmaster = postmaster;
        this.access = access;
        this.started = started;
    }

    /**
     * Starts the server.
     *
     * @throws FailureException {@link CauseCode#DATABASE_FAILED} when it cannot be started, with its own last lines as evidence, or
     *     when another controller uses the data folder, naming that one; {@link CauseCode#DISK_FULL}; {@link CauseCode#PORT_TAKEN}
     * @throws InterruptedException when the calling thread is interrupted; what was started by then has been ended
     */
    public static EmbeddedPostgres start(Settings settings) throws InterruptedException {
        Deadline deadline = Deadline.in(settings.startDeadline());
        try {
            RunAs runAs = RunAs.of(settings.systemUser());
            Cluster.prepare(settings.data(), runAs);
            FolderLock folderLock = FolderLock.take(settings.data());
            try {
                EmbeddedPostgres server = start(settings, runAs, folderLock, deadline);
                Thread.ofVirtual().name("postgres-supervisor").start(server::supervise);
                return server;
            } catch (IOException | InterruptedException | RuntimeException e) {
                folderLock.close();
                throw e;
            }
        } catch (IOException e) {
            throw Failures.of("The database cannot be started.", e);
        }
    }

    private static EmbeddedPostgres start(Settings settings, RunAs runAs, FolderLock folderLock, Deadline deadline)
            throws IOException, InterruptedException {
        long begin = System.nanoTime();
        ServerLog log = ServerLog.open(settings.data().resolve("logs"));
        Binaries binaries = Binaries.in(settings.cache());
        runAs.mustReach(settings.data());
        runAs.mustReach(binaries.program("postgres"));
        final long extracted = System.nanoTime();
        var cluster = new Cluster(settings.data(), runAs);
        boolean replaced = OldServer.stop(cluster.folder(), binaries, runAs, settings.stopDeadline());
        Secret password = cluster.password();
        boolean first = cluster.initialise(binaries, log, password, deadline);
        final long initialised = System.nanoTime();
        Postmaster postmaster = startOnFreePort(cluster, binaries, runAs, log, deadline);
        try {
            final long up = System.nanoTime();
            var owner = new DatabaseAccess.Login(Cluster.OWNER, password);
            // The application's password is of this start alone, and kept nowhere.
            var application = new DatabaseAccess.Login(APPLICATION, Secret.random(32));
            prepareDatabase(postmaster.port(), owner, application);
            var access = new DatabaseAccess(url(postmaster.port(), DATABASE), owner, application);
            var started = new Started(
                    postmaster.process().pid(),
                    postmaster.port(),
                    first,
                    replaced,
                    Duration.ofNanos(extracted - begin),
                    Duration.ofNanos(initialised - extracted),
                    Duration.ofNanos(up - initialised),
                    Duration.ofNanos(System.nanoTime() - begin));
            return new EmbeddedPostgres(
                    settings, folderLock, runAs, binaries, cluster, log, postmaster, access, started);
        } catch (RuntimeException e) {
            Signals.stop(postmaster.process().toHandle(), binaries, runAs, settings.stopDeadline());
            throw e;
        }
    }

    /** Where the database is, and as whom it is used. */
    public DatabaseAccess access() {
        return access;
    }

    /** How the start went. */
    public Started started() {
        return started;
    }

    /** The server's log. */
    public Path log() {
        return log.file();
    }

    /** The process id of the server that runs now; it changes when the server had to be brought back. */
    public long pid() {
        lock.lock();
        try {
            return postmaster.process().pid();
        } finally {
            lock.unlock();
        }
    }

    /** Why there is no server any more; empty as long as there is one, or it is being brought back. */
    public Optional<Cause> failure() {
        lock.lock();
        try {
            return Optional.ofNullable(failure);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the server by a fast shutdown, and the hard way when that takes too long. Doing so twice is harmless.
     *
     * @throws FailureException when it does not end
     */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closing) {
                return;
            }
            closing = true;
            closed.signalAll();
            try {
                Signals.stop(postmaster.process().toHandle(), binaries, runAs, settings.stopDeadline());
            } finally {
                folderLock.close();
            }
        } catch (IOException e) {
            throw Failures.of("The database was not ended cleanly.", e);
        } catch (InterruptedException e) {
            // The server is on its way down by its first signal; the interrupt is the caller's to see.
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the server's end; brings it back when it was not asked for, however often, and however long that takes. */
    private void supervise() {
        int inARow = 0;
        try {
            while (true) {
                Process process = current();
                Instant up = Instant.now();
                int code = process.waitFor();
                inARow = Instant.now().isAfter(up.plus(STEADY)) ? 1 : inARow + 1;
                lock.lockInterruptibly();
                try {
                    if (closing) {
                        return;
                    }
                    LOG.warn(
                            "The database's server {} ended by itself with {}; starting it again", process.pid(), code);
                    if (!pause(Math.min(MOST_PAUSE_AFTER_DEATH, PAUSE * (inARow - 1))) || !bringBack()) {
                        return;
                    }
                } finally {
                    lock.unlock();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Tries until the server runs, the lock held but for the pauses; false when this is closed instead. */
    private boolean bringBack() throws InterruptedException {
        for (long pause = PAUSE; ; pause = Math.min(MOST_PAUSE_AFTER_REFUSAL, 2 * pause)) {
            try {
                restart();
                failure = null;
                return true;
            } catch (IOException e) {
                failure = Failures.of("The database ended and cannot be started again.", e)
                        .reason();
            } catch (FailureException e) {
                failure = e.reason();
            }
            LOG.error("The database does not come back yet: {} {}", failure.code(), failure.detail());
            if (!pause(pause)) {
                return false;
            }
        }
    }

    /** False when this is closed meanwhile. */
    private boolean pause(long millis) throws InterruptedException {
        long left = TimeUnit.MILLISECONDS.toNanos(millis);
        while (!closing && left > 0) {
            left = closed.awaitNanos(left);
        }
        return !closing;
    }

    private Process current() {
        lock.lock();
        try {
            return postmaster.process();
        } finally {
            lock.unlock();
        }
    }

    private void restart() throws IOException, InterruptedException {
        OldServer.stop(cluster.folder(), binaries, runAs, settings.stopDeadline());
        // The same port: connections that were lost are opened again where they were.
        postmaster = Postmaster.start(
                cluster, binaries, runAs, log, postmaster.port(), Deadline.in(settings.startDeadline()));
    }

    /** A port that was free a moment ago may be taken by now; then another one is tried. */
    private static Postmaster startOnFreePort(
            Cluster cluster, Binaries binaries, RunAs runAs, ServerLog log, Deadline deadline)
            throws IOException, InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try {
                return Postmaster.start(cluster, binaries, runAs, log, Postmaster.freePort(), deadline);
            } catch (FailureException e) {
                if (e.reason().code() != CauseCode.PORT_TAKEN || attempt == PORT_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private static void prepareDatabase(int port, DatabaseAccess.Login owner, DatabaseAccess.Login application) {
        var source = new PGSimpleDataSource();
        source.setURL(url(port, "postgres"));
        source.setUser(owner.user());
        source.setPassword(owner.password().reveal());
        source.setLogServerErrorDetail(false);
        source.setConnectTimeout(10);
        source.setSocketTimeout(60);
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            if (isMissing(statement, "SELECT 1 FROM pg_roles WHERE rolname = '" + APPLICATION + "'")) {
                statement.execute("CREATE ROLE " + APPLICATION
                        + " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS");
            }
            // The driver sends the password's scram verifier, not the password.
            connection
                    .unwrap(PGConnection.class)
                    .alterUserPassword(
                            application.user(), application.password().reveal().toCharArray(), "scram-sha-256");
            if (isMissing(statement, "SELECT 1 FROM pg_database WHERE datname = '" + DATABASE + "'")) {
                statement.execute("CREATE DATABASE " + DATABASE);
                statement.execute("REVOKE ALL ON DATABASE " + DATABASE + " FROM PUBLIC");
            }
            statement.execute("GRANT CONNECT ON DATABASE " + DATABASE + " TO " + APPLICATION);
        } catch (SQLException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.DATABASE_FAILED,
                            "The database runs, but cannot be prepared.",
                            "SQLSTATE " + e.getSQLState() + ": " + e.getMessage()),
                    e);
        }
    }

    private static boolean isMissing(Statement statement, String query) throws SQLException {
        try (ResultSet rows = statement.executeQuery(query)) {
            return !rows.next();
        }
    }

    private static String url(int port, String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    @Override
    public String toString() {
        return "EmbeddedPostgres[" + settings.data() + ", port " + started.port() + ", " + List.of(cluster.folder())
                + "]";
    }
}
