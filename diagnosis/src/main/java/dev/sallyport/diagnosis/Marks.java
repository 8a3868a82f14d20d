package dev.sallyport.diagnosis;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** The first and the last marks of one sign; those between are counted alone, so that memory is bounded whatever a guest says. */
final class Marks {
    private static final int FIRST = 3;
    private static final int LAST = 6;

    private final List<Mark> first = new ArrayList<>(1);
    private final ArrayDeque<Mark> last = new ArrayDeque<>(1);
    private int count;

    void add(Mark mark) {
        count = Math.min(count + 1, Integer.MAX_VALUE - 1);
        if (first.size() < FIRST) {
            first.add(mark);
            return;
        }
        if (last.size() == LAST) {
            last.removeFirst();
        }
        last.addLast(mark);
    }

    /** How many there were. */
    int count() {
        return count;
    }

    /** Those that are kept, in their order. */
    List<Mark> kept() {
        var kept = new ArrayList<>(first);
        kept.addAll(last);
        return kept;
    }
}
