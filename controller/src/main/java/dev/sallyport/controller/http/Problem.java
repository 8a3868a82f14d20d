package dev.sallyport.controller.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sallyport.model.Cause;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A problem document (RFC 9457) with the cause's code.
 *
 * @param type a URI reference that names the cause
 * @param title the cause's sentence
 * @param status the HTTP status
 * @param detail about this very case
 * @param code the cause's code
 * @param remedy what to do
 * @param evidence the lines that prove it
 * @param retryAfter seconds to wait before the same is tried again, as in {@value #RETRY_AFTER}; null where waiting alone does
 *     not help
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
record Problem(
        String type,
        String title,
        int status,
        String detail,
        String code,
        String remedy,
        List<String> evidence,
        @Nullable Long retryAfter) {
    static final String MEDIA_TYPE = "application/problem+json";

    /** The header (RFC 9110, section 10.2.3), in whole seconds. */
    static final String RETRY_AFTER = "Retry-After";

    static Problem of(FailureException failure) {
        return of(failure.reason(), failure.retryAfter().map(Problem::seconds).orElse(null));
    }

    static Problem of(Cause cause) {
        return of(cause, null);
    }

    private static Problem of(Cause cause, @Nullable Long retryAfter) {
        return new Problem(
                "/causes#" + cause.code().anchor(),
                cause.code().sentence(),
                cause.code().httpStatus(),
                cause.detail(),
                cause.code().name(),
                cause.code().remedy(),
                cause.evidence(),
                retryAfter);
    }

    /** Rounded up: who comes a moment too early is refused again. */
    private static long seconds(Duration wait) {
        return Math.max(1, wait.plusNanos(999_999_999).toSeconds());
    }
}
