package dev.sallyport.egress;

import dev.sallyport.model.MachineId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a door's events to its listener, at a bounded rate: a machine may ask for anything as fast as it likes. Events are told
 * on threads of their own, because a listener may block and who tells must not.
 */
final class Teller {
    /** How many events are told without a pause. */
    static final int BURST = 50;
    /** After that, one in this many nanoseconds. */
    private static final long REFILL_NANOS = 1_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(Teller.class);

    private final MachineId machine;
    private final EgressGateway.Listener listener;
    private double tokens = BURST;
    private long last = System.nanoTime();
    private long untold;

    Teller(MachineId machine, EgressGateway.Listener listener) {
        this.machine = machine;
        this.listener = listener;
    }

    void tell(EgressEvent.Kind kind, String host, String reason) {
        long leftOut;
        synchronized (this) {
            long now = System.nanoTime();
            tokens = Math.min(BURST, tokens + (double) (now - last) / REFILL_NANOS);
            last = now;
            if (tokens < 1) {
                untold++;
                return;
            }
            tokens--;
            leftOut = untold;
            untold = 0;
        }
        var event = new EgressEvent(machine, kind, Texts.printable(host), reason, leftOut);
        Thread.ofVirtual().name("egress-event-" + machine).start(() -> {
            try {
                listener.happened(event);
            } catch (RuntimeException e) {
                LOG.warn("The listener of {} failed on {}", machine, event.kind(), e);
            }
        });
    }
}
