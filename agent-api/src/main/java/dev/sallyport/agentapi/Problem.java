package dev.sallyport.agentapi;

import dev.sallyport.model.Cause;
import java.util.List;

/**
 * An RFC 9457 problem document with its cause.
 *
 * @param type {@code urn:sallyport:cause:CODE}
 * @param title the cause's sentence
 * @param status the HTTP status
 * @param detail one sentence about this very case
 * @param code the name of a {@link dev.sallyport.model.CauseCode}
 * @param evidence the lines that prove it
 */
public record Problem(String type, String title, int status, String detail, String code, List<String> evidence) {
    /** Its media type. */
    public static final String MEDIA_TYPE = "application/problem+json";

    /** The document of {@code cause}. */
    public static Problem of(Cause cause) {
        return new Problem(
                "urn:sallyport:cause:" + cause.code(),
                cause.code().sentence(),
                cause.code().httpStatus(),
                cause.detail(),
                cause.code().name(),
                cause.evidence());
    }
}
