package dev.sallyport.acceptance.refusals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sallyport.acceptance.demo.Stage;
import dev.sallyport.acceptance.player.WebSocketTransport;
import dev.sallyport.acceptance.signin.StageFolder;
import dev.sallyport.cli.ApiClient;
import dev.sallyport.cli.ApiClient.Answer;
import dev.sallyport.controller.Controller;
import dev.sallyport.controller.Settings;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Folders;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a running controller refuses: each with its status, its code, and what to do; none of it starts a machine. */
final class ApiRefusalsTest {
    private static final StageFolder FOLDER = new StageFolder("refusals");
    private static Stage stage;

    @BeforeAll
    static void open() throws Exception {
        stage = Stage.open(
                Folders.ofThisProcess(),
                FOLDER.data(),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                settings -> settings.with(Settings.Ahead.NOTHING));
    }

    @AfterAll
    static void close() throws Exception {
        stage.close();
        assertThat(FOLDER.data()).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "POST | /api/auth/start | {\"userId\":\"ada\",\"provider\":\"nosuch\"} | 404 | UNKNOWN_PROVIDER",
                "POST | /api/auth/start | {\"userId\":\"ada\",\"provider\":\"../etc\"} | 400 | BAD_REQUEST",
                "POST | /api/auth/start | {\"userId\":\"a b\",\"provider\":\"demo\"} | 400 | BAD_REQUEST",
                "POST | /api/auth/start | {\"provider\":\"demo\"} | 400 | BAD_REQUEST",
                "POST | /api/auth/start | {\"userId\":\"ada\"} | 400 | BAD_REQUEST",
                "POST | /api/auth/start | {\"userId\":\"ada\",\"provider\":\"demo\",\"more\":1} | 400 | BAD_REQUEST",
                "POST | /api/auth/start | not json | 400 | BAD_REQUEST",
                "POST | /api/auth/start | [] | 400 | BAD_REQUEST",
                "POST | /api/vm/create | {\"userId\":\"ada\",\"vmType\":\"toaster\"} | 400 | BAD_REQUEST",
                "POST | /api/vm/create | {\"userId\":\"ada\",\"vmType\":\"browser\"} | 400 | BAD_REQUEST",
                "GET | /api/auth/session/s-aaaaaaaaaaaaaaaaaaaa | `` | 404 | NOT_FOUND",
                "GET | /api/auth/session/nonsense | `` | 400 | BAD_REQUEST",
                "POST | /api/auth/session/s-aaaaaaaaaaaaaaaaaaaa/cancel | {} | 404 | NOT_FOUND",
                "GET | /api/vm/m-aaaaaaaaaaaa | `` | 404 | NOT_FOUND",
                "GET | /api/vm/m-aaaaaaaaaaaa/console | `` | 404 | NOT_FOUND",
                "GET | /api/sessions?limit=0 | `` | 400 | BAD_REQUEST",
                "GET | /api/sessions?limit=many | `` | 404 | NOT_FOUND",
                "GET | /nowhere | `` | 404 | NOT_FOUND",
                "DELETE | /api/auth/start | `` | 405 | METHOD_NOT_ALLOWED",
            })
    void badInputGetsAProblemDocument(String method, String path, String body, int status, String code)
            throws Exception {
        Answer answer = stage.admin().send(method, path, body.isEmpty() ? null : body);
        assertProblem(answer, status, code);
    }

    @Test
    void aBodyOverItsLimitIsRefused() throws Exception {
        Answer answer = stage.admin()
                .send("POST", "/api/auth/start", "{\"userId\":\"" + "a".repeat(100_000) + "\",\"provider\":\"demo\"}");
        assertProblem(answer, 413, "BODY_TOO_LARGE");
    }

    @Test
    void aBodyThatIsNoJsonIsNotQuotedBack() throws Exception {
        Answer answer = stage.admin().send("POST", "/api/auth/start", "{\"userId\":\"hunter2-secret");
        assertProblem(answer, 400, "BAD_REQUEST");
        assertThat(answer.body().toString()).doesNotContain("hunter2");
    }

    @ParameterizedTest
    @CsvSource({"/api/sessions", "/api/me", "/metrics", "/api/auth/session/s-aaaaaaaaaaaaaaaaaaaa", "/api/images"})
    void nothingIsToldWithoutAToken(String path) throws Exception {
        try (var stranger = new ApiClient(stage.address(), null);
                var liar = new ApiClient(stage.address(), Secret.random(32))) {
            assertProblem(stranger.send("GET", path, null), 401, "UNAUTHENTICATED");
            assertProblem(liar.send("GET", path, null), 401, "UNAUTHENTICATED");
        }
    }

    @Test
    void aUserTokenActsForItsOwnUserAlone() throws Exception {
        try (ApiClient ada = stage.user("ada")) {
            assertThat(ada.get("/api/me").path("userId").asText()).isEqualTo("ada");
            assertProblem(
                    ada.send("POST", "/api/auth/start", "{\"userId\":\"bob\",\"provider\":\"demo\"}"),
                    403,
                    "FORBIDDEN");
            assertProblem(
                    ada.send("POST", "/api/vm/create", "{\"userId\":\"bob\",\"vmType\":\"cli\"}"), 403, "FORBIDDEN");
            assertProblem(ada.send("POST", "/api/tokens", "{\"userId\":\"ada\"}"), 403, "FORBIDDEN");
            assertProblem(ada.send("GET", "/metrics", null), 403, "FORBIDDEN");
        }
    }

    @Test
    void aRevokedTokenIsGoodForNothing() throws Exception {
        var issued = stage.admin().post("/api/tokens", Map.of("userId", "eve", "label", "short"));
        try (var eve =
                new ApiClient(stage.address(), Secret.of(issued.path("secret").asText()))) {
            assertThat(eve.send("GET", "/api/me", null).status()).isEqualTo(200);
            stage.admin()
                    .delete("/api/tokens/" + issued.path("token").path("id").asText());
            assertProblem(eve.send("GET", "/api/me", null), 401, "UNAUTHENTICATED");
        }
    }

    @Test
    void aForgedScreenTicketOpensNothing() {
        URI screen = URI.create("ws://" + stage.address().getAuthority() + "/api/auth/session/" + SessionId.random()
                + "/screen?ticket=" + Secret.random(32).reveal());
        assertThatThrownBy(() -> WebSocketTransport.connect(screen)).isInstanceOf(IOException.class);
    }

    @Test
    void aSecondControllerOnTheSameFolderIsToldWhoHoldsIt() {
        assertThatThrownBy(() -> Controller.start(Settings.defaults(stage.folders())
                        .listeningOn(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.reason().code()).isEqualTo(CauseCode.DATABASE_FAILED));
    }

    @Test
    void aPortThatIsTakenIsNamedAndNothingIsLeft() throws Exception {
        Path data = FOLDER.data().resolveSibling("second");
        var folders = new Folders(stage.folders().cache(), data, stage.folders().home());
        Files.createDirectories(data);
        assertThatThrownBy(() -> Controller.start(Settings.defaults(folders)
                        .listeningOn(new InetSocketAddress(
                                InetAddress.getLoopbackAddress(),
                                stage.address().getPort()))))
                .isInstanceOfSatisfying(FailureException.class, failure -> {
                    assertThat(failure.reason().code()).isEqualTo(CauseCode.PORT_TAKEN);
                    assertThat(failure.reason().detail())
                            .contains(Integer.toString(stage.address().getPort()));
                });
        assertThat(dev.sallyport.acceptance.signin.Leftovers.processesThatKnow(data))
                .isEmpty();
        Stage.removeTree(data);
    }

    @Test
    void thePageAndTheApisDescriptionAreServed() throws Exception {
        try (var stranger = new ApiClient(stage.address(), null)) {
            assertThat(stranger.send("GET", "/", null).body().asText()).contains("<title>");
            assertThat(stranger.send("GET", "/s/s-aaaaaaaaaaaaaaaaaaaa", null).status())
                    .isEqualTo(200);
            assertThat(stranger.get("/health").path("status").asText()).isEqualTo("ok");
            assertThat(stranger.get("/openapi.json").path("paths").toString()).contains("/api/auth/start");
        }
        assertThat(stage.admin().send("GET", "/metrics", null).body().asText()).contains("sallyport_sessions_active");
    }

    private static void assertProblem(Answer answer, int status, String code) {
        assertThat(answer.body().path("code").asText()).as(answer.toString()).isEqualTo(code);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.mediaType()).startsWith("application/problem+json");
        assertThat(answer.body().path("remedy").asText()).isNotBlank();
    }
}
