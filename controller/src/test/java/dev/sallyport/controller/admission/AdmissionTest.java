package dev.sallyport.controller.admission;

import static dev.sallyport.controller.admission.FakeHost.ADA;
import static dev.sallyport.controller.admission.FakeHost.BOB;
import static dev.sallyport.controller.admission.FakeHost.BROWSER;
import static dev.sallyport.controller.admission.FakeHost.CLI;
import static dev.sallyport.controller.admission.FakeHost.EVE;
import static dev.sallyport.controller.admission.FakeHost.MIB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sallyport.model.UserId;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

/** Who is let in, and in which order. */
final class AdmissionTest {
    private final FakeHost host = new FakeHost();
    private int made;

    @Test
    void whereThereIsRoomItIsAdmittedAtOnce() throws InterruptedException {
        Admission gate = gate(FakeHost.limits());
        Place place = gate.enter(ADA, "one", BROWSER);

        assertThat(place.admitted()).isTrue();
        place.await(number -> {
            throw new AssertionError("it never waited");
        });
        assertThat(place.user()).isEqualTo(ADA);
        assertThat(place.key()).isEqualTo("one");
        assertThat(gate.admitted()).isOne();
        assertThat(gate.numberOf("one")).isEmpty();
        place.close();
        place.close();
        assertThat(place.admitted()).isFalse();
        assertThat(gate.admitted()).isZero();
    }

