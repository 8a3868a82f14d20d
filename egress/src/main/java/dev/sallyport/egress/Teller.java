package dev.sallyport.egress;

import dev.sallyport.model.MachineId;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a door's events to its listener, in their order and at a bounded rate: a machine may ask for anything as fast as it
 * likes. They are told on a thread of its own, because a listener may block and who tells must not.
 */
final class Teller {
    /** How many events are told without a pause. */
    static final int BURST = 50;
    /** After that, one in this many nanoseconds. */
    private static final long REFILL_NANOS = 1_000_000_000L;
    /** Most events that wait for a listener. */
    private static final int MAX_WAITING = 2 * BURST;

    private static final Logger LOG = LoggerFactory.getLogger(Teller.class);

    private final MachineId machine;
    private final EgressGateway.Listener listener;
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private final Set<String> failing = new HashSet<>();
    private double tokens = BURST;
    private long last = System.nanoTime();
    private long untold;
    private boolean telling;
    private volatile boolean toldAnything;

    Teller(MachineId machine, EgressGateway.Listener listener) {
        this.machine = machine;
        this.listener = listener;
    }

    synchronized void tell(EgressEvent.Kind kind, String host, String reason) {
        long now = System.nanoTime();
        tokens = Math.min(BURST, tokens + (double) (now - last) / REFILL_NANOS);
        last = now;
        if (tokens < 1 || waiting.size() >= MAX_WAITING) {
            untold++;
            return;
        }
        tokens--;
        var event = new EgressEvent(machine, kind, Texts.printable(host), reason, untold);
        untold = 0;
        if (failing.size() < BURST) {
            failing.add(host);
            toldAnything = true;
        }
        queue(() -> listener.happened(event));
    }

    /** Whether there is any host that {@link #reached} would tell of: asked for each piece of a transfer, and so without a lock. */
    boolean toldAnything() {
        return toldAnything;
    }

    /** Tells that {@code host} was reached, if the listener was told before that it was not. */
    synchronized void reached(String host) {
        if (failing.remove(host)) {
            toldAnything = !failing.isEmpty();
            queue(() -> listener.reachedAgain(Texts.printable(host)));
        }
    }

    private void queue(Runnable telling) {
        waiting.add(telling);
        if (!this.telling) {
            this.telling = true;
            Thread.ofVirtual().name("egress-events-" + machine).start(this::tellAll);
        }
    }

    private synchronized @Nullable Runnable next() {
        Runnable next = waiting.poll();
        telling = next != null;
        return next;
    }

    private void tellAll() {
        for (Runnable next = next(); next != null; next = next()) {
            try {
                next.run();
            } catch (RuntimeException e) {
                LOG.warn("The listener of {} failed", machine, e);
            }
        }
    }
}
