package dev.sallyport.controller.warm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class DemandTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void asManyAsWereAskedForWhereFewAreTaken() {
        var demand = new Demand(1, 8);
        assertThat(demand.target(0)).isOne();
        demand.restored(Duration.ofMillis(500));
        demand.wanted(0);
        assertThat(demand.target(SECOND)).isOne();
    }

    @Test
    void asManyMoreAsAreTakenWhileOneIsMade() {
        var demand = new Demand(1, 8);
        demand.restored(Duration.ofSeconds(2));
        for (int i = 0; i < 60; i++) {
            demand.wanted(i * SECOND);
        }
        assertThat(demand.target(59 * SECOND)).isEqualTo(3);
        assertThat(demand.target(89 * SECOND)).as("half of them are longer ago").isEqualTo(2);
        assertThat(demand.target(200 * SECOND)).isOne();
    }

    @Test
    void noMoreThanTheMostAndNoneWhereNoneAreWanted() {
        var demand = new Demand(2, 3);
        var none = new Demand(0, 3);
        demand.restored(Duration.ofSeconds(60));
        none.restored(Duration.ofSeconds(60));
        for (int i = 0; i < 60; i++) {
            demand.wanted(i * SECOND);
            none.wanted(i * SECOND);
        }
        assertThat(demand.target(59 * SECOND)).isEqualTo(3);
        assertThat(none.target(59 * SECOND)).isZero();
    }
}
