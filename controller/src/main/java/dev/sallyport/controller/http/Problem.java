package dev.sallyport.controller.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sallyport.model.Cause;
import java.util.List;

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
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
record Problem(
        String type, String title, int status, String detail, String code, String remedy, List<String> evidence) {
    static final String MEDIA_TYPE = "application/problem+json";

    static Problem of(Cause cause) {
        return new Problem(
                "/causes#" + cause.code().anchor(),
                cause.code().sentence(),
                cause.code().httpStatus(),
                cause.detail(),
                cause.code().name(),
                cause.code().remedy(),
                cause.evidence());
    }
}
