package dev.sallyport.model;

/** A failure with a named cause. The message is the cause's code, sentence and detail; it never holds a secret. */
public final class FailureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Cause cause;

    public FailureException(Cause cause) {
        super(cause.code() + ": " + cause.code().sentence() + " " + cause.detail());
        this.cause = cause;
    }

    public FailureException(Cause cause, Throwable thrown) {
        super(cause.code() + ": " + cause.code().sentence() + " " + cause.detail(), thrown);
        this.cause = cause;
    }

    /** A failure without evidence lines beyond its detail. */
    public static FailureException of(CauseCode code, String detail, String... evidence) {
        return new FailureException(Cause.of(code, detail, evidence));
    }

    /** The named cause. */
    public Cause reason() {
        return cause;
    }
}
