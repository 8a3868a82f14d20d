package dev.sallyport.agentapi;

/** Where a sign-in stands in its browser machine. */
public enum SignInState {
    /** The tool runs and has not asked for a browser yet. */
    STARTING,
    /** The tool's URL is open in the machine's Chromium. */
    AWAITING_USER,
    /** The tool succeeded and its credential files are complete. */
    SUCCEEDED,
    /** It failed, with a cause. */
    FAILED,
    /** It was ended from outside. */
    CANCELLED
}
