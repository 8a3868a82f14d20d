package dev.sallyport.controller.admission;

import static dev.sallyport.controller.admission.FakeHost.ADA;
import static dev.sallyport.controller.admission.FakeHost.BOB;
import static dev.sallyport.controller.admission.FakeHost.BROWSER;
import static dev.sallyport.controller.admission.FakeHost.EVE;
import static dev.sallyport.controller.admission.FakeHost.MIB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What those that wait are told, and those that are refused. */
@Timeout(60)
final class AdmissionWaitsTest {
    private final FakeHost host = new FakeHost();
    private final BlockingQueue<Integer> told = new LinkedBlockingQueue<>();

    @Test
    void whoWaitsIsToldTheirPlaceAndEachChangeOfIt() throws Exception {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1));
        Place runs = gate.enter(ADA, "a", BROWSER);
        Place next = gate.enter(BOB, "b", BROWSER);
        Place last = gate.enter(EVE, "e", BROWSER);
        FutureTask<Void> wait = waitFor(last);

        assertThat(told.take()).isEqualTo(2);
        next.close();
        assertThat(told.take()).isEqualTo(1);
        runs.close();
        wait.get();
        assertThat(last.admitted()).isTrue();
        assertThat(told).isEmpty();
    }

    @Test
    void aWaitEndsWhenItsPlaceIsGivenUp() throws Exception {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1));
        gate.enter(ADA, "a", BROWSER);
        Place place = gate.enter(BOB, "b", BROWSER);
        FutureTask<Void> wait = waitFor(place);
        told.take();
        place.close();

        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(wait::get)
                .withCauseInstanceOf(CancellationException.class);
        assertThat(gate.waiting()).isZero();
    }

    @Test
    void anInterruptedWaitLeavesThePlaceToBeClosed() throws Exception {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1));
        gate.enter(ADA, "a", BROWSER);
        Place place = gate.enter(BOB, "b", BROWSER);
        var thrown = new FutureTask<Boolean>(() -> {
            try {
                place.await(told::add);
                return false;
            } catch (InterruptedException e) {
                return true;
            }
        });
        Thread thread = Thread.ofVirtual().start(thrown);
        told.take();
        thread.interrupt();

        assertThat(thrown.get()).isTrue();
        assertThat(gate.waiting()).isOne();
        place.close();
        assertThat(gate.waiting()).isZero();
    }

    @Test
    void aStartThatWaitedTooLongIsToldWhy() throws Exception {
        host.available = 1536 * MIB;
        Admission gate = gate(FakeHost.limits().withQueue(9, 9, Duration.ofMinutes(5)));
        gate.enter(ADA, "a", BROWSER);
        host.pass(Duration.ofSeconds(1));
        Place place = gate.enter(BOB, "b", BROWSER);
        FutureTask<Void> wait = waitFor(place);
        told.take();
        host.pass(Duration.ofSeconds(299));
        gate.recheck();
        assertThat(wait.isDone()).isFalse();
        assertThat(gate.waiting()).isOne();
        host.pass(Duration.ofSeconds(1));
        gate.recheck();

        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(wait::get)
                .havingCause()
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().detail())
                                .isEqualTo(
                                        "The start needs 1.0 GiB of memory, and 512 MiB is left for machines."
                                                + " The start waited 5 min, and was number 1 of 1 in the end. Try again in about 1 min."))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.reason().code()).isEqualTo(CauseCode.HOST_FULL));
        assertThat(gate.refused(CauseCode.HOST_FULL)).isOne();
        assertThat(gate.waiting()).isZero();
        place.close();
    }

    @Test
    void whoWaitedTooLongForTheirOwnMachinesIsToldThat() {
        Admission gate = gate(FakeHost.limits().withMachines(1, 9));
        gate.enter(ADA, "a", BROWSER);
        Place place = gate.enter(ADA, "b", BROWSER);
        host.pass(Duration.ofMinutes(10));
        gate.recheck();

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> place.await(told::add))
                .withMessageStartingWith("USER_LIMIT")
                .withMessageContaining("User ada has 1 machines of at most 1.");
    }

    @Test
    void aFullQueueRefusesAtOnceAndSaysWhenToTryAgain() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1).withQueue(1, 4, Duration.ofMinutes(10)));
        for (int i = 1; i <= 10; i++) {
            host.pass(Duration.ofSeconds(5));
            gate.enter(ADA, "gone" + i, BROWSER).close();
        }
        gate.enter(ADA, "a", BROWSER);
        gate.enter(BOB, "b", BROWSER);

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> gate.enter(EVE, "e", BROWSER))
                .satisfies(e -> assertThat(e.reason().code()).isEqualTo(CauseCode.HOST_FULL))
                .satisfies(e -> assertThat(e.retryAfter()).contains(Duration.ofSeconds(5)))
                .satisfies(e -> assertThat(e.reason().detail())
                        .isEqualTo("It runs 1 machines of at most 1. 1 starts of at most 1 wait already."
                                + " Try again in about 5 s."));
        assertThat(gate.waiting()).as("the refused one is not there").isOne();
        assertThat(gate.refused(CauseCode.HOST_FULL)).isOne();
        assertThat(gate.refused(CauseCode.USER_LIMIT)).isZero();
    }

    @Test
    void aUsersShareOfTheQueueIsTheirOwn() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 2).withQueue(9, 1, Duration.ofMinutes(10)));
        gate.enter(ADA, "a1", BROWSER);
        gate.enter(BOB, "b1", BROWSER);
        gate.enter(ADA, "a2", BROWSER);

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> gate.enter(ADA, "a3", BROWSER))
                .satisfies(e -> assertThat(e.reason().code()).isEqualTo(CauseCode.USER_LIMIT))
                .satisfies(e -> assertThat(e.retryAfter()).contains(Turnover.MOST))
                .satisfies(e -> assertThat(e.reason().detail())
                        .isEqualTo("User ada has 1 machines of at most 4. 1 starts of at most 1 wait already."
                                + " Try again in about 1 min."));
        assertThat(gate.enter(BOB, "b2", BROWSER).admitted()).isFalse();
        assertThat(gate.waiting()).isEqualTo(2);
    }

    @Test
    void withoutAQueueAFullHostRefusesAtOnce() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1).withQueue(0, 4, Duration.ofMinutes(10)));
        gate.enter(ADA, "a", BROWSER);

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> gate.enter(BOB, "b", BROWSER))
                .withMessageStartingWith("HOST_FULL");
    }

    @Test
    void whatNeverFitsIsNotToldToTryAgain() {
        host.total = 768 * MIB;
        Admission small = gate(FakeHost.limits());
        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> small.enter(ADA, "a", BROWSER))
                .satisfies(e -> assertThat(e.retryAfter()).isEmpty())
                .withMessageContaining("needs 1.0 GiB of memory, and this host has 768 MiB for machines in all");

        host.total = 8192 * MIB;
        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(
                        () -> gate(FakeHost.limits().withMachines(4, 1)).enter(ADA, "a", BROWSER.plus(FakeHost.CLI)))
                .satisfies(e -> assertThat(e.retryAfter()).isEmpty())
                .withMessageStartingWith("HOST_FULL");
        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> gate(FakeHost.limits().withMachines(1, 9)).enter(ADA, "a", BROWSER.plus(BROWSER)))
                .satisfies(e -> assertThat(e.retryAfter()).isEmpty())
                .withMessageStartingWith("USER_LIMIT");
    }

    /** By its own clock, not by somebody's coming or going. */
    @Test
    void memoryThatOthersGiveBackIsSeen() throws Exception {
        host.available = 0;
        try (Admission gate = gate(FakeHost.limits()).start()) {
            Place place = gate.enter(ADA, "a", BROWSER);
            FutureTask<Void> wait = waitFor(place);
            told.take();
            host.available = 2048 * MIB;
            wait.get();
            assertThat(place.admitted()).isTrue();
        }
    }

    private Admission gate(Limits limits) {
        return new Admission(limits, host, host);
    }

    private FutureTask<Void> waitFor(Place place) {
        var wait = new FutureTask<Void>(() -> {
            place.await(told::add);
            return null;
        });
        Thread.ofVirtual().start(wait);
        return wait;
    }
}
