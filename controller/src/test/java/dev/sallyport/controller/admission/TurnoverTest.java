package dev.sallyport.controller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class TurnoverTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final Turnover turnover = new Turnover(0);

    @Test
    void whereNoneCameFreeItIsTheLongest() {
        assertThat(turnover.next(100 * SECOND, 1)).isEqualTo(Turnover.MOST);
    }

    @Test
    void itIsTheMeanTimeBetweenThoseThatCameFree() {
        every(5, 10);
        assertThat(turnover.next(50 * SECOND, 1)).isEqualTo(Duration.ofSeconds(5));
        assertThat(turnover.next(50 * SECOND, 0.25))
                .as("one who has a quarter of all")
                .isEqualTo(Duration.ofSeconds(20));
    }

    @Test
    void ofManyOnlyTheLastCount() {
        every(1, 1_000);
        assertThat(turnover.next(1_000 * SECOND, 1)).isEqualTo(Turnover.LEAST);
    }

    @Test
    void itHasBounds() {
        turnover.freed(SECOND / 1000);
        assertThat(turnover.next(SECOND / 1000, 1)).isEqualTo(Turnover.LEAST);
        assertThat(turnover.next(300 * SECOND, 1)).isEqualTo(Turnover.MOST);
    }

    @Test
    void whatWasLongAgoIsForgotten() {
        every(1, 10);
        assertThat(turnover.next(620 * SECOND, 1)).isEqualTo(Turnover.MOST);
        turnover.freed(620 * SECOND);
        turnover.freed(620 * SECOND);
        for (int i = 0; i < 18; i++) {
            turnover.freed(630 * SECOND);
        }
        assertThat(turnover.next(640 * SECOND, 1))
                .as("20 in the last ten minutes")
                .isEqualTo(Duration.ofSeconds(30));
    }

    private void every(long seconds, int times) {
        for (int i = 1; i <= times; i++) {
            turnover.freed(i * seconds * SECOND);
        }
    }
}
