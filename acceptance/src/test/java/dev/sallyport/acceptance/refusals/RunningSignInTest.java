package dev.sallyport.acceptance.refusals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.player.RfbClient;
import dev.sallyport.acceptance.player.WebSocketTransport;
import dev.sallyport.acceptance.signin.Leftovers;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.cli.ApiClient.Answer;
import dev.sallyport.controller.Settings;
import dev.sallyport.model.Folders;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a sign-in that runs refuses, and that cancelling it leaves nothing. One session, since each costs a boot. */
@Tag("machines")
final class RunningSignInTest {
    @Test
    void aRunningSignInIsItsUsersAlone() throws Exception {
        var folder = new StageFolder("running");
        try (Stage stage = Stage.open(
                Folders.ofThisProcess(),
                folder.data(),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                settings -> settings.with(Settings.Ahead.NOTHING))) {
            try (ApiClient ada = stage.user("ada");
                    ApiClient bob = stage.user("bob")) {
                String id = ada.post("/api/auth/start", Map.of("provider", "demo"))
                        .path("sessionId")
                        .asText();
                String session = "/api/auth/session/" + id;

                assertRefused(ada.send("POST", "/api/auth/start", "{\"provider\":\"demo\"}"), 409, "SIGN_IN_RUNNING");
                assertRefused(ada.send("GET", session + "/novnc", null), 409, "CONFLICT");
                assertRefused(ada.send("POST", session + "/complete", ""), 409, "CONFLICT");
                for (String path : List.of("", "/events", "/novnc", "/oauth-url", "/credentials/status")) {
                    assertRefused(bob.send("GET", session + path, null), 404, "NOT_FOUND");
                }
                assertRefused(bob.send("POST", session + "/cancel", ""), 404, "NOT_FOUND");
                assertThat(bob.get("/api/sessions").path("sessions")).isEmpty();

                awaitStep(ada, session, "session.awaiting_user");
                assertTicketsAreGoodOnce(stage, ada, session);
                assertRefused(
                        ada.send("POST", session + "/callback", "{\"address\":\"http://evil.test:1/callback?code=x\"}"),
                        400,
                        "CALLBACK_NOT_ALLOWED");
                assertThat(ada.get(session + "/oauth-url").path("url").asText())
                        .startsWith("https://id.sallyport.test/");

                assertThat(ada.post(session + "/cancel", Map.of())
                                .path("session")
                                .path("status")
                                .asText())
                        .isEqualTo("cancelled");
                List<String> last = awaitStep(ada, session, "browser.ended");
                assertThat(last).contains("session.cancelled");
                assertRefused(ada.send("POST", session + "/cancel", ""), 409, "CONFLICT");
                assertThat(ada.get("/api/vm?alive=true").path("vms"))
                        .as("the CLI machine alone is kept")
                        .hasSizeLessThanOrEqualTo(1);
            }
        }
        assertThat(folder.data()).doesNotExist();
        assertThat(Leftovers.of(folder.data())).isEmpty();
    }

    private static void assertTicketsAreGoodOnce(Stage stage, ApiClient ada, String session) throws Exception {
        JsonNode screen = ada.get(session + "/novnc");
        URI address = URI.create("ws://" + stage.address().getAuthority()
                + screen.path("websocketURL").asText());
        try (RfbClient first = RfbClient.connect(WebSocketTransport.connect(address))) {
            assertThat(first.picture().width()).isEqualTo(1280);
            assertThatThrownBy(() -> WebSocketTransport.connect(address))
                    .as("a ticket is good once")
                    .isInstanceOf(IOException.class);
        }
    }

    /** Follows the timeline until {@code step}; returns the steps seen. */
    private static List<String> awaitStep(ApiClient api, String session, String step) throws InterruptedException {
        List<String> seen = new ArrayList<>();
        api.events(session + "/events?after=0", event -> {
            if (event.name().equals("timeline")) {
                seen.add(event.data().path("step").asText());
            }
            return !seen.contains(step);
        });
        assertThat(seen).contains(step);
        return seen;
    }

    private static void assertRefused(Answer answer, int status, String code) {
        assertThat(answer.body().path("code").asText()).as(answer.toString()).isEqualTo(code);
        assertThat(answer.status()).isEqualTo(status);
    }
}
