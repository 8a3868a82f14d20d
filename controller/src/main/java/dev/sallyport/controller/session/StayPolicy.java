package dev.sallyport.controller.session;

import dev.sallyport.controller.store.SessionTimers;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.Timers;
import dev.sallyport.model.MachineId;
import dev.sallyport.model.SessionStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * How long things may last, as a pure function of what is stored: an ended session's browser machine stays while somebody watches,
 * a grace period after the last viewer left, and for as long as somebody asked for, but never longer than a cap; and not at all once
 * its page said that it is done. The times become durable timers in the transaction that changes the session.
 */
public final class StayPolicy implements SessionTimers {
    /** The timer that ends an ended session's browser machine; its instance is the session's id. */
    public static final String BROWSER_END = "browser-end";

    /** The timer that ends a session whose user did not come; its instance is the session's id. */
    public static final String SESSION_EXPIRY = "session-expiry";

    /** The session's own flow is to see the end of the user's time first: it knows more of the cause. */
    private static final Duration BEHIND_THE_FLOW = Duration.ofSeconds(5);

    /**
     * All but the last from the session's end on.
     *
     * @param afterSuccess grace after the last viewer of a completed session left
     * @param afterFailure grace after the last viewer of a failed session left
     * @param atMost cap, whoever watches
     * @param keptAtMost cap for one that somebody asked to stay
     * @param failedKept how long a failed session's machine stays for debugging, whoever watches; zero for not at all
     * @param idle how long a session may wait for its user while nobody watches, and nothing comes from the user
     */
    public record Periods(
            Duration afterSuccess,
            Duration afterFailure,
            Duration atMost,
            Duration keptAtMost,
            Duration failedKept,
            Duration idle) {}

    private final Periods periods;

    public StayPolicy(Periods periods) {
        this.periods = periods;
    }

    /** When the browser machine of an ended session is to end; in the past when it is due. */
    public Instant browserDue(StoredSession session) {
        Instant ended = session.endedAt();
        if (ended == null) {
            throw new IllegalArgumentException("the session " + session.id() + " has not ended");
        }
        if (session.released() || session.status() == SessionStatus.CANCELLED) {
            return ended;
        }
        Instant latest = session.viewers() > 0 ? ended.plus(periods.atMost()) : alone(session, ended);
        if (session.keptUntil() != null) {
            latest = later(latest, session.keptUntil());
        }
        if (isKeptForDebugging(session)) {
            latest = later(latest, ended.plus(periods.failedKept()));
        }
        Instant cap = cap(session, ended);
        return latest.isAfter(cap) ? cap : latest;
    }

    /** When the grace of a session that nobody watches is over. */
    private Instant alone(StoredSession session, Instant ended) {
        Instant left = session.lastViewed();
        Instant since = left == null || left.isBefore(ended) ? ended : left;
        return since.plus(
                session.status() == SessionStatus.COMPLETED ? periods.afterSuccess() : periods.afterFailure());
    }

    /** When a session that waits for its user is to end; empty of one that does not wait. */
    public Optional<Instant> expiryDue(StoredSession session) {
        if (session.status() != SessionStatus.AWAITING_USER || session.expiresAt() == null) {
            return Optional.empty();
        }
        if (session.viewers() > 0) {
            return Optional.of(session.expiresAt());
        }
        Instant seen = session.lastViewed();
        Instant alone = seen == null ? session.statusSince() : later(seen, session.statusSince());
        Instant idle = alone.plus(periods.idle());
        return Optional.of(idle.isBefore(session.expiresAt()) ? idle : session.expiresAt());
    }

    /** Until when it may be asked to stay. */
    public Instant keepableUntil(StoredSession session) {
        Instant ended = session.endedAt();
        return ended == null ? Instant.MAX : later(ended.plus(periods.keptAtMost()), cap(session, ended));
    }

    /** Why it ends at {@link #browserDue}, in words. */
    public String reason(StoredSession session, Instant now) {
        if (session.status() == SessionStatus.CANCELLED) {
            return "the session was cancelled";
        }
        if (session.released()) {
            return "its page said that it is done";
        }
        Instant ended = session.endedAt();
        boolean capped = ended != null && !now.isBefore(cap(session, ended));
        return capped ? "its time after the session's end is over" : "nobody watched any more";
    }

    @Override
    public void changed(Handle handle, StoredSession session) {
        String instance = session.id().value();
        MachineId browser = session.browserMachine();
        if (session.endedAt() != null) {
            Timers.clear(handle, SESSION_EXPIRY, instance);
            if (browser != null) {
                Timers.set(handle, BROWSER_END, instance, browserDue(session));
            }
        } else {
            expiryDue(session)
                    .ifPresent(due -> Timers.set(handle, SESSION_EXPIRY, instance, due.plus(BEHIND_THE_FLOW)));
        }
    }

    private Instant cap(StoredSession session, Instant ended) {
        Instant cap = ended.plus(periods.atMost());
        if (session.keptUntil() != null) {
            cap = later(cap, ended.plus(periods.keptAtMost()));
        }
        return isKeptForDebugging(session) ? later(cap, ended.plus(periods.failedKept())) : cap;
    }

    private boolean isKeptForDebugging(StoredSession session) {
        return session.status() == SessionStatus.FAILED && periods.failedKept().isPositive();
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }
}
