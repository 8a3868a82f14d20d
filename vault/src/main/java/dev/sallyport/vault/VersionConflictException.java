package dev.sallyport.vault;

/** Thrown when an entry of the vault is no longer at the version that a change was based on: somebody else was first. */
public final class VersionConflictException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long expected;
    private final long actual;

    /**
     * @param expected the version that the change was based on
     * @param actual the version that is there
     */
    public VersionConflictException(long expected, long actual) {
        super("the entry is at version " + actual + ", and the change was based on version " + expected);
        this.expected = expected;
        this.actual = actual;
    }

    /** The version that the change was based on; 0 for none. */
    public long expected() {
        return expected;
    }

    /** The version that was there when the change was refused. */
    public long actual() {
        return actual;
    }
}
