package dev.sallyport.controller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class LimitsTest {
    private static final long GIB = 1L << 30;

    @Test
    void aTenthOfTheMemoryIsLeftToTheHostAndAtLeast512Mib() {
        assertThat(Limits.defaults(100 * GIB).memoryReserve()).isEqualTo(10 * GIB);
        assertThat(Limits.defaults(2 * GIB).memoryReserve()).isEqualTo(512L << 20);
    }

    @Test
    void theDefaultsAreThoseOfTheManual() {
        assertThat(Limits.defaults(100 * GIB))
                .isEqualTo(new Limits(
                        4,
                        64,
                        10 * GIB,
                        100,
                        4,
                        Duration.ofMinutes(10),
                        new Rate(10, Duration.ofMinutes(1), 10),
                        new Rate(60, Duration.ofMinutes(1), 60)));
    }

    @Test
    void allMistakesAreNamedAtOnce() {
        Rate never = new Rate(0, Duration.ZERO, 1);
        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> new Limits(0, -1, -2, -3, -4, Duration.ZERO, never, Limits.STARTS_PER_ADDRESS))
                .satisfies(e -> assertThat(e.reason().code()).isEqualTo(CauseCode.BAD_REQUEST))
                .satisfies(e -> assertThat(e.reason().detail())
                        .contains("'machinesPerUser' must be at least 1, and is 0.")
                        .contains("'machinesPerHost' must be at least 1, and is -1.")
                        .contains("'memoryReserve' must be at least 0, and is -2.")
                        .contains("'queueLength' must be at least 0, and is -3.")
                        .contains("'queuePerUser' must be at least 0, and is -4.")
                        .contains("'longestWait'")
                        .contains("'startsPerUser' takes at least 1 start")
                        .doesNotContain("startsPerAddress"));
    }

    @Test
    void eachOfThemIsChangedAlone() {
        Rate one = Rate.perMinute(1);
        assertThat(Limits.defaults(GIB)
                        .withMachines(1, 2)
                        .reserving(3)
                        .withQueue(4, 5, Duration.ofSeconds(6))
                        .withRates(one, one))
                .isEqualTo(new Limits(1, 2, 3, 4, 5, Duration.ofSeconds(6), one, one));
    }
}
