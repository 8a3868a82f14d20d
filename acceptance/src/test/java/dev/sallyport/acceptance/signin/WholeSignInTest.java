package dev.sallyport.acceptance.signin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sallyport.acceptance.demo.SignIn;
import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.player.Rectangle;
import dev.sallyport.cli.SessionFollower;
import dev.sallyport.model.Folders;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sign-ins as users live them, in real machines; each is approved on the screen that the relay shows. */
@Tag("machines")
final class WholeSignInTest {
    private static final StageFolder FOLDER = new StageFolder("signin");
    private static final Set<String> SECRETS = ConcurrentHashMap.newKeySet();
    private static Stage stage;

    @BeforeAll
    static void open() throws Exception {
        stage = Stage.open(
                Folders.ofThisProcess(),
                FOLDER.data(),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                UnaryOperator.identity());
        stage.awaitTemplates();
    }

    /** With the controller at its end, everything that it wrote is still there, and nothing changes under the search. */
    @AfterAll
    static void close() throws Exception {
        stage.end();
        assertThat(SECRETS).as("the stand-in handed out secrets").isNotEmpty();
        assertThat(SecretSearch.inTree(FOLDER.data(), SECRETS)).isEmpty();
        stage.close();
        assertThat(FOLDER.data()).doesNotExist();
        assertThat(Leftovers.of(FOLDER.data())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"demo, signed in as", "codex, Logged in using"})
    void theToolIsSignedInOnTheCliMachineAndNoSecretIsWrittenAnywhere(String provider, String proof) throws Exception {
        Set<String> commandLines = ConcurrentHashMap.newKeySet();
        SignIn signIn = SignIn.run(
                stage,
                "user-of-" + provider,
                provider,
                FOLDER.picture(provider),
                event -> commandLines.addAll(Processes.commandLines()));

        assertThat(signIn.session().path("status").asText())
                .as(signIn.session().toString())
                .isEqualTo("completed");
        assertThat(signIn.proof()).contains(proof);
        assertThat(signIn.timeline().stream().map(event -> event.path("step").asText()))
                .containsSubsequence(
                        "session.initializing",
                        "session.vm_created",
                        "session.awaiting_user",
                        "session.transferring",
                        "vault.sealed",
                        "cli.credentials_written",
                        "session.completed");
        assertThat(FOLDER.picture(provider)).isNotEmptyFile();

        Set<String> secrets = Set.copyOf(stage.vendors().issuedSecrets());
        SECRETS.addAll(secrets);
        assertThat(SecretSearch.inTexts(commandLines, secrets)).isEmpty();
        assertThat(SecretSearch.inTexts(
                        List.of(signIn.session().toString(), signIn.timeline().toString()), secrets))
                .isEmpty();
    }

    @Test
    void aUserWhoDeniesGetsTheToolsOwnWords() throws Exception {
        String id = stage.admin()
                .post("/api/auth/start", Map.of("userId", "denier", "provider", "demo"))
                .path("sessionId")
                .asText();
        JsonNode ended = SessionFollower.follow(stage.admin(), id, event -> {
            if (event.path("step").asText().equals("session.awaiting_user")) {
                Thread.ofVirtual()
                        .start(() -> Presses.press(stage, id, WholeSignInTest::belowIt, FOLDER.picture("denied")));
            }
        });
        assertThat(ended.path("status").asText()).isEqualTo("failed");
        assertThat(ended.path("cause").path("code").asText()).isEqualTo("USER_DENIED");
        assertThat(ended.path("cause").path("evidence").toString()).contains("denied");
    }

    /** "Deny" is the wide button right below "Approve". */
    private static Rectangle belowIt(Rectangle approve) {
        return new Rectangle(approve.x(), approve.y() + approve.height() + 20, approve.width(), 40);
    }
}
