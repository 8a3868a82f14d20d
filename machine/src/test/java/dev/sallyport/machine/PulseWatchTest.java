package dev.sallyport.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.diagnosis.Evidence;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PulseWatchTest {
    private static final Instant BEGAN = Instant.EPOCH;

    private Instant now = BEGAN;
    private Duration worked = Duration.ZERO;
    private Duration waited = Duration.ZERO;
    private final List<Evidence> seen = new ArrayList<>();

    private final PulseWatch watch;

    PulseWatchTest(@TempDir Path folder) throws Exception {
        watch = new PulseWatch(new FakeMachine(folder, 1));
    }

    /** Looks at it for {@code seconds}, in each of which it works and waits for so many milliseconds. */
    private void looks(int seconds, int worksMs, int waitsMs) {
        for (int i = 0; i < seconds * 2; i++) {
            watch.look(now, new Pulse("", worked, waited)).ifPresent(seen::add);
            now = now.plus(PulseWatch.EVERY);
            worked = worked.plusMillis(worksMs / 2);
            waited = waited.plusMillis(waitsMs / 2);
        }
    }

    @Test
    void whoHasNothingToDoIsIdleAfterAWhileAndForAsLong() {
        looks(4, 20, 0);
        assertThat(seen).isEmpty();
        looks(4, 20, 0);
        assertThat(seen).isNotEmpty().allMatch(evidence -> evidence instanceof Evidence.Idle);
        assertThat(((Evidence.Idle) seen.getFirst()).lasting()).isEqualTo(PulseWatch.WINDOW);
        assertThat(((Evidence.Idle) seen.getLast()).lasting()).isGreaterThan(Duration.ofSeconds(7));
        assertThat(seen.getLast().text()).contains("7.5 s");
    }

    @Test
    void whoWorksIsNotIdle() {
        looks(10, 300, 0);
        assertThat(seen).isEmpty();
    }

    @Test
    void whoWorkedIsIdleOnlyAWhileLater() {
        looks(5, 900, 0);
        looks(3, 20, 0);
        assertThat(seen).isEmpty();
        looks(4, 20, 0);
        assertThat(seen).isNotEmpty();
    }

    @Test
    void whoGetsNoProcessorOfABusyHostIsNotIdle() {
        looks(10, 20, 800);
        assertThat(seen).isEmpty();
    }

    @Test
    void aHaltIsToldOnceAndOnlyWhenItLasts() {
        watch.look(now, new Pulse("stopped", worked, waited)).ifPresent(seen::add);
        looks(1, 300, 0);
        assertThat(seen).as("one passing halt").isEmpty();
        for (int i = 0; i < 5; i++) {
            watch.look(now, new Pulse("stopped", worked, waited)).ifPresent(seen::add);
        }
        assertThat(seen).singleElement().isInstanceOf(Evidence.Halted.class);
        assertThat(seen.getFirst().text()).isEqualTo("stopped");
    }
}
