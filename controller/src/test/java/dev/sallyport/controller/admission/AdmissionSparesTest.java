package dev.sallyport.controller.admission;

import static dev.sallyport.controller.admission.FakeHost.ADA;
import static dev.sallyport.controller.admission.FakeHost.BOB;
import static dev.sallyport.controller.admission.FakeHost.BROWSER;
import static dev.sallyport.controller.admission.FakeHost.CLI;
import static dev.sallyport.controller.admission.FakeHost.MIB;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Machines that are nobody's have the room that is left, and give it to users. */
final class AdmissionSparesTest {
    private final FakeHost host = new FakeHost();
    private final List<String> gaveWay = new ArrayList<>();
    private final Map<String, Place> spares = new TreeMap<>();

    @Test
    void theyHaveTheRoomThatIsLeft() {
        host.available = 1500 * MIB;
        Admission gate = gate(FakeHost.limits());
        assertThat(spare(gate, "one", BROWSER)).isPresent();
        assertThat(spare(gate, "two", BROWSER)).as("no memory beside the first").isEmpty();
        assertThat(spare(gate, "three", CLI).isPresent()).isFalse();
        assertThat(gate.admitted()).isOne();
    }

    @Test
    void aUsersStartCountsOnTheirRoomAndTheyGiveWayToIt() throws InterruptedException {
        host.available = 1024 * MIB;
        Admission gate = gate(FakeHost.limits());
        assertThat(spare(gate, "one", BROWSER)).isPresent();

        Place place = gate.enter(ADA, "ada", BROWSER);
        assertThat(place.admitted()).as("it does not wait").isTrue();
        assertThat(gaveWay).as("it may be given that very machine").isEmpty();
        place.settle();
        assertThat(gaveWay).containsExactly("one");
        assertThat(gate.admitted()).isOne();
    }

    @Test
    void noneGivesWayToWhoWasGivenOne() throws InterruptedException {
        host.available = 1024 * MIB;
        Admission gate = gate(FakeHost.limits());
        Place spare = spare(gate, "one", BROWSER).orElseThrow();
        Place place = gate.enter(ADA, "ada", BROWSER);
        spare.close();
        place.settle();
        assertThat(gaveWay).isEmpty();
        assertThat(gate.enter(BOB, "bob", BROWSER).admitted())
                .as("the room was given once")
                .isFalse();
    }

    @Test
    void twoStartsDoNotCountOnTheSameMachine() {
        host.available = 1024 * MIB;
        Admission gate = gate(FakeHost.limits());
        assertThat(spare(gate, "one", BROWSER)).isPresent();
        assertThat(gate.enter(ADA, "ada", BROWSER).admitted()).isTrue();
        assertThat(gate.enter(BOB, "bob", BROWSER).admitted()).isFalse();
    }

    @Test
    void theYoungestGiveWayAndNoMoreThanIsNeeded() throws InterruptedException {
        Admission gate = gate(FakeHost.limits().withMachines(4, 4));
        for (String key : List.of("one", "two", "three", "four")) {
            assertThat(spare(gate, key, BROWSER)).isPresent();
        }
        Place both = gate.enter(ADA, "ada", BROWSER.plus(CLI));
        assertThat(both.admitted()).isTrue();
        both.settle();
        assertThat(gaveWay).containsExactly("four", "three");
    }

    @Test
    void whereThereIsRoomNoneGivesWay() throws InterruptedException {
        Admission gate = gate(FakeHost.limits());
        assertThat(spare(gate, "one", BROWSER)).isPresent();
        gate.enter(ADA, "ada", BROWSER).settle();
        assertThat(gaveWay).isEmpty();
    }

    @Test
    void noneIsMadeWhileAUserWaits() {
        Admission gate = gate(FakeHost.limits().withMachines(4, 2));
        Place first = gate.enter(ADA, "one", BROWSER);
        assertThat(gate.enter(BOB, "two", BROWSER.plus(CLI)).admitted()).isFalse();
        assertThat(spare(gate, "spare", CLI))
                .as("there is room for it, and Bob waits")
                .isEmpty();
        first.close();
    }

    @Test
    void whatIsNobodysCountsAgainstNoUsersLimit() {
        Admission gate = gate(FakeHost.limits().withMachines(1, 8));
        assertThat(spare(gate, "one", BROWSER)).isPresent();
        assertThat(spare(gate, "two", BROWSER)).isPresent();
        assertThat(gate.enter(ADA, "ada", BROWSER).admitted()).isTrue();
        assertThat(gate.enter(ADA, "again", BROWSER).admitted()).isFalse();
    }

    /** Ends at once when it is told to. */
    private Optional<Place> spare(Admission gate, String key, Need need) {
        Optional<Place> place = gate.spare(key, need, () -> {
            gaveWay.add(key);
            Optional.ofNullable(spares.remove(key)).ifPresent(Place::close);
        });
        place.ifPresent(given -> spares.put(key, given));
        return place;
    }

    private Admission gate(Limits limits) {
        return new Admission(limits, host, host);
    }
}
