package dev.sallyport.model;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A failure with a named cause. The message is the cause's code, sentence and detail; it never holds a secret. */
public final class FailureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Cause cause;
    private final @Nullable Duration retryAfter;

    public FailureException(Cause cause) {
        this(cause, null, null);
    }

    public FailureException(Cause cause, Throwable thrown) {
        this(cause, thrown, null);
    }

    private FailureException(Cause cause, @Nullable Throwable thrown, @Nullable Duration retryAfter) {
        super(cause.code() + ": " + cause.code().sentence() + " " + cause.detail(), thrown);
        this.cause = cause;
        this.retryAfter = retryAfter;
    }

    /** A failure without evidence lines beyond its detail. */
    public static FailureException of(CauseCode code, String detail, String... evidence) {
        return new FailureException(Cause.of(code, detail, evidence));
    }

    /** A refusal that time heals: the same request may do after {@code retryAfter}. */
    public static FailureException tryLater(CauseCode code, Duration retryAfter, String detail) {
        return new FailureException(Cause.of(code, detail), null, retryAfter);
    }

    /** The named cause. */
    public Cause reason() {
        return cause;
    }

    /** How long to wait before the same is tried again; empty where waiting alone does not help. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }
}
