package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Locale;
import java.util.function.Consumer;

/** Follows a session's timeline to its end, printing each event as it happens. */
public final class SessionFollower {
    private SessionFollower() {}

    /** Follows session {@code id}; returns the session as it ended. */
    public static JsonNode follow(ApiClient api, String id, Progress progress) throws InterruptedException {
        return follow(api, id, event -> progress.line(line(event)));
    }

    /** Follows session {@code id}, telling {@code onEvent} of each timeline event; returns the session as it ended. */
    public static JsonNode follow(ApiClient api, String id, Consumer<JsonNode> onEvent) throws InterruptedException {
        JsonNode[] last = {MissingNode.getInstance()};
        api.events("/api/auth/session/" + id + "/events?after=0", event -> {
            if (event.name().equals("timeline")) {
                onEvent.accept(event.data());
            } else if (event.name().equals("session")) {
                last[0] = event.data();
                return !hasEnded(event.data());
            }
            return true;
        });
        JsonNode session = last[0];
        return hasEnded(session) ? session : api.get("/api/auth/session/" + id).path("session");
    }

    /** One timeline event as a line: seconds since the session began, the step, the sentence. */
    public static String line(JsonNode event) {
        return String.format(
                Locale.ROOT,
                "%8.2f s  %-26s %s",
                event.path("at_ms").asLong() / 1000.0,
                event.path("step").asText(),
                event.path("text").asText());
    }

    private static boolean hasEnded(JsonNode session) {
        return switch (session.path("status").asText()) {
            case "completed", "failed", "cancelled", "expired" -> true;
            default -> false;
        };
    }
}
