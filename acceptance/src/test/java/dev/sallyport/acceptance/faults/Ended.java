package dev.sallyport.acceptance.faults;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.StreamSupport;

/**
 * How a sign-in ended.
 *
 * @param session as the API tells it
 * @param timeline its events
 */
record Ended(JsonNode session, List<JsonNode> timeline) {
    String status() {
        return session.path("status").asText();
    }

    /** The cause's code; empty when it did not fail. */
    String cause() {
        return session.path("cause").path("code").asText();
    }

    String detail() {
        return session.path("cause").path("detail").asText();
    }

    List<String> evidence() {
        return StreamSupport.stream(session.path("cause").path("evidence").spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    /** Milliseconds from the request to the failure. */
    long afterMs() {
        return at("session.failed").orElse(at("session.completed").orElse(-1));
    }

    /** Milliseconds from the first visible sign of the fault to its name; empty when nothing showed before. */
    OptionalLong signToVerdictMs(String sign) {
        OptionalLong measured = timeline.stream()
                .filter(event -> event.path("step").asText().endsWith(".diagnosed"))
                .mapToLong(event -> Long.parseLong(
                        event.path("details").path("sign_to_verdict_ms").asText("0")))
                .findFirst();
        if (measured.isPresent()) {
            return measured;
        }
        OptionalLong shown = at(sign);
        return shown.isPresent() ? OptionalLong.of(afterMs() - shown.getAsLong()) : OptionalLong.empty();
    }

    private OptionalLong at(String step) {
        return timeline.stream()
                .filter(event -> event.path("step").asText().equals(step))
                .mapToLong(event -> event.path("at_ms").asLong())
                .reduce((first, last) -> last);
    }
}
