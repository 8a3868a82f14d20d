package dev.sallyport.controller.admission;

import static dev.sallyport.controller.admission.FakeHost.MIB;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.model.FailureException;
import dev.sallyport.model.UserId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Thousands come, wait and leave at once. The gate's own clock does not run here: each one's leaving must let the next in. */
@Timeout(60)
final class AdmissionStormTest {
    private static final int WORKERS = 150;
    private static final int STARTS = 30;
    private static final int USERS = 12;
    private static final int PER_USER = 3;
    private static final int PER_HOST = 10;
    private static final long TOTAL = 6_000 * MIB;
    private static final long RESERVE = 1_000 * MIB;

    private final AtomicInteger machines = new AtomicInteger();
    private final Map<UserId, AtomicInteger> shares = new ConcurrentHashMap<>();
    /** Bytes that running machines hold. */
    private final AtomicLong held = new AtomicLong();

    private final AtomicInteger ran = new AtomicInteger();
    private final AtomicInteger left = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();

    private final Memory memory = new Memory() {
        @Override
        public long available() {
            return TOTAL - held.get();
        }

        @Override
        public long total() {
            return TOTAL;
        }
    };

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void noLimitIsPassedAndNoPlaceIsLost(long seed) throws Exception {
        var gate = new Admission(
                new Limits(
                        PER_USER,
                        PER_HOST,
                        RESERVE,
                        100,
                        11,
                        Duration.ofHours(1),
                        Limits.STARTS_PER_USER,
                        Limits.STARTS_PER_ADDRESS),
                memory,
                System::nanoTime);
        List<Future<?>> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            int worker = i;
            workers.add(start("w" + i, () -> work(gate, worker, new Random(seed * 1_000 + worker))));
        }
        for (Future<?> worker : workers) {
            worker.get();
        }

        assertThat(ran.get() + left.get() + refused.get()).isEqualTo(WORKERS * STARTS);
        assertThat(ran.get()).isGreaterThan(WORKERS);
        assertThat(left.get()).isPositive();
        assertThat(refused.get()).isPositive();
        assertThat(gate.waiting()).isZero();
        assertThat(gate.admitted()).isZero();
        assertThat(gate.promised()).isZero();
        assertThat(held.get()).isZero();
        // All that was there is there again.
        for (int i = 0; i < PER_HOST; i++) {
            UserId user = new UserId("u" + i % USERS);
            assertThat(gate.enter(user, "last" + i, Need.browser(0)).admitted()).isTrue();
        }
    }

    private void work(Admission gate, int worker, Random random) throws InterruptedException {
        for (int i = 0; i < STARTS; i++) {
            // One has many, and so is at their limit most of the time.
            UserId user = new UserId("u" + (random.nextInt(3) == 0 ? 0 : random.nextInt(USERS)));
            Need need = Need.browser((50 + random.nextInt(1_200)) * MIB);
            if (random.nextInt(4) == 0) {
                need = need.plus(Need.cli(300 * MIB));
            }
            try (Place place = gate.enter(user, worker + "." + i, need)) {
                if (random.nextInt(6) == 0) {
                    leaveFromElsewhere(place, random.nextBoolean());
                } else {
                    place.await(number -> assertThat(number).isBetween(1, 101));
                    run(place, need, random.nextInt(4));
                    ran.incrementAndGet();
                }
            } catch (FailureException e) {
                assertThat(e.retryAfter()).isPresent();
                refused.incrementAndGet();
                Thread.yield();
            }
        }
    }

    /** Two others close it, one of them while it is waited for, perhaps. */
    private void leaveFromElsewhere(Place place, boolean waitFor) throws InterruptedException {
        Thread one = Thread.ofVirtual().start(place::close);
        Thread two = Thread.ofVirtual().start(place::close);
        try {
            if (waitFor) {
                place.await(_ -> {});
            }
        } catch (CancellationException e) {
            assertThat(place.admitted()).isFalse();
        }
        one.join();
        two.join();
        left.incrementAndGet();
    }

    private void run(Place place, Need need, int pauses) {
        assertThat(machines.addAndGet(need.machines())).isLessThanOrEqualTo(PER_HOST);
        AtomicInteger share = shares.computeIfAbsent(place.user(), _ -> new AtomicInteger());
        assertThat(share.incrementAndGet()).isLessThanOrEqualTo(PER_USER);
        var mine = new AtomicLong();
        place.measuredBy(mine::get);
        long half = need.memory() / 2;
        for (long more : new long[] {half, need.memory() - half}) {
            assertThat(held.addAndGet(more)).isLessThanOrEqualTo(TOTAL - RESERVE);
            mine.addAndGet(more); // After it is held: a reading in between promises too much, never too little.
            for (int i = 0; i < pauses; i++) {
                Thread.yield();
            }
        }
        share.decrementAndGet();
        machines.addAndGet(-need.machines());
        mine.set(0);
        held.addAndGet(-need.memory());
    }

    /** One machine, so that the order is seen: who is their user's first waits for one of each other, however many these have. */
    @Test
    void theGreedyDoNotDelayTheModest() throws Exception {
        var gate = new Admission(
                FakeHost.limits().withMachines(1_000, 1).withQueue(1_000, 1_000, Duration.ofHours(1)),
                memory,
                System::nanoTime);
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        var names = new AtomicInteger();
        List<Future<?>> all = new ArrayList<>();
        Place held = gate.enter(new UserId("first"), "first", Need.browser(0));
        for (String user : List.of("greedy", "greedier")) {
            for (int i = 0; i < 300; i++) {
                all.add(start(user, () -> pass(gate, user, "p" + names.incrementAndGet(), log)));
            }
        }
        for (int i = 0; i < 20; i++) {
            String user = "modest" + i;
            all.add(start(user, () -> {
                for (int round = 0; round < 15; round++) {
                    pass(gate, user, "p" + names.incrementAndGet(), log);
                }
            }));
        }
        held.close();
        for (Future<?> one : all) {
            one.get();
        }

        assertThat(log).filteredOn(entry -> entry.startsWith("in ")).hasSize(2 * 300 + 20 * 15);
        for (int i = 0; i < log.size(); i++) {
            if (log.get(i).startsWith("enter modest")) {
                assertFair(log, i);
            }
        }
    }

    private static void pass(Admission gate, String user, String name, List<String> log) throws InterruptedException {
        try (Place place = gate.enter(new UserId(user), name, Need.browser(0))) {
            log.add("enter " + user);
            place.await(_ -> {});
            log.add("in " + user);
            Thread.yield();
        }
    }

    /** Whoever was in already when it entered may be logged late: one more, of one user. */
    private static void assertFair(List<String> log, int entered) {
        String own = log.get(entered).replace("enter ", "in ");
        Map<String, Integer> others = new HashMap<>();
        for (String entry : log.subList(entered, log.size())) {
            if (entry.equals(own)) {
                break;
            }
            if (entry.startsWith("in ")) {
                others.merge(entry, 1, Integer::sum);
            }
        }
        Set<String> twice = new HashSet<>();
        others.forEach((user, times) -> {
            assertThat(times).as(user).isLessThanOrEqualTo(2);
            if (times == 2) {
                twice.add(user);
            }
        });
        assertThat(twice).hasSizeLessThanOrEqualTo(1);
    }

    private interface Body {
        void run() throws InterruptedException;
    }

    private static Future<?> start(String name, Body body) throws ExecutionException {
        var task = new FutureTask<Void>(() -> {
            body.run();
            return null;
        });
        Thread.ofVirtual().name(name).start(task);
        return task;
    }
}
