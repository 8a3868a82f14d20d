package dev.sallyport.machine;

import dev.sallyport.diagnosis.Evidence;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a machine's pulse in intervals and tells when its processors stand still, or when for some seconds they had next to
 * nothing to do: then nothing is under way in it, and who waits for it waits in vain. A machine that wants a processor of a busy
 * host and does not get one is not idle. What an idle machine says meanwhile (systemd counts the seconds of a wait) is for the
 * diagnosis to weigh.
 */
final class PulseWatch {
    /** Between two looks. */
    static final Duration EVERY = Duration.ofMillis(500);
    /** What is called idle lasts at least so long. */
    static final Duration WINDOW = Duration.ofSeconds(4);
    /**
     * Of that time, an idle guest uses less: the hypervisor's own timers and the kernel's take some hundredths under emulation, and
     * so does systemd where it counts seconds.
     */
    private static final double IDLE_SHARE = 0.1;
    /** Seen so often in a row, a halt is no passing one. */
    private static final int HALTS = 2;

    private record Look(Instant at, Pulse pulse) {}

    private final Machine machine;
    private final Deque<Look> looks = new ArrayDeque<>();
    private int halts;
    private @Nullable Instant idleSince;

    PulseWatch(Machine machine) {
        this.machine = machine;
    }

    /** One look. */
    Optional<Evidence> look() {
        return machine.pulse().flatMap(pulse -> look(Instant.now(), pulse));
    }

    /** One look as it would be at {@code now}. */
    Optional<Evidence> look(Instant now, Pulse pulse) {
        if (!pulse.halted().isEmpty()) {
            looks.clear();
            return ++halts == HALTS ? Optional.of(new Evidence.Halted(now, pulse.halted())) : Optional.empty();
        }
        halts = 0;
        looks.addLast(new Look(now, pulse));
        Look first = looks.getFirst();
        while (looks.size() > 2 && Duration.between(second().at(), now).compareTo(WINDOW) >= 0) {
            looks.removeFirst();
            first = looks.getFirst();
        }
        Duration span = Duration.between(first.at(), now);
        if (span.compareTo(WINDOW) < 0) {
            return Optional.empty();
        }
        Duration worked = pulse.worked().minus(first.pulse().worked());
        Duration wanted = worked.plus(pulse.waited().minus(first.pulse().waited()));
        if (wanted.toNanos() > span.toNanos() * IDLE_SHARE) {
            idleSince = null;
            return Optional.empty();
        }
        if (idleSince == null) {
            idleSince = first.at();
        }
        Duration lasting = Duration.between(idleSince, now);
        return Optional.of(new Evidence.Idle(
                now,
                lasting,
                String.format(
                        Locale.ROOT,
                        "for %.1f s the machine has been idle: of the last %.1f s it used %d ms",
                        lasting.toMillis() / 1000.0,
                        span.toMillis() / 1000.0,
                        worked.toMillis())));
    }

    private Look second() {
        var all = looks.iterator();
        all.next();
        return all.next();
    }
}
