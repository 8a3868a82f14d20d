package dev.sallyport.machine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What was made for one machine, in order. Each thing is written down in the ledger before it is made, and struck out when it
 * is undone; undoing goes backwards, meets every error, and keeps what could not be undone for another try.
 */
public final class MadeThings {
    private final ResourceLedger ledger;
    private final Function<Resource, List<String>> undo;
    private final ArrayDeque<Resource> made = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();

    /**
     * @param ledger where things are written down
     * @param undo removes one thing and returns the errors met, such as {@link MachineDriver#undo}
     */
    public MadeThings(ResourceLedger ledger, Function<Resource, List<String>> undo) {
        this.ledger = ledger;
        this.undo = undo;
    }

    /**
     * Takes over what an earlier process made and wrote down.
     *
     * @param already what the ledger holds as not undone, the oldest first
     */
    public MadeThings(ResourceLedger ledger, Function<Resource, List<String>> undo, List<Resource> already) {
        this(ledger, undo);
        already.forEach(made::push);
    }

    /**
     * Writes things down, in the order in which they will be made. Call it before the first is made; together is much cheaper than one
     * by one, and undoing what was not made yet is harmless.
     */
    public void intend(Resource... resources) {
        lock.lock();
        try {
            ledger.intend(List.of(resources));
            for (Resource resource : resources) {
                made.push(resource);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Undoes everything that is still there, the last made first. Doing so twice is harmless.
     *
     * @return the errors met, none when nothing is left
     */
    public List<String> undoAll() {
        return undoIf(resource -> true);
    }

    private void strikeOut(List<Resource> undone, List<String> errors) {
        if (undone.isEmpty()) {
            return;
        }
        try {
            ledger.undone(undone);
            made.removeAll(undone);
        } catch (RuntimeException e) {
            errors.add("striking out " + undone.size() + " things that are undone: " + e); // They are undone once more.
        }
    }

    /** Undoes those things alone that {@code which} is true of; see {@link #undoAll()}. */
    public List<String> undoIf(Predicate<Resource> which) {
        lock.lock();
        try {
            var errors = new ArrayList<String>();
            var undone = new ArrayList<Resource>();
            for (Resource resource : List.copyOf(made)) {
                if (!which.test(resource)) {
                    continue;
                }
                try {
                    List<String> met = undo.apply(resource);
                    if (met.isEmpty()) {
                        undone.add(resource);
                    }
                    errors.addAll(met);
                } catch (RuntimeException e) {
                    // The next things are undone all the same.
                    errors.add("undoing " + resource.kind() + " " + resource.name() + ": " + e);
                }
            }
            strikeOut(undone, errors);
            return errors;
        } finally {
            lock.unlock();
        }
    }
}
