package dev.sallyport.controller.session;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Decides how long an ended session's browser machine stays: while somebody watches, and a grace period after the last viewer
 * left, but never longer than the cap; and not at all once its page said that it is done.
 */
final class BrowserStay {
    /**
     * @param afterSuccess grace after the last viewer of a completed session left
     * @param afterFailure grace after the last viewer of a failed session left
     * @param atMost cap, whoever watches
     */
    record Periods(Duration afterSuccess, Duration afterFailure, Duration atMost) {}

    private final Periods periods;
    private final InstantSource clock;
    private int watching;
    private Instant lastLeft;
    private boolean released;
    private String reason = "the session was ended";

    BrowserStay(Periods periods, InstantSource clock) {
        this.periods = periods;
        this.clock = clock;
        this.lastLeft = clock.instant();
    }

    /** Says how many watch now. */
    synchronized void watching(int now) {
        if (watching > 0 && now == 0) {
            lastLeft = clock.instant();
        }
        watching = now;
        notifyAll();
    }

    /** Says that nobody needs the machine any more. */
    synchronized void release() {
        released = true;
        notifyAll();
    }

    /** Why the stay ended, in words. */
    synchronized String reason() {
        return reason;
    }

    void afterSuccess() {
        hold(periods.afterSuccess());
    }

    void afterFailure() {
        hold(periods.afterFailure());
    }

    private synchronized void hold(Duration grace) {
        Instant began = clock.instant();
        Instant cap = began.plus(periods.atMost());
        if (lastLeft.isBefore(began)) {
            lastLeft = began;
        }
        while (true) {
            Instant now = clock.instant();
            Instant due = watching > 0 || lastLeft.plus(grace).isAfter(cap) ? cap : lastLeft.plus(grace);
            if (released) {
                reason = "its page said that it is done";
                return;
            }
            if (!now.isBefore(due)) {
                reason = watching > 0 ? "its time after the session's end is over" : "nobody watched any more";
                return;
            }
            try {
                wait(Math.max(1, Duration.between(now, due).toMillis()));
            } catch (InterruptedException e) {
                reason = "the controller is shutting down, or the session was cancelled";
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
