package dev.sallyport.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A ledger in memory that remembers everything, and can do something at the moment that a thing is written down. */
public final class RecordingLedger implements ResourceLedger {
    private final List<Resource> all = new ArrayList<>();
    private final List<Resource> open = new ArrayList<>();
    private final Consumer<Resource> onIntend;

    /** @param onIntend called before the thing can have been made */
    public RecordingLedger(Consumer<Resource> onIntend) {
        this.onIntend = onIntend;
    }

    @Override
    public synchronized void intend(List<Resource> resources) {
        all.addAll(resources);
        open.addAll(resources);
        resources.forEach(onIntend);
    }

    @Override
    public synchronized void undone(List<Resource> resources) {
        open.removeAll(resources);
    }

    /** Everything ever written down, in order. */
    public synchronized List<Resource> all() {
        return List.copyOf(all);
    }

    /** What has not been struck out, in the order in which to undo it. */
    public synchronized List<Resource> toUndo() {
        return List.copyOf(open.reversed());
    }
}
