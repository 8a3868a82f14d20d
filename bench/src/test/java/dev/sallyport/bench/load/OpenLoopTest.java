package dev.sallyport.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

final class OpenLoopTest {
    @Test
    void whatWaitsBehindASlowAnswerIsCountedFromWhenItWasDue() throws Exception {
        var server = new ReentrantLock();
        var lastBegan = new CountDownLatch(20);
        // One answer holds up all the others until the last of them is due.
        OpenLoop.Outcome outcome = OpenLoop.run(200, 20, index -> {
            lastBegan.countDown();
            server.lock();
            try {
                lastBegan.await();
            } finally {
                server.unlock();
            }
        });
        assertThat(outcome.failed()).isZero();
        assertThat(outcome.latencies().getTotalCount()).isEqualTo(20);
        // The first was due 19 intervals of 5 ms before the last.
        assertThat(outcome.millisAt(100)).isGreaterThanOrEqualTo(95);
        assertThat(outcome.millisAt(50)).isGreaterThanOrEqualTo(45);
    }

    @Test
    void failuresAreCountedAndTheFirstFewAreTold() throws Exception {
        OpenLoop.Outcome outcome = OpenLoop.run(1000, 30, index -> {
            if (index % 3 == 0) {
                throw new IllegalStateException("refused");
            }
        });
        assertThat(outcome.failed()).isEqualTo(10);
        assertThat(outcome.failures()).hasSize(5).containsOnly("refused");
        assertThat(outcome.latencies().getTotalCount()).isEqualTo(20);
    }
}
