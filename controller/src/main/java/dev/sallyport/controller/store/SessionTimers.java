package dev.sallyport.controller.store;

import org.jdbi.v3.core.Handle;

/** Sets what is to happen to a session later, in the transaction that changes it: neither is ever there without the other. */
@FunctionalInterface
public interface SessionTimers {
    /** Sets none. */
    SessionTimers NONE = (handle, session) -> {};

    /**
     * A session was made or changed.
     *
     * @param handle the transaction
     * @param session as it is now
     */
    void changed(Handle handle, StoredSession session);
}
