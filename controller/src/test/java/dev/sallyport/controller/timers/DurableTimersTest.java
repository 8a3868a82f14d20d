package dev.sallyport.controller.timers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.store.Database;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.TestStore;
import dev.sallyport.controller.store.Timers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two controllers' timers on one database. Each test has a task of its own, and a barrier: a timer that is due after the others. */
@ExtendWith(TestStore.Extension.class)
final class DurableTimersTest {
    private static final AtomicInteger TESTS = new AtomicInteger();
    private static final String BARRIER = "barrier";

    private final Database database;
    private final String task = "task-" + TESTS.incrementAndGet();
    private final List<DurableTimers> running = new ArrayList<>();
    private final BlockingQueue<String> fired = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

    DurableTimersTest(TestStore store) {
        this.database = store.database();
    }

    @AfterEach
    void close() {
        running.forEach(DurableTimers::close);
    }

    @Test
    void oneFiresOnceWithWhicheverController() throws Exception {
        start("one", instance -> Optional.empty());
        start("two", instance -> Optional.empty());
        for (int i = 0; i < 10; i++) {
            set("x" + i, Instant.now());
        }
        List<String> seen = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            seen.add(next());
        }
        passBarrier();
        assertThat(seen).doesNotHaveDuplicates().hasSize(10).allMatch(instance -> instance.startsWith("x"));
        assertThat(fired).as("none a second time").isEmpty();
        assertThat(rows()).as("what is done is gone").isZero();
    }

    @Test
    void setAnewItMoves() throws Exception {
        Instant late = database.now().plusSeconds(3600);
        set("later", Instant.now().minusSeconds(5));
        set("later", late);
        set("sooner", late);
        start("one", instance -> Optional.empty());
        passBarrier();
        assertThat(fired).isEmpty();
        assertThat(due("later")).contains(late);
        set("sooner", Instant.now());
        assertThat(next()).isEqualTo("sooner");
        assertThat(due("later")).contains(late);
    }

    @Test
    void clearedItDoesNotFire() throws Exception {
        set("x", Instant.now().minusSeconds(5));
        database.useTransaction(Scope.all(), handle -> Timers.clear(handle, task, "x"));
        database.useTransaction(Scope.all(), handle -> Timers.clear(handle, task, "x"));
        assertThat(due("x")).isEmpty();
        start("one", instance -> Optional.empty());
        passBarrier();
        assertThat(fired).isEmpty();
    }

    @Test
    void whatThrewIsTriedAgain() throws Exception {
        var tries = new AtomicInteger();
        start("one", instance -> {
            if (tries.incrementAndGet() == 1) {
                throw new IllegalStateException("on purpose");
            }
            return Optional.empty();
        });
        set("x", Instant.now());
        assertThat(next()).isEqualTo("x");
        assertThat(next()).isEqualTo("x");
        assertThat(List.of(nextTold(), nextTold())).containsExactly(task + " failed", task + " done");
        assertThat(due("x")).isEmpty();
    }

    @Test
    void whatNamesATimeIsDoneAgainThen() throws Exception {
        Instant later = database.now().plusSeconds(3600);
        var rounds = new AtomicInteger();
        start("one", instance -> Optional.of(rounds.incrementAndGet() < 3 ? Instant.now() : later));
        set("x", Instant.now());
        for (int i = 0; i < 3; i++) {
            assertThat(next()).isEqualTo("x");
            assertThat(nextTold()).isEqualTo(task + " done");
        }
        passBarrier();
        assertThat(fired).isEmpty();
        assertThat(due("x")).contains(later);
    }

    @Test
    void oneThatADeadControllerLeftIsFiredByAnother() throws Exception {
        set("dead", Instant.now());
        set("alive", Instant.now());
        picked("dead", Duration.ofMinutes(5));
        picked("alive", Duration.ofSeconds(1));
        Optional<Instant> before = due("dead");
        set("dead", Instant.now().plusSeconds(3600));
        assertThat(due("dead"))
                .as("one that fires at this moment looks at the new state itself")
                .isEqualTo(before);
        start("two", instance -> Optional.empty());
        assertThat(next()).isEqualTo("dead");
        passBarrier();
        assertThat(fired).as("its controller still says that it is at it").isEmpty();
        assertThat(due("alive")).isPresent();
    }

    private void start(String name, Function<String, Optional<Instant>> work) {
        running.add(new DurableTimers.Builder()
                .on(task, instance -> {
                    fired.add(instance);
                    return work.apply(instance);
                })
                .on(task + BARRIER, instance -> Optional.empty())
                .start(database, name, (which, done) -> told.add(which + (done ? " done" : " failed"))));
    }

    private void set(String instance, Instant at) {
        database.useTransaction(Scope.all(), handle -> Timers.set(handle, task, instance, at));
    }

    /** Returns when a timer has fired that came due after all others of this test. */
    private void passBarrier() throws InterruptedException {
        database.useTransaction(Scope.all(), handle -> Timers.set(handle, task + BARRIER, "x", Instant.now()));
        String word;
        do {
            word = nextTold();
        } while (!word.startsWith(task + BARRIER));
    }

    private String next() throws InterruptedException {
        return orNothing(fired.poll(60, TimeUnit.SECONDS));
    }

    private String nextTold() throws InterruptedException {
        return orNothing(told.poll(60, TimeUnit.SECONDS));
    }

    private static String orNothing(@Nullable String word) {
        if (word == null) {
            throw new AssertionError("nothing fired");
        }
        return word;
    }

    /** A controller took it, and gave its last sign of life so long ago. */
    private void picked(String instance, Duration heartbeat) {
        database.useTransaction(
                Scope.all(),
                handle -> handle.execute(
                        "UPDATE scheduled_tasks SET picked = true, picked_by = 'gone', last_heartbeat = ?"
                                + " WHERE task_name = ? AND task_instance = ?",
                        Instant.now().minus(heartbeat),
                        task,
                        instance));
    }

    private Optional<Instant> due(String instance) {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery(
                                "SELECT execution_time FROM scheduled_tasks WHERE task_name = ? AND task_instance = ?")
                        .bind(0, task)
                        .bind(1, instance)
                        .mapTo(Instant.class)
                        .findOne());
    }

    private long rows() {
        return database.inTransaction(
                Scope.all(),
                handle -> handle.createQuery("SELECT count(*) FROM scheduled_tasks WHERE task_name = ?")
                        .bind(0, task)
                        .mapTo(Long.class)
                        .one());
    }
}
