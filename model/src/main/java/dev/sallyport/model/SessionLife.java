package dev.sallyport.model;

/** The life of a session as an explicit table. */
public final class SessionLife {
    /** What can happen to a session. */
    public enum Event {
        /** The browser machine's agent answered. */
        BROWSER_READY,
        /** The tool asked for a browser, and its URL was opened. */
        URL_OPENED,
        /** The tool finished and its credential files are complete. */
        SIGNED_IN,
        /** The CLI machine's tool confirmed that it is signed in. */
        PROVED,
        /** Something failed, with a cause. */
        FAIL,
        /** The user or an operator ended it. */
        CANCEL,
        /** The user's time ran out. */
        EXPIRE
    }

    /** The table. */
    public static final TransitionTable<SessionStatus, Event> TABLE = TransitionTable.<SessionStatus, Event>startingIn(
                    "session", SessionStatus.INITIALIZING)
            .add(SessionStatus.INITIALIZING, Event.BROWSER_READY, SessionStatus.VM_CREATED)
            .add(SessionStatus.INITIALIZING, Event.FAIL, SessionStatus.FAILED)
            .add(SessionStatus.INITIALIZING, Event.CANCEL, SessionStatus.CANCELLED)
            .add(SessionStatus.VM_CREATED, Event.URL_OPENED, SessionStatus.AWAITING_USER)
            .add(SessionStatus.VM_CREATED, Event.FAIL, SessionStatus.FAILED)
            .add(SessionStatus.VM_CREATED, Event.CANCEL, SessionStatus.CANCELLED)
            .add(SessionStatus.AWAITING_USER, Event.SIGNED_IN, SessionStatus.TRANSFERRING)
            .add(SessionStatus.AWAITING_USER, Event.FAIL, SessionStatus.FAILED)
            .add(SessionStatus.AWAITING_USER, Event.CANCEL, SessionStatus.CANCELLED)
            .add(SessionStatus.AWAITING_USER, Event.EXPIRE, SessionStatus.EXPIRED)
            // From here on the tool has credentials: they are carried to their end, and cancelling would lose them.
            .add(SessionStatus.TRANSFERRING, Event.PROVED, SessionStatus.COMPLETED)
            .add(SessionStatus.TRANSFERRING, Event.FAIL, SessionStatus.FAILED)
            .build();

    private SessionLife() {}
}
