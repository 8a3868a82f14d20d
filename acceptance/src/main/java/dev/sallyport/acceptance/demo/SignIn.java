package dev.sallyport.acceptance.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.cli.SessionFollower;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/**
 * One sign-in as a user lives it: started over the API, approved on the screen, followed to its end.
 *
 * @param session the session as it ended
 * @param timeline its events, as the API sent them
 */
public record SignIn(JsonNode session, List<JsonNode> timeline) {
    /**
     * Runs a sign-in to its end.
     *
     * @param onEvent told of each event as it happens
     * @param picture where a picture of the approval page is written
     */
    public static SignIn run(Stage stage, String user, String provider, Path picture, Consumer<JsonNode> onEvent)
            throws InterruptedException {
        ApiClient api = stage.admin();
        String id = api.post("/api/auth/start", Map.of("userId", user, "provider", provider))
                .path("sessionId")
                .asText();
        List<JsonNode> timeline = new ArrayList<>();
        var played = new CompletableFuture<Void>();
        JsonNode ended = SessionFollower.follow(api, id, event -> {
            timeline.add(event);
            onEvent.accept(event);
            if (event.path("step").asText().equals("session.awaiting_user")) {
                Thread.ofVirtual().name("person").start(() -> play(stage, id, picture, played));
            }
        });
        boolean completed = ended.path("status").asText().equals("completed");
        if (completed || played.isCompletedExceptionally()) {
            rethrow(played);
        }
        if (completed) {
            api.post("/api/auth/session/" + id + "/complete", Map.of());
        }
        // What follows is the end of the browser machine.
        api.events(
                "/api/auth/session/" + id + "/events?after="
                        + timeline.getLast().path("sequence").asLong(),
                event -> {
                    if (event.name().equals("timeline")) {
                        timeline.add(event.data());
                        onEvent.accept(event.data());
                    }
                    return true;
                });
        return new SignIn(ended, List.copyOf(timeline));
    }

    /** True when the session completed. */
    public boolean completed() {
        return session.path("status").asText().equals("completed");
    }

    /** What the tool in the CLI machine said. */
    public String proof() {
        return session.path("proof").asText();
    }

    /** When a step first happened, in milliseconds since the session began; -1 when it never did. */
    public long at(String step) {
        return timeline.stream()
                .filter(event -> event.path("step").asText().equals(step))
                .mapToLong(event -> event.path("at_ms").asLong())
                .findFirst()
                .orElse(-1);
    }

    private static void play(Stage stage, String id, Path picture, CompletableFuture<Void> played) {
        try {
            ScreenApprover.approve(stage.admin(), stage.address(), id, picture);
            played.complete(null);
        } catch (IOException | RuntimeException e) {
            played.completeExceptionally(e);
            cancel(stage, id, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            played.completeExceptionally(e);
        }
    }

    /** Nobody will press the button any more: the session need not wait for its user's time to run out. */
    private static void cancel(Stage stage, String id, Exception met) {
        try {
            stage.admin().post("/api/auth/session/" + id + "/cancel", Map.of());
        } catch (FailureException e) {
            met.addSuppressed(e); // It ended in the meantime, as its timeline says.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void rethrow(CompletableFuture<Void> played) {
        try {
            played.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException runtime -> throw runtime;
                case IOException io -> throw new UncheckedIOException("the person lost the screen", io);
                case null, default -> throw e;
            }
        }
    }
}
