package dev.sallyport.agent;

import dev.sallyport.agent.identity.Adoption;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** The state of each part that the machine's kind needs: {@code starting}, {@code ok}, {@code failed: REASON}. */
public final class Parts {
    /** A part that is up. */
    public static final String OK = "ok";
    /** A part on its way. */
    public static final String STARTING = "starting";

    private static final Set<String> LATE = Set.of(EgressCheck.EGRESS, Adoption.IDENTITY);

    private static final String FAILED = "failed: ";

    private final Map<String, String> states = Collections.synchronizedMap(new TreeMap<>());

    /** Sets a part's state. */
    public void set(String part, String state) {
        synchronized (states) {
            states.put(part, state);
            states.notifyAll();
        }
    }

    /** Sets that a part has failed; of several reasons the first stays. */
    public void fail(String part, String reason) {
        synchronized (states) {
            states.merge(part, FAILED + reason, (before, now) -> before.startsWith(FAILED) ? before : now);
            states.notifyAll();
        }
    }

    /** Takes a part away that is no matter any more. */
    public void remove(String part) {
        states.remove(part);
    }

    /** A copy, by name. */
    public Map<String, String> snapshot() {
        synchronized (states) {
            return new TreeMap<>(states);
        }
    }

    /**
     * True when none is still on its way; the way out is looked at later, and nothing waits for that. A template's identity waits for
     * the others.
     */
    public boolean settled() {
        synchronized (states) {
            return states.entrySet().stream()
                    .noneMatch(part -> part.getValue().equals(STARTING) && !LATE.contains(part.getKey()));
        }
    }

    /**
     * Waits until it is so.
     *
     * @param atMost the wait ends then, whether it is or not
     */
    void awaitSettled(Duration atMost) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        synchronized (states) {
            for (long left = atMost.toNanos(); left > 0 && !settled(); left = deadline - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(states, left);
            }
        }
    }

    /** Waits until it is so. */
    void awaitSettled() throws InterruptedException {
        synchronized (states) {
            while (!settled()) {
                states.wait();
            }
        }
    }
}
