package dev.sallyport.controller.store;

import dev.sallyport.model.Cause;
import java.time.Duration;

/**
 * Told how sessions and machines fared, after it is written down: a change of state happens once, and so it is told once, whoever
 * made it. It must not throw.
 */
public interface OutcomeListener {
    /** For whom nobody listens. */
    OutcomeListener NONE = new OutcomeListener() {};

    /** A session's status changed. */
    default void sessionMoved(StoredSession before, StoredSession after) {}

    /** A session reached its end; its cause is there when it failed. */
    default void sessionEnded(StoredSession session) {}

    /** A session's browser machine is gone, so long after the session's end. */
    default void browserGone(Duration afterEnd) {}

    /** A start waited so long for room on the host. */
    default void queued(Duration waited) {}

    /** The vault was asked for something; whether it was done. */
    default void vault(String operation, boolean done) {}

    /** A machine's agent answered. */
    default void machineReady(StoredMachine machine) {}

    /** A machine is ended that never was ready. */
    default void startFailed(StoredMachine machine, Cause cause) {}

    /** A failed start was named so long after its first sign was seen. */
    default void diagnosed(Duration signToVerdict) {}
}
