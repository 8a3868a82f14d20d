package dev.sallyport.controller.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(TestStore.Extension.class)
class DatabaseTest {
    private final TestStore store;

    DatabaseTest(TestStore store) {
        this.store = store;
    }

    @Test
    void refusesToWorkAsTheOwner() {
        DatabaseAccess access = store.postgres().access();
        assertThatThrownBy(() -> Database.open(
                                new DatabaseAccess(access.url(), access.owner(), access.owner()),
                                InstantSource.system())
                        .close())
                .isInstanceOfSatisfying(FailureException.class, refused -> {
                    assertThat(refused.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
                    assertThat(refused.reason().detail()).contains("row-level security");
                });
    }

    @Test
    void namesADatabaseThatIsNotThere() throws Exception {
        int port;
        try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            port = socket.getLocalPort();
        }
        var nobody = new DatabaseAccess.Login("nobody", Secret.of("secret-password"));
        FailureException failed = catchThrowableOfType(
                FailureException.class,
                () -> Database.open(
                                new DatabaseAccess("jdbc:postgresql://127.0.0.1:" + port + "/none", nobody, nobody),
                                InstantSource.system())
                        .close());
        assertThat(failed.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED);
        assertThat(failed.reason().toString()).contains("refused").doesNotContain("secret-password");
    }

    @Test
    void opensTwiceAtOnceAndMigratesOnce() throws InterruptedException {
        List<Object> outcomes = Race.of(4, () -> {
            try (var database = Database.open(store.postgres().access(), InstantSource.system())) {
                return database.inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT current_setting('synchronous_commit')")
                                .mapTo(String.class)
                                .one());
            }
        });
        assertThat(outcomes).containsOnly("on");
    }

    @Test
    void workThatPerseveresLeavesConnectionsToWhoWaitsForAnAnswer() throws InterruptedException {
        var inside = new AtomicInteger();
        var go = new CountDownLatch(1);
        List<Thread> patient = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            patient.add(Thread.ofVirtual()
                    .start(() -> Database.persevering(() -> store.database().useTransaction(Scope.all(), handle -> {
                        inside.incrementAndGet();
                        // One within another waits for none of those that wait for it.
                        store.database().useTransaction(Scope.all(), other -> other.execute("SELECT 1"));
                        awaitUninterruptibly(go);
                    }))));
        }
        try {
            Await.until("some are at it", () -> inside.get() >= 4);
            for (int i = 0; i < 20; i++) {
                store.database().useTransaction(Scope.all(), handle -> handle.execute("SELECT 1"));
            }
            assertThat(inside).hasValueLessThanOrEqualTo(8);
        } finally {
            go.countDown();
        }
        for (Thread each : patient) {
            each.join();
        }
        assertThat(inside).hasValue(40);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }

    @Test
    void rollsBackWhatThrew() {
        var user = store.newUser();
        var thrown = new IllegalStateException("on purpose");
        assertThatThrownBy(() -> store.database().useTransaction(Scope.of(user), handle -> {
                    handle.execute(
                            "INSERT INTO timelines (kind, id, user_id) VALUES ('session', 'x', ?)", user.value());
                    throw thrown;
                }))
                .isSameAs(thrown);
        int rows = store.database()
                .inTransaction(
                        Scope.all(),
                        handle -> handle.createQuery("SELECT count(*) FROM timelines WHERE user_id = ?")
                                .bind(0, user.value())
                                .mapTo(Integer.class)
                                .one());
        assertThat(rows).isZero();
    }

    @Test
    void servesFarMoreThreadsThanConnections() throws InterruptedException {
        var most = new AtomicInteger();
        var now = new AtomicInteger();
        List<Object> outcomes = Race.of(
                200,
                () -> store.database().inTransaction(Scope.all(), handle -> {
                    most.accumulateAndGet(now.incrementAndGet(), Math::max);
                    int one =
                            handle.createQuery("SELECT 1").mapTo(Integer.class).one();
                    now.decrementAndGet();
                    return one;
                }));
        assertThat(outcomes).hasSize(200).containsOnly(1);
        assertThat(most.get()).isBetween(2, 16);
    }
}
