package dev.sallyport.controller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FairQueueTest {
    private final FairQueue<String, String> queue = new FairQueue<>();

    @Test
    void ownersTakeTurns() {
        add("a1", "a2", "a3", "b1", "c1", "c2");

        assertThat(queue.inOrder()).containsExactly("a1", "b1", "c1", "a2", "c2", "a3");
        assertThat(queue.size()).isEqualTo(6);
        assertThat(queue.size("a")).isEqualTo(3);
        assertThat(queue.size("x")).isZero();
    }

    @Test
    void whoHadATurnIsTheLast() {
        add("a1", "a2", "b1");
        queue.serve("a", "a1");
        add("c1");

        assertThat(queue.inOrder()).containsExactly("b1", "a2", "c1");
    }

    @Test
    void whoWasPassedOverKeepsTheirTurn() {
        add("a1", "b1", "b2", "c1");
        queue.serve("b", "b1");

        assertThat(queue.inOrder()).containsExactly("a1", "c1", "b2");
    }

    @Test
    void whatLeavesMakesRoomForItsOwnersNext() {
        add("a1", "a2", "b1");
        queue.remove("a", "a1");
        queue.remove("a", "a1");
        queue.remove("x", "x1");

        assertThat(queue.inOrder()).containsExactly("a2", "b1");
        queue.remove("a", "a2");
        queue.serve("b", "b1");
        assertThat(queue.inOrder()).isEmpty();
        assertThat(queue.size()).isZero();
    }

    /** What is its owner's first waits for at most one of each other owner, whatever else comes and goes. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aFirstWaitsForOneOfEachOtherAtMost(long seed) {
        var random = new Random(seed);
        /* By owner: how often each other was served since this one's first became the first. */
        Map<String, Map<String, Integer>> passed = new HashMap<>();
        int made = 0;
        for (int step = 0; step < 5_000; step++) {
            List<String> order = queue.inOrder();
            switch (order.isEmpty() ? 0 : random.nextInt(5)) {
                case 0, 1 -> {
                    // Owner a has many, so that the others have somebody to wait for.
                    String owner = random.nextBoolean() ? "a" : String.valueOf((char) ('b' + random.nextInt(8)));
                    passed.computeIfAbsent(owner, _ -> new HashMap<>());
                    add(owner + ++made);
                }
                case 2, 3 -> {
                    String first = order.getFirst();
                    String owner = first.substring(0, 1);
                    queue.serve(owner, first);
                    passed.remove(owner);
                    for (Map<String, Integer> counts : passed.values()) {
                        assertThat(counts.merge(owner, 1, Integer::sum)).isOne();
                    }
                    if (queue.size(owner) > 0) {
                        passed.put(owner, new HashMap<>());
                    }
                }
                default -> {
                    String any = order.get(random.nextInt(order.size()));
                    queue.remove(any.substring(0, 1), any);
                    if (queue.size(any.substring(0, 1)) == 0) {
                        passed.remove(any.substring(0, 1));
                    }
                }
            }
        }
        List<String> left = new ArrayList<>(queue.inOrder());
        assertThat(left).hasSize(queue.size()).doesNotHaveDuplicates();
    }

    private void add(String... things) {
        for (String thing : things) {
            queue.add(thing.substring(0, 1), thing);
        }
    }
}
