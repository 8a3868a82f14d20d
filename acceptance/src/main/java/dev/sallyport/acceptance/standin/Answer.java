package dev.sallyport.acceptance.standin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;

/**
 * An HTTP answer.
 *
 * @param status the status code
 * @param type the content type
 * @param body the text
 * @param location where a redirect leads; empty otherwise
 */
record Answer(int status, String type, String body, String location) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Answer json(int status, Map<String, ?> fields) {
        try {
            return new Answer(status, "application/json", JSON.writeValueAsString(fields), "");
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not to be written as JSON", e);
        }
    }

    /** An error of RFC 6749, section 5.2. */
    static Answer error(int status, String error, String description) {
        return json(status, Map.of("error", error, "error_description", description));
    }

    static Answer page(int status, String html) {
        return new Answer(status, "text/html; charset=utf-8", html, "");
    }

    /** 303: whatever the request was, what follows is a GET. */
    static Answer redirect(String location) {
        return new Answer(303, "text/plain", "", location);
    }
}
