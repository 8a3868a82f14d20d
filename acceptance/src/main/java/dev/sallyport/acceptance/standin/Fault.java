package dev.sallyport.acceptance.standin;

/** What can be made to go wrong at the stand-ins. */
public enum Fault {
    /** The user's approval is turned into a denial ({@code access_denied}). */
    DENIED,
    /** The token endpoint refuses every code and refresh token ({@code invalid_grant}). */
    TOKENS_REFUSED,
    /** The identity providers answer everything with 503. */
    BROKEN,
    /** The proxy cannot reach the identity providers (502). */
    UNREACHABLE,
    /** The proxy wants a user name and a password (407). */
    PASSWORD
}
