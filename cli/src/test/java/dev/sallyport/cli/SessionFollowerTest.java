package dev.sallyport.cli;

import static dev.sallyport.cli.PlayedServer.session;
import static dev.sallyport.cli.PlayedServer.timeline;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SessionFollowerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Keeps what it is told, and calls {@code onAway} when the server is away. */
    private static final class Kept implements SessionFollower.Listener {
        private final List<String> told = new ArrayList<>();
        private final Runnable onAway;

        private Kept(Runnable onAway) {
            this.onAway = onAway;
        }

        @Override
        public void event(JsonNode event) {
            told.add(event.path("step").asText());
        }

        @Override
        public void away() {
            told.add("away");
            onAway.run();
        }
    }

    @Test
    void aRestartInTheMiddleIsToldOnceAndNothingElseTwice() throws Exception {
        List<PlayedServer> later = new ArrayList<>();
        PlayedServer first = new PlayedServer(0);
        first.thenBreaks(timeline(1, "one", ""), session("awaiting_user"), timeline(2, "two", ""));
        int port = first.port();
        // It is down when the connection breaks, and up again when that was noticed.
        var kept = new Kept(() -> {
            first.close();
            try {
                later.add(new PlayedServer(port)
                        .thenBreaks()
                        .thenEvents(timeline(2, "two", ""), session("awaiting_user"), timeline(3, "three", ""))
                        .thenEvents(timeline(4, "four", ""), session("completed"), timeline(5, "never", "")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        try (var api = new ApiClient(first.address(), null)) {
            JsonNode end = new SessionFollower(api, "s-1", kept, PATIENCE).follow();
            assertThat(end.path("status").asText()).isEqualTo("completed");
            assertThat(kept.told).containsExactly("one", "two", "away", "three", "four");
            assertThat(first.requests).containsExactly("GET /api/auth/session/s-1/events?after=0");
            assertThat(later.getFirst().requests)
                    .containsExactly(
                            "GET /api/auth/session/s-1/events?after=2",
                            "GET /api/auth/session/s-1/events?after=2",
                            "GET /api/auth/session/s-1/events?after=3");
        } finally {
            first.close();
            later.forEach(PlayedServer::close);
        }
    }

    @Test
    void aServerThatStaysAwayIsGivenUp() throws Exception {
        PlayedServer server = new PlayedServer(0);
        server.thenBreaks(session("awaiting_user"));
        var kept = new Kept(server::close);
        try (server;
                var api = new ApiClient(server.address(), null)) {
            assertThatThrownBy(() -> new SessionFollower(api, "s-1", kept, Duration.ofMillis(300)).follow())
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.reason().code()).isEqualTo(CauseCode.SERVER_UNREACHABLE));
            assertThat(kept.told).containsExactly("away");
        }
    }

    @Test
    void whatAGatewaySaysMeanwhilePassesAndARefusalDoesNot() throws Exception {
        var kept = new Kept(() -> {});
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            server.then(502, "text/html", "<h1>Bad gateway</h1>")
                    .then(
                            404,
                            "application/problem+json",
                            "{\"code\":\"NOT_FOUND\",\"detail\":\"No session has that id.\"}");
            assertThatThrownBy(() -> new SessionFollower(api, "s-1", kept, PATIENCE).follow())
                    .hasMessageContaining("NOT_FOUND");
            assertThat(kept.told).containsExactly("away");
        }
    }

    @Test
    void whatAListenerThrowsIsNoReasonToGoOn() throws Exception {
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            server.thenEvents(timeline(1, "one", ""));
            assertThatThrownBy(() -> SessionFollower.follow(api, "s-1", event -> {
                        throw FailureException.of(CauseCode.SERVER_UNREACHABLE, "the listener's own");
                    }))
                    .hasMessageContaining("the listener's own");
        }
    }

    @Test
    void thePlaceInTheQueueIsShown() throws Exception {
        var out = new ByteArrayOutputStream();
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            server.thenEvents(
                    timeline(1, "queue.place", "\"place\":\"2\""),
                    timeline(2, "queue.place", "\"place\":\"1\""),
                    timeline(3, "queue.admitted", ""),
                    session("cancelled"));
            SessionFollower.follow(api, "s-1", new Progress(new PrintStream(out, true, StandardCharsets.UTF_8), false));
        }
        assertThat(out.toString(StandardCharsets.UTF_8).lines().map(String::strip))
                .containsExactly(
                        "Waiting for room: place 2",
                        "Waiting for room: place 1",
                        "3.00 s  queue.admitted             It is queue.admitted.");
    }

    @Test
    void aSessionThatGoesOnWaitsNoMoreForRoom() throws Exception {
        var out = new ByteArrayOutputStream();
        try (PlayedServer server = new PlayedServer(0);
                var api = new ApiClient(server.address(), null)) {
            server.thenEvents(
                    timeline(1, "queue.place", "\"place\":\"1\""),
                    timeline(2, "cli.network", ""),
                    timeline(3, "session.vm_created", ""),
                    timeline(4, "tool.started", ""),
                    session("cancelled"));
            SessionFollower.follow(api, "s-1", new Progress(new PrintStream(out, true, StandardCharsets.UTF_8), true));
        }
        String shown = out.toString(StandardCharsets.UTF_8);
        assertThat(shown.substring(0, shown.indexOf("session.vm_created"))).contains("Waiting for room: place 1");
        assertThat(shown.substring(shown.indexOf("cli.network"), shown.indexOf("session.vm_created")))
                .contains("Waiting for room: place 1");
        assertThat(shown.substring(shown.indexOf("session.vm_created"))).doesNotContain("Waiting for room");
    }
}
