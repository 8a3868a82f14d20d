package dev.sallyport.controller.admission;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A queue in which owners take turns: each owner's things come in the order in which they were added, one of each owner in every
 * round, and who had a turn is the last of the next round. So a thing that is its owner's first waits for at most one of each
 * other owner, however many these have. Not for several threads at once.
 *
 * @param <O> owners, by {@code equals}
 * @param <T> things, by {@code equals}
 */
final class FairQueue<O, T> {
    /** The owners in the order of their next turns. None of the lines is empty. */
    private final Map<O, Deque<T>> lines = new LinkedHashMap<>();

    private int size;

    /** Adds {@code thing} to the end of its owner's line; an owner without one has the last turn. */
    void add(O owner, T thing) {
        lines.computeIfAbsent(owner, _ -> new ArrayDeque<>()).add(thing);
        size++;
    }

    /** Takes {@code thing} out because its turn has come: its owner's next turn is the last. */
    void serve(O owner, T thing) {
        remove(owner, thing);
        Deque<T> line = lines.remove(owner);
        if (line != null) {
            lines.put(owner, line);
        }
    }

    /** Takes {@code thing} out if it is there; its owner keeps their turn for what else they have. */
    void remove(O owner, T thing) {
        Deque<T> line = lines.get(owner);
        if (line != null && line.remove(thing)) {
            size--;
            if (line.isEmpty()) {
                lines.remove(owner);
            }
        }
    }

    int size() {
        return size;
    }

    int size(O owner) {
        Deque<T> line = lines.get(owner);
        return line == null ? 0 : line.size();
    }

    /** All things in the order of their turns, if nothing more is added. */
    List<T> inOrder() {
        List<T> order = new ArrayList<>(size);
        List<Iterator<T>> rounds = new ArrayList<>();
        lines.values().forEach(line -> rounds.add(line.iterator()));
        while (!rounds.isEmpty()) {
            for (Iterator<Iterator<T>> round = rounds.iterator(); round.hasNext(); ) {
                Iterator<T> line = round.next();
                order.add(line.next());
                if (!line.hasNext()) {
                    round.remove();
                }
            }
        }
        return order;
    }
}
