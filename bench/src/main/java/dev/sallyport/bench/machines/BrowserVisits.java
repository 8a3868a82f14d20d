package dev.sallyport.bench.machines;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Browser machines as a user gets them: by a sign-in, which is cancelled as soon as all is there. */
final class BrowserVisits implements AutoCloseable {
    /**
     * One visit, from the request on.
     *
     * @param agent to the agent's answer
     * @param screen to a whole picture of its screen through the relay, and Chromium's answer
     */
    record Visit(Duration agent, Duration screen) {}

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final House house;
    private final String user;
    private final String cli;

    /** Their user has a CLI machine already: only the browser machine is started. */
    BrowserVisits(House house) throws InterruptedException {
        this.house = house;
        this.user = house.user();
        this.cli = house.cli(user);
    }

    Visit one() throws IOException, InterruptedException {
        ApiClient api = house.api();
        Instant began = Instant.now();
        String session = api.post("/api/auth/start", Map.of("userId", user, "provider", "demo"))
                .path("sessionId")
                .asText();
        var ready = new CompletableFuture<Instant>();
        Thread.ofVirtual().start(() -> follow(session, ready));
        try {
            Instant agent = ready.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            JsonNode told = api.get("/api/auth/session/" + session).path("session");
            var chromium = new CompletableFuture<Void>();
            InetSocketAddress asked = house.agent(told.path("vm_id").asText());
            Thread.ofVirtual().start(() -> awaitChromium(asked, chromium));
            ScreenGlance.take(screen(session), PATIENCE);
            chromium.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return new Visit(Duration.between(began, agent), Duration.between(began, Instant.now()));
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the browser machine of session " + session + " was not there", e);
        } finally {
            api.post("/api/auth/session/" + session + "/cancel", Map.of());
            ended(session);
            house.awaitStandby(VmType.BROWSER);
        }
    }

    private URI screen(String session) throws InterruptedException {
        URI base = house.address();
        String path = house.api()
                .get("/api/auth/session/" + session + "/novnc")
                .path("websocketURL")
                .asText();
        return URI.create("ws://" + base.getAuthority() + path);
    }

    private void follow(String session, CompletableFuture<Instant> ready) {
        try {
            house.api().events("/api/auth/session/" + session + "/events", event -> {
                switch (event.data().path("step").asText()) {
                    case "browser.agent_ready" ->
                        ready.complete(Instant.parse(event.data().path("at").asText()));
                    case "session.failed", "session.cancelled" ->
                        ready.completeExceptionally(new IOException(event.data().toString()));
                    default -> {}
                }
                return !ready.isDone();
            });
            ready.completeExceptionally(new IOException("the session's events ended"));
        } catch (InterruptedException | RuntimeException e) {
            ready.completeExceptionally(e);
        }
    }

    private static void awaitChromium(InetSocketAddress agent, CompletableFuture<Void> answered) {
        try {
            BareHypervisor.awaitChromium(agent, PATIENCE);
            answered.complete(null);
        } catch (IOException | InterruptedException e) {
            answered.completeExceptionally(e);
        }
    }

    /** Its machine is gone when this returns, so that the next visit finds a quiet host. */
    private void ended(String session) throws InterruptedException {
        house.api()
                .events(
                        "/api/auth/session/" + session + "/events?after=0",
                        event -> !event.data().path("step").asText().equals("browser.ended"));
    }

    @Override
    public void close() {
        try {
            house.end(cli);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
