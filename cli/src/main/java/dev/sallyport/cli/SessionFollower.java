package dev.sallyport.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Follows a session's timeline to its end, over as many connections as it takes: sign-ins outlive restarts of their server, and so does
 * this.
 */
public final class SessionFollower {
    /** A server that is away for so long is given up. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final Duration FIRST_WAIT = Duration.ofMillis(250);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);
    private static final String QUEUE = "Waiting for room:";

    private final ApiClient api;
    private final String path;
    private final Listener listener;
    private final Duration patience;
    private JsonNode session = MissingNode.getInstance();
    private long last;
    private Duration wait = FIRST_WAIT;
    /** Since when the server is away, in nanoseconds; null while it is not. */
    private @Nullable Long awaySince;

    private boolean telling;

    SessionFollower(ApiClient api, String id, Listener listener, Duration patience) {
        this.api = api;
        this.path = "/api/auth/session/" + id + "/events?after=";
        this.listener = listener;
        this.patience = patience;
    }

    /** Told of what happens. */
    interface Listener {
        /** A timeline event, as the API tells it. */
        void event(JsonNode event);

        /** The server is away, and asked again; told once each time that it goes away. */
        void away();
    }

    /**
     * Follows session {@code id}; returns the session as it ended.
     *
     * @throws FailureException SERVER_UNREACHABLE when the server was away for two minutes, or what it refuses with
     */
    public static JsonNode follow(ApiClient api, String id, Progress progress) throws InterruptedException {
        try {
            return new SessionFollower(api, id, new Shown(progress), PATIENCE).follow();
        } finally {
            progress.forget(QUEUE);
        }
    }

    /** Follows session {@code id}, telling {@code onEvent} of each timeline event; returns the session as it ended. */
    public static JsonNode follow(ApiClient api, String id, Consumer<JsonNode> onEvent) throws InterruptedException {
        Listener listener = new Listener() {
            @Override
            public void event(JsonNode event) {
                onEvent.accept(event);
            }

            @Override
            public void away() {}
        };
        return new SessionFollower(api, id, listener, PATIENCE).follow();
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

    /** Follows the session; returns it as it ended. */
    JsonNode follow() throws InterruptedException {
        while (true) {
            try {
                api.events(path + last, this::read);
            } catch (FailureException e) {
                if (telling || !passes(e) || hasBeenAwayTooLong()) {
                    throw e;
                }
                if (awaySince == null) {
                    awaySince = System.nanoTime();
                    listener.away();
                }
            }
            if (hasEnded(session)) {
                return session;
            }
            // A server that stops ends its streams in an orderly way too.
            Thread.sleep(wait);
            wait = wait.multipliedBy(2).compareTo(LONGEST_WAIT) < 0 ? wait.multipliedBy(2) : LONGEST_WAIT;
        }
    }

    private boolean read(ApiClient.Event event) {
        wait = FIRST_WAIT;
        awaySince = null;
        if (event.name().equals("session")) {
            session = event.data();
            return !hasEnded(session);
        }
        long sequence = event.data().path("sequence").asLong();
        if (event.name().equals("timeline") && sequence > last) {
            last = sequence;
            // What the listener throws is its own, whatever it is.
            telling = true;
            listener.event(event.data());
            telling = false;
        }
        return true;
    }

    private boolean hasBeenAwayTooLong() {
        return awaySince != null && System.nanoTime() - awaySince > patience.toNanos();
    }

    /** Whether a server that restarts may be what is behind a failure. */
    private static boolean passes(FailureException failure) {
        CauseCode code = failure.reason().code();
        return code == CauseCode.SERVER_UNREACHABLE || code == CauseCode.HOST_RESTARTED || code == CauseCode.UNKNOWN;
    }

    private static boolean hasEnded(JsonNode session) {
        return switch (session.path("status").asText()) {
            case "completed", "failed", "cancelled", "expired" -> true;
            default -> false;
        };
    }

    /** Shows each event as a line; the place in the queue is drawn over where that can be. */
    private record Shown(Progress progress) implements Listener {
        @Override
        public void event(JsonNode event) {
            String step = event.path("step").asText();
            if (step.equals("queue.place")) {
                progress.at(
                        QUEUE,
                        -1,
                        "place " + event.path("details").path("place").asText());
                return;
            }
            // A session that goes on waits no more, whoever has let it in: a restarted server does not say that it did.
            if (step.equals("queue.admitted") || step.startsWith("session.")) {
                progress.forget(QUEUE);
            }
            progress.line(line(event));
        }

        @Override
        public void away() {
            progress.line("The server does not answer; trying again …");
        }
    }
}
