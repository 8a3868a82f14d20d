package dev.sallyport.controller.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.StepHook;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The connection to PostgreSQL. Work is done in transactions, each with a {@link Scope}; blocking, and fit for virtual threads:
 * whoever finds all connections busy waits at most {@link #PATIENCE}.
 *
 * <p>A short outage of the database (it was killed, restarts, cannot be reached, has no room) is waited for: a transaction that was
 * surely not committed is tried again within that time. Work that must not be lost runs in {@link #persevering}: it is tried again
 * until the database is back, and is done once: where a connection was lost during the commit, the database is asked afterwards
 * what became of that very transaction. Few of such transactions run at once: they wait for each other, in their order, and leave
 * connections and processors to those who wait for an answer.
 */
public final class Database implements AutoCloseable {
    /** Longest wait for a connection. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** How long work that must not be lost waits for the database to come back. */
    public static final Duration PERSEVERANCE = Duration.ofMinutes(30);

    private static final ScopedValue<Duration> PERSEVERES = ScopedValue.newInstance();
    /** Bound in a transaction: one within another waits for no turn, which those that wait for it may hold. */
    private static final ScopedValue<Boolean> INSIDE = ScopedValue.newInstance();

    private static final Duration RETRY = Duration.ofMillis(200);
    /** Connections of a pool. */
    private static final int MOST_CONNECTIONS = 12;
    /** So many transactions of work that perseveres run at once: the other connections are those of who waits for an answer. */
    private static final int PERSEVERING_AT_ONCE =
            Math.clamp(2L * Runtime.getRuntime().availableProcessors(), 4, MOST_CONNECTIONS / 2);

    /** Its connections see no row of a user until a transaction says whose. */
    private final HikariDataSource scoped;
    /** Its connections see all rows, so that the controller's own transactions, by far the most, need not say so each time. */
    private final HikariDataSource own;

    private final Jdbi jdbiOfScoped;
    private final Jdbi jdbiOfOwn;
    private final InstantSource clock;
    private final StepHook steps;
    private final DatabaseAccess access;
    private final List<Runnable> beforeClose = new CopyOnWriteArrayList<>();
    private final Semaphore turns = new Semaphore(PERSEVERING_AT_ONCE, true);

    private Database(
            DatabaseAccess access, HikariDataSource scoped, HikariDataSource own, InstantSource clock, StepHook steps) {
        this.access = access;
        this.scoped = scoped;
        this.own = own;
        this.clock = clock;
        this.steps = steps;
        this.jdbiOfScoped = jdbi(scoped);
        this.jdbiOfOwn = jdbi(own);
    }

    private static Jdbi jdbi(DataSource source) {
        Jdbi jdbi = Jdbi.create(source);
        jdbi.registerArrayType(String.class, "text");
        // Jdbi's messages would quote what was bound: hashes, cipher texts, evidence.
        jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
        return jdbi;
    }

    /**
     * Connects, brings the tables up to date as the owner, and from then on works as the application's role.
     *
     * @param access where and as whom
     * @param clock the time of what is written
     * @throws FailureException {@link CauseCode#DATABASE_FAILED} when it cannot be reached or migrated, or when the application's role
     *     is one that row-level security does not hold for
     */
    public static Database open(DatabaseAccess access, InstantSource clock) {
        return open(access, clock, StepHook.NONE);
    }

    /** As {@link #open(DatabaseAccess, InstantSource)}, with somebody who is told of each journalled step. */
    public static Database open(DatabaseAccess access, InstantSource clock, StepHook steps) {
        migrate(access);
        HikariDataSource scoped = pool(access, "sallyport-scoped", "");
        HikariDataSource own;
        try {
            own = pool(
                    access,
                    "sallyport",
                    " -c " + Scope.SETTING + "=" + Scope.all().setting());
        } catch (RuntimeException e) {
            scoped.close();
            throw e;
        }
        var database = new Database(access, scoped, own, clock, steps);
        try {
            database.useTransaction(Scope.all(), Database::checkRole);
            return database;
        } catch (RuntimeException e) {
            database.close();
            throw e;
        }
    }

    /**
     * Runs {@code work} in one transaction that sees what {@code scope} allows, and commits it; any exception rolls it back. A
     * transaction begun inside another one of the same thread is another transaction.
     *
     * @throws FailureException what {@code work} threw, or {@link CauseCode#DATABASE_FAILED} or {@link CauseCode#DISK_FULL}
     */
    public <T> T inTransaction(Scope scope, Function<Handle, T> work) {
        return run(scope, work, PERSEVERES.isBound() ? Transaction.Kind.TRACED : Transaction.Kind.ONCE);
    }

    /**
     * As {@link #inTransaction}, for work that leaves the same when it is done once more after it was committed, such as reading: it
     * is, when nobody has told whether it was.
     */
    public <T> T repeatably(Scope scope, Function<Handle, T> work) {
        return run(scope, work, Transaction.Kind.REPEATABLE);
    }

    private <T> T run(Scope scope, Function<Handle, T> work, Transaction.Kind kind) {
        long giveUp = System.nanoTime() + (PERSEVERES.isBound() ? PERSEVERES.get() : PATIENCE).toNanos();
        while (true) {
            var transaction = new Transaction<>(scope, work, kind);
            try {
                return inTurn(transaction, giveUp);
            } catch (JdbiException e) {
                if (!Outage.isOne(e) || !transaction.mayBeTriedAgain() || System.nanoTime() - giveUp >= 0) {
                    throw failure(e);
                }
                pause(e);
                if (transaction.isCommitted(this::wasCommitted)) {
                    return transaction.result();
                }
            }
        }
    }

    /** Work that perseveres waits until few others of its kind are at it. */
    private <T> T inTurn(Transaction<T> transaction, long giveUp) {
        if (!PERSEVERES.isBound() || INSIDE.isBound()) {
            return transaction.run(jdbi(transaction));
        }
        try {
            if (!turns.tryAcquire(giveUp - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw FailureException.of(CauseCode.DATABASE_FAILED, "Too many transactions waited for each other.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw FailureException.of(CauseCode.DATABASE_FAILED, "Interrupted.");
        }
        try {
            return ScopedValue.where(INSIDE, true).call(() -> transaction.run(jdbi(transaction)));
        } finally {
            turns.release();
        }
    }

    private Jdbi jdbi(Transaction<?> transaction) {
        return transaction.seesAll() ? jdbiOfOwn : jdbiOfScoped;
    }

    /**
     * Does {@code work} so that an outage of the database holds its transactions up, instead of failing them, for up to
     * {@link #PERSEVERANCE}. An interrupt ends the wait with {@link CauseCode#DATABASE_FAILED}.
     */
    public static void persevering(Runnable work) {
        ScopedValue.where(PERSEVERES, PERSEVERANCE).run(work);
    }

    /**
     * One journalled step: a transaction of which {@link StepHook} is told before and after.
     *
     * @param name what is done, the same each time that it is done
     */
    <T> T step(String name, Scope scope, Function<Handle, T> work) {
        steps.before(name);
        T result = inTransaction(scope, work);
        steps.after(name);
        return result;
    }

    /** As {@link #step}, of work that may be {@linkplain #repeatably repeated}. */
    <T> T repeatableStep(String name, Scope scope, Function<Handle, T> work) {
        steps.before(name);
        T result = repeatably(scope, work);
        steps.after(name);
        return result;
    }

    /** What became of a transaction whose commit was not answered; waits until the server that ran it is done with it. */
    private boolean wasCommitted(String transactionId) {
        while (true) {
            String status = repeatably(
                    Scope.all(),
                    handle -> handle.createQuery("SELECT coalesce(pg_xact_status(CAST(:id AS xid8)), 'aborted')")
                            .bind("id", transactionId)
                            .mapTo(String.class)
                            .one());
            if (!status.equals("in progress")) {
                return status.equals("committed");
            }
            pause(null);
        }
    }

    /** Between two tries. Nothing announces a database that is back. */
    private static void pause(@Nullable JdbiException met) {
        try {
            Thread.sleep(RETRY);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw met == null ? FailureException.of(CauseCode.DATABASE_FAILED, "Interrupted.") : failure(met);
        }
    }

    /** As {@link #inTransaction}, for work without a result. */
    public void useTransaction(Scope scope, Consumer<Handle> work) {
        inTransaction(scope, handle -> {
            work.accept(handle);
            return true;
        });
    }

    /** The present time as the database can hold it: cut to microseconds. */
    public Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    /** The pool, for libraries that keep tables of their own; transactions begun there see no row of a user. */
    public DataSource dataSource() {
        return scoped;
    }

    /** Tells {@code registry} how the pools fare. */
    public void report(MeterRegistry registry) {
        own.setMetricRegistry(registry);
        scoped.setMetricRegistry(registry);
    }

    /** Calls those who listen on {@code channel}; what is called is no secret. */
    public void notify(String channel, String word) {
        useTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT CAST(pg_notify(:channel, :word) AS text)")
                        .bind("channel", channel)
                        .bind("word", word)
                        .mapTo(String.class)
                        .findOne());
    }

    /** A connection of its own, for who waits on it; the caller closes it. */
    public Connection listening() throws SQLException {
        return source(access.url(), access.application()).getConnection();
    }

    /** Has {@code last} done while there still are connections. */
    void beforeClose(Runnable last) {
        beforeClose.add(last);
    }

    /** Closes all connections. */
    @Override
    public void close() {
        beforeClose.forEach(Runnable::run);
        own.close();
        scoped.close();
    }

    private static void migrate(DatabaseAccess access) {
        try {
            Flyway.configure()
                    .dataSource(source(access.url(), access.owner()))
                    .locations("classpath:db/migration")
                    .placeholders(Map.of("application", access.application().user()))
                    .connectRetries(0)
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            throw failure(e);
        }
    }

    private static HikariDataSource pool(DatabaseAccess access, String name, String options) {
        PGSimpleDataSource source = source(access.url(), access.application());
        source.setOptions(source.getOptions() + options);
        var config = new HikariConfig();
        config.setPoolName(name);
        config.setDataSource(source);
        config.setMaximumPoolSize(MOST_CONNECTIONS);
        config.setMinimumIdle(2);
        config.setConnectionTimeout(PATIENCE.toMillis());
        config.setInitializationFailTimeout(PATIENCE.toMillis());
        try {
            return new HikariDataSource(config);
        } catch (HikariPool.PoolInitializationException e) {
            throw failure(e);
        }
    }

    private static PGSimpleDataSource source(String url, DatabaseAccess.Login login) {
        var source = new PGSimpleDataSource();
        source.setURL(url);
        source.setUser(login.user());
        source.setPassword(login.password().reveal());
        source.setApplicationName("sallyport");
        // An error's detail quotes the row; it must not reach exceptions.
        source.setLogServerErrorDetail(false);
        source.setTcpKeepAlive(true);
        source.setConnectTimeout(10);
        source.setSocketTimeout(35);
        source.setOptions("-c synchronous_commit=on -c statement_timeout=30s -c lock_timeout=10s"
                + " -c idle_in_transaction_session_timeout=60s -c TimeZone=UTC");
        return source;
    }

    private static void checkRole(Handle handle) {
        boolean bypasses = handle.createQuery("SELECT r.rolsuper OR r.rolbypassrls OR"
                        + " EXISTS (SELECT 1 FROM pg_tables t WHERE t.tablename = 'sessions' AND pg_has_role(r.oid, t.tableowner, 'MEMBER'))"
                        + " FROM pg_roles r WHERE r.rolname = current_user")
                .mapTo(Boolean.class)
                .one();
        if (bypasses) {
            throw FailureException.of(
                    CauseCode.DATABASE_FAILED,
                    "The application's role owns the tables or is above row-level security: give it a role of its own.");
        }
    }

    /** Names what the database reported; values of rows are in none of it. */
    private static FailureException failure(RuntimeException thrown) {
        List<String> evidence = new ArrayList<>();
        CauseCode code = CauseCode.DATABASE_FAILED;
        Throwable last = thrown;
        for (Throwable at = thrown; at != null; at = at.getCause()) {
            last = at;
            if (at instanceof SQLException sql) {
                evidence.add("SQLSTATE " + sql.getSQLState() + ": " + sql.getMessage());
                if ("53100".equals(sql.getSQLState())) {
                    code = CauseCode.DISK_FULL;
                }
            }
        }
        if (evidence.isEmpty()) {
            evidence.add(last.toString());
        }
        return new FailureException(new Cause(code, evidence.getFirst(), evidence), thrown);
    }
}
