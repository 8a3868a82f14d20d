package dev.sallyport.model;

import java.util.Locale;

/** Where a session stands; {@link #wire()} is the value of the API's {@code status} field. */
public enum SessionStatus {
    /** Accepted; machines are being started. */
    INITIALIZING,
    /** The browser machine's agent answers; the tool's sign-in is being started. */
    VM_CREATED,
    /** The sign-in page is open, and the user's part is what is waited for. */
    AWAITING_USER,
    /** The tool succeeded; its credentials are on their way to the vault and the CLI machine. */
    TRANSFERRING,
    /** The CLI machine's tool says that it is signed in. */
    COMPLETED,
    /** Ended by a named cause. */
    FAILED,
    /** Ended by its user or an operator. */
    CANCELLED,
    /** Ended because the user did not finish in time. */
    EXPIRED;

    /** The lower-case name, as in the API. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** True for the four statuses that nothing follows. */
    public boolean isEnded() {
        return SessionLife.TABLE.isFinal(this);
    }
}