    @Test
    void aFullHostLetsWaitInTurns() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1));
        Place first = enter(gate, EVE);
        Place a1 = enter(gate, ADA);
        Place a2 = enter(gate, ADA);
        Place b1 = enter(gate, BOB);

        assertThat(gate.waiting()).isEqualTo(3);
        assertThat(numbers(gate, a1, b1, a2))
                .as("another's first goes before the second")
                .containsExactly(1, 2, 3);
        first.close();
        assertThat(a1.admitted()).isTrue();
        assertThat(numbers(gate, b1, a2)).containsExactly(1, 2);
        a1.close();
        assertThat(b1.admitted()).isTrue();
        b1.close();
        assertThat(a2.admitted()).isTrue();
        assertThat(gate.waiting()).isZero();
    }

    @Test
    void whoLeavesTheQueueLetsTheOthersMoveUp() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1));
        Place first = enter(gate, EVE);
        Place a1 = enter(gate, ADA);
        Place b1 = enter(gate, BOB);

        a1.close();
        a1.close();
        assertThat(numbers(gate, b1)).containsExactly(1);
        first.close();
        assertThat(b1.admitted()).isTrue();
        assertThat(gate.admitted()).isOne();
    }

    @Test
    void aUserAtTheirLimitDoesNotStopTheOthers() {
        Admission gate = gate(FakeHost.limits().withMachines(1, 3));
        Place a1 = enter(gate, ADA);
        Place a2 = enter(gate, ADA);
        Place b1 = enter(gate, BOB);

        assertThat(a2.admitted()).isFalse();
        assertThat(b1.admitted()).isTrue();
        Place e1 = enter(gate, EVE);
        Place e2 = enter(gate, EVE);
        Place cli = gate.enter(new UserId("zoe"), "cli", CLI);
        assertThat(e1.admitted()).isTrue();
        assertThat(numbers(gate, cli, a2, e2))
                .as("those that wait for the host go before those that wait for their own user")
                .containsExactly(1, 2, 3);
        b1.close();
        assertThat(cli.admitted()).isTrue();
        a1.close();
        assertThat(a2.admitted()).isTrue();
        assertThat(e2.admitted()).isFalse();
    }

    @Test
    void cliMachinesDoNotCountAgainstTheUser() {
        Admission gate = gate(FakeHost.limits().withMachines(1, 3));
        enter(gate, ADA);

        assertThat(gate.enter(ADA, "cli", CLI).admitted()).isTrue();
    }

    @Test
    void whatWasAdmittedIsKeptFreeUntilItIsTaken() {
        host.available = 2048 * MIB;
        Admission gate = gate(FakeHost.limits());
        Place a = enter(gate, ADA);
        Place b = enter(gate, BOB);
        Place e = enter(gate, EVE);

        assertThat(gate.promised()).isEqualTo(2048 * MIB);
        assertThat(e.admitted()).as("all is promised").isFalse();
        // They took half of it; then somebody else gives a gigabyte back.
        a.measuredBy(() -> 512 * MIB);
        b.measuredBy(() -> 2048 * MIB);
        host.available = 512 * MIB;
        gate.recheck();
        assertThat(gate.promised()).isEqualTo(512 * MIB);
        assertThat(e.admitted()).isFalse();
        host.available = 1535 * MIB;
        gate.recheck();
        assertThat(e.admitted()).isFalse();
        host.available = 1536 * MIB;
        gate.recheck();
        assertThat(e.admitted()).isTrue();
    }

    @Test
    void theHostsReserveIsLeftToIt() {
        host.available = 1536 * MIB;
        assertThat(enter(gate(FakeHost.limits().reserving(512 * MIB)), ADA).admitted())
                .isTrue();
        assertThat(enter(gate(FakeHost.limits().reserving(512 * MIB + 1)), ADA).admitted())
                .isFalse();
    }

    @Test
    void aSmallNeedDoesNotOvertakeALargeOne() {
        host.available = 768 * MIB;
        Admission gate = gate(FakeHost.limits());
        Place large = enter(gate, ADA);
        Place small = gate.enter(BOB, "small", CLI);

        assertThat(small.admitted()).isFalse();
        large.close();
        assertThat(small.admitted()).isTrue();
    }

    @Test
    void whatIsStartedTogetherIsGivenBackApart() {
        host.available = 1536 * MIB;
        Admission gate = gate(FakeHost.limits().withMachines(1, 2));
        Place both = gate.enter(ADA, "sign-in", BROWSER.plus(CLI));
        Place cli = both.part("cli", CLI);

        assertThat(gate.admitted()).isEqualTo(2);
        assertThat(gate.promised()).isEqualTo(1536 * MIB);
        both.close();
        assertThat(gate.admitted()).isOne();
        assertThat(gate.promised()).isEqualTo(512 * MIB);
        assertThat(enter(gate, ADA).admitted())
                .as("the user's share is given back")
                .isTrue();
        cli.close();
        assertThat(gate.admitted()).isOne();
        assertThatIllegalStateException().isThrownBy(() -> cli.part("more", CLI));
    }

    @Test
    void onlyWhatAPlaceHasIsAPartOfIt() {
        Admission gate = gate(FakeHost.limits());
        Place browser = enter(gate, ADA);

        assertThatIllegalArgumentException().isThrownBy(() -> browser.part("cli", BROWSER.plus(CLI)));
        assertThat(gate.admitted()).isOne();
    }

    @Test
    void whatRunsAlreadyIsCountedWithoutALimit() {
        Admission gate = gate(FakeHost.limits().withMachines(1, 1));
        gate.resume(ADA, "one", BROWSER);
        Place second = gate.resume(ADA, "two", BROWSER);

        assertThat(gate.admitted()).isEqualTo(2);
        Place bobs = enter(gate, BOB);
        second.close();
        assertThat(bobs.admitted()).isFalse();
    }

    @Test
    void aNameIsUsedOnceAtATime() {
        Admission gate = gate(FakeHost.limits());
        Place place = gate.enter(ADA, "one", BROWSER);

        assertThatIllegalArgumentException().isThrownBy(() -> gate.enter(BOB, "one", BROWSER));
        assertThatIllegalArgumentException().isThrownBy(() -> place.part("one", BROWSER));
        assertThat(gate.admitted()).isOne();
        place.close();
        assertThat(gate.enter(BOB, "one", BROWSER).admitted()).isTrue();
    }

    @Test
    void oneThatCannotBeMeasuredDoesNotStopTheOthers() {
        host.available = 2048 * MIB;
        Admission gate = gate(FakeHost.limits());
        enter(gate, ADA).measuredBy(() -> {
            throw new IllegalStateException("no such process");
        });
        gate.recheck();

        assertThat(gate.promised()).isEqualTo(1024 * MIB);
        assertThat(enter(gate, BOB).admitted()).isTrue();
    }

    @Test
    void aClosedGateEndsAllWaitsAndLetsNobodyIn() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 1)).start();
        Place runs = enter(gate, ADA);
        Place waits = enter(gate, BOB);
        gate.close();

        assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> waits.await(_ -> {}));
        assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> enter(gate, EVE));
        assertThat(runs.admitted()).isTrue();
        runs.close();
        assertThat(gate.admitted()).isZero();
    }

    private Admission gate(Limits limits) {
        return new Admission(limits, host, host);
    }

    private Place enter(Admission gate, UserId user) {
        return gate.enter(user, "p" + ++made, BROWSER);
    }

    private static int[] numbers(Admission gate, Place... places) {
        return java.util.Arrays.stream(places)
                .mapToInt(place -> gate.numberOf(place.key()).orElse(0))
                .toArray();
    }
}
