package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MadeThingsTest {
    private final List<String> undone = new ArrayList<>();
    private final Set<String> stuck = new HashSet<>();
    private final RecordingLedger ledger = new RecordingLedger(resource -> {});
    private final MadeThings made = new MadeThings(ledger, resource -> {
        if (resource.name().equals("broken")) {
            throw new IllegalStateException("defect");
        }
        if (stuck.contains(resource.name())) {
            return List.of(resource.name() + " is stuck");
        }
        undone.add(resource.name());
        return List.of();
    });

    @Test
    void undoingGoesBackwardsAndTwiceIsHarmless() {
        intend("a", "b", "c");
        assertThat(made.undoAll()).isEmpty();
        assertThat(undone).containsExactly("c", "b", "a");
        assertThat(ledger.toUndo()).isEmpty();
        assertThat(made.undoAll()).isEmpty();
        assertThat(undone).hasSize(3);
    }

    @Test
    void everyErrorIsMetAndWhatIsLeftIsTriedAgain() {
        intend("a", "b", "broken", "d");
        stuck.add("b");
        assertThat(made.undoAll()).hasSize(2).anyMatch("b is stuck"::equals).anyMatch(line -> line.contains("defect"));
        assertThat(undone).containsExactly("d", "a");
        assertThat(ledger.toUndo()).extracting(Resource::name).containsExactly("broken", "b");

        stuck.clear();
        assertThat(made.undoAll()).hasSize(1);
        assertThat(undone).containsExactly("d", "a", "b");
    }

    @Test
    void someCanBeUndoneAlone() {
        intend("a", "b");
        assertThat(made.undoIf(resource -> resource.name().equals("a"))).isEmpty();
        assertThat(ledger.toUndo()).extracting(Resource::name).containsExactly("b");
    }

    private void intend(String... names) {
        for (String name : names) {
            made.intend(new Resource("test", "thing", name));
        }
    }
}
