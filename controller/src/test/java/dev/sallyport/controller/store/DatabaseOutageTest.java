package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.controller.store.postgres.EmbeddedPostgres;
import dev.sallyport.controller.store.postgres.Kill;
import dev.sallyport.controller.store.postgres.PostgresFolders;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Work on a database that goes away: done once, whenever that happens. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DatabaseOutageTest {
    /** Whoever inserts {@code 'slow'} waits for this lock while it commits. */
    private static final int COMMIT_LOCK = 4711;

    private EmbeddedPostgres postgres;
    private Wire wire;
    private Database database;
    private Database wired;

    @BeforeAll
    void open(@TempDir Path folder) throws Exception {
        postgres = EmbeddedPostgres.start(PostgresFolders.settings(folder));
        database = Database.open(postgres.access(), InstantSource.system());
        wire = Wire.to(postgres.started().port());
        wired = Database.open(wire.access(postgres.access()), InstantSource.system());
        try (Connection owner = owner();
                Statement statement = owner.createStatement()) {
            statement.execute("CREATE TABLE done (what text)");
            statement.execute("GRANT ALL ON done TO sallyport_app");
            statement.execute("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
                    + " 'BEGIN PERFORM pg_advisory_xact_lock(" + COMMIT_LOCK + "); RETURN NULL; END'");
            statement.execute("CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON done DEFERRABLE INITIALLY DEFERRED"
                    + " FOR EACH ROW WHEN (new.what = 'slow') EXECUTE FUNCTION wait()");
        }
    }

    @AfterAll
    void close() throws Exception {
        wired.close();
        wire.close();
        database.close();
        postgres.close();
    }

    @Test
    void workWaitsForAServerThatWasKilledBeforeIt() {
        Kill.server(postgres);
        Database.persevering(() -> database.useTransaction(Scope.all(), handle -> write(handle, "before")));
        assertThat(rows("before")).isEqualTo(1);
    }

    @Test
    void workThatWasUnderWayIsDoneAnew() {
        var tries = new AtomicInteger();
        Database.persevering(() -> database.useTransaction(Scope.all(), handle -> {
            write(handle, "middle");
            if (tries.incrementAndGet() == 1) {
                Kill.server(postgres);
            }
            write(handle, "middle");
        }));
        assertThat(tries.get()).isGreaterThanOrEqualTo(2);
        assertThat(rows("middle")).isEqualTo(2);
    }

    @Test
    void aCommitThatTheServerDidNotSurviveIsDoneAnew() throws Exception {
        var tries = new AtomicInteger();
        Thread worker;
        try (Connection holder = owner();
                Statement statement = holder.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(" + COMMIT_LOCK + ")");
            worker = Thread.ofVirtual()
                    .start(() -> Database.persevering(() -> database.useTransaction(Scope.all(), handle -> {
                        tries.incrementAndGet();
                        write(handle, "slow");
                    })));
            Await.until("a commit under way", () -> isWaitedFor(statement));
            Kill.server(postgres);
            worker.join();
        }
        assertThat(tries.get()).isEqualTo(2);
        assertThat(rows("slow")).isEqualTo(1);
    }

    @Test
    void aCommitThatWasDoneAndNotAnsweredIsNotDoneAgain() {
        var tries = new AtomicInteger();
        Database.persevering(() -> assertThat(wired.<Integer>inTransaction(
                        Scope.all(), handle -> writeAndLose(handle, "unanswered", Wire.Commit.IS_NOT_ANSWERED, tries)))
                .as("its result is that of the try that was committed")
                .isEqualTo(1));
        assertThat(tries.get()).isEqualTo(1);
        assertThat(rows("unanswered")).isEqualTo(1);
    }

    @Test
    void aCommitThatTheServerNeverHeardOfIsDone() {
        var tries = new AtomicInteger();
        Database.persevering(() -> assertThat(wired.<Integer>inTransaction(
                        Scope.all(), handle -> writeAndLose(handle, "unheard", Wire.Commit.IS_NOT_HEARD, tries)))
                .isEqualTo(2));
        assertThat(tries.get()).isEqualTo(2);
        assertThat(rows("unheard")).isEqualTo(1);
    }

    @Test
    void withoutPerseveranceACommitInDoubtIsToldAndNotTriedAgain() {
        var tries = new AtomicInteger();
        FailureException doubt = catchThrowableOfType(
                FailureException.class,
                () -> wired.<Integer>inTransaction(
                        Scope.all(), handle -> writeAndLose(handle, "doubtful", Wire.Commit.IS_NOT_ANSWERED, tries)));
        assertThat(doubt.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
        assertThat(tries.get()).isEqualTo(1);
        assertThat(rows("doubtful")).isEqualTo(1);
    }

    @Test
    void aShortOutageIsWaitedForByEverybody() throws Exception {
        wire.cut();
        CompletableFuture<Void> work =
                CompletableFuture.runAsync(() -> wired.useTransaction(Scope.all(), handle -> write(handle, "short")));
        wire.awaitRefusal();
        assertThat(work.isDone()).isFalse();
        wire.restore();
        work.get(60, TimeUnit.SECONDS);
        assertThat(rows("short")).isEqualTo(1);
    }

    @Test
    void aLongOutageIsToldUnlessTheWorkPerseveres() throws Exception {
        wire.cut();
        try {
            CompletableFuture<Void> perseveres = CompletableFuture.runAsync(() ->
                    Database.persevering(() -> wired.useTransaction(Scope.all(), handle -> write(handle, "patient"))));
            FailureException told = catchThrowableOfType(
                    FailureException.class,
                    () -> wired.useTransaction(Scope.all(), handle -> write(handle, "impatient")));
            assertThat(told.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
            assertThat(perseveres.isDone()).isFalse();
            wire.restore();
            perseveres.get(60, TimeUnit.SECONDS);
        } finally {
            wire.restore();
        }
        assertThat(rows("impatient")).isZero();
        assertThat(rows("patient")).isEqualTo(1);
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        var told = new CompletableFuture<FailureException>();
        wire.cut();
        try {
            Thread worker = Thread.ofVirtual().start(() -> {
                try {
                    Database.persevering(
                            () -> wired.useTransaction(Scope.all(), handle -> write(handle, "interrupted")));
                } catch (FailureException e) {
                    if (Thread.currentThread().isInterrupted()) {
                        told.complete(e);
                    }
                }
            });
            wire.awaitRefusal();
            worker.interrupt();
            assertThat(told.get(60, TimeUnit.SECONDS).reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
        } finally {
            wire.restore();
        }
        assertThat(rows("interrupted")).isZero();
    }

    private static void write(Handle handle, String what) {
        handle.execute("INSERT INTO done VALUES (?)", what);
    }

    /** @return which try it is, of those that had a connection that still stood */
    private int writeAndLose(Handle handle, String what, Wire.Commit fate, AtomicInteger tries) {
        write(handle, what);
        int which = tries.incrementAndGet();
        if (which == 1) {
            wire.nextCommit(fate);
        }
        return which;
    }

    private long rows(String what) {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT count(*) FROM done WHERE what = ?")
                        .bind(0, what)
                        .mapTo(Long.class)
                        .one());
    }

    private static boolean isWaitedFor(Statement statement) {
        try (ResultSet rows = statement.executeQuery(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = " + COMMIT_LOCK + " AND NOT granted")) {
            return rows.next();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private Connection owner() throws SQLException {
        DatabaseAccess access = postgres.access();
        return DriverManager.getConnection(
                access.url(), access.owner().user(), access.owner().password().reveal());
    }
}
