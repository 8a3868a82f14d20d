package dev.sallyport.controller.pool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sallyport.controller.store.Await;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TurnsTest {
    private static final Duration LONG = Duration.ofHours(1);

    private final Turns turns = new Turns(1);

    /** Of few waiters nothing is told. */
    private Turns.Turn take(Duration most) throws InterruptedException {
        return turns.take(
                (_, _, _) -> {
                    throw new AssertionError("told though hardly anybody waits");
                },
                most);
    }

    private CompletableFuture<Turns.Turn> waiter() throws InterruptedException {
        var taken = new CompletableFuture<Turns.Turn>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                taken.complete(take(LONG));
            } catch (InterruptedException e) {
                taken.completeExceptionally(e);
            }
        });
        Await.until("it waits or has its turn", () -> thread.getState() != Thread.State.RUNNABLE);
        return taken;
    }

    @Test
    void theNextComesWhenOneIsGivenBack() throws Exception {
        Turns.Turn first = take(LONG);
        CompletableFuture<Turns.Turn> second = waiter();
        assertThat(second).isNotDone();
        first.close();
        second.get().close();
    }

    @Test
    void aTurnThatIsGivenBackTwiceIsOneTurn() throws Exception {
        Turns.Turn first = take(LONG);
        first.close();
        first.close();
        Turns.Turn second = take(LONG);
        CompletableFuture<Turns.Turn> third = waiter();
        assertThat(third).isNotDone();
        second.close();
        third.get().close();
    }

    @Test
    void oneWhoHangsKeepsNobodyWaiting() throws Exception {
        Turns.Turn hangs = take(Duration.ofMillis(50));
        Turns.Turn second = take(LONG);
        hangs.close();
        assertThat(waiter())
                .as("what ended by itself is not given back once more")
                .isNotDone();
        second.close();
    }
}
