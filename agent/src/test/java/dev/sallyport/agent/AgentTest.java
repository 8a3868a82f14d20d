package dev.sallyport.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.AskStatus;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.Health;
import dev.sallyport.agentapi.Problem;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.agentapi.ToolStatus;
import dev.sallyport.agentapi.Vitals;
import dev.sallyport.agentapi.WriteCredentials;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.provider.Provider.CredentialFile;
import dev.sallyport.provider.Provider.Format;
import dev.sallyport.provider.Provider.SeedFile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AgentTest {
    @TempDir
    Path folder;

    private final HttpClient http = HttpClient.newHttpClient();
    private Bench bench;

    @BeforeEach
    void start() throws IOException {
        bench = new Bench(folder);
    }

    @AfterEach
    void stop() throws IOException {
        bench.close();
        http.close();
    }

    private static CauseCode failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        FailureException failure = catchThrowableOfType(FailureException.class, call);
        assertThat(failure).as("a failure").isNotNull();
        return failure.reason().code();
    }

    private HttpResponse<byte[]> send(String method, String target, String type, String body) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + bench.agent().httpAddress().getPort() + target);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + Bench.TOKEN.reveal());
        if (!type.isEmpty()) {
            request.header("Content-Type", type);
        }
        return http.send(request.build(), BodyHandlers.ofByteArray());
    }

    private static Problem problem(HttpResponse<byte[]> response) throws Exception {
        assertThat(response.headers().firstValue("Content-Type")).hasValue(Problem.MEDIA_TYPE);
        Problem problem = new AgentJson().read(response.body(), Problem.class);
        assertThat(problem.status()).isEqualTo(response.statusCode());
        assertThat(problem.type()).isEqualTo("urn:sallyport:cause:" + problem.code());
        return problem;
    }

    @Test
    void healthIsAnsweredWithoutAToken() throws Exception {
        Health health = bench.client().health();
        assertThat(health.status()).isEqualTo("ok");
        assertThat(health.machineId()).isEqualTo("m-bench");
        assertThat(health.version()).isEqualTo(Agent.VERSION);
        assertThat(health.parts()).isEmpty();
        assertThat(Instant.parse(health.timestamp())).isBeforeOrEqualTo(Instant.now());
    }

    @Test
    void nothingElseIs() throws Exception {
        for (Secret token : List.of(Secret.of("wrong"), Secret.of(""), Secret.of(Bench.TOKEN.sha256()))) {
            try (var stranger =
                    new AgentClient(bench.agent().httpAddress(), bench.agent().streamAddress(), token)) {
                assertThat(failure(stranger::vitals)).isEqualTo(CauseCode.UNAUTHENTICATED);
                assertThat(failure(() -> stranger.takeCredentials(
                                new TakeCredentials(SessionId.random().value()))))
                        .isEqualTo(CauseCode.UNAUTHENTICATED);
                assertThat(failure(stranger::openScreen)).isEqualTo(CauseCode.UNAUTHENTICATED);
            }
        }
        URI uri = URI.create("http://127.0.0.1:" + bench.agent().httpAddress().getPort() + "/vitals");
        for (String scheme : List.of("Basic ", "", "Bearer")) {
            HttpResponse<byte[]> response = http.send(
                    HttpRequest.newBuilder(uri)
                            .header("Authorization", scheme + Bench.TOKEN.reveal())
                            .build(),
                    BodyHandlers.ofByteArray());
            assertThat(problem(response).code()).isEqualTo("UNAUTHENTICATED");
        }
        assertThat(problem(http.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofByteArray()))
                        .code())
                .isEqualTo("UNAUTHENTICATED");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET|/nothing||404|NOT_FOUND",
                "GET|/||404|NOT_FOUND",
                "GET|/auth/a/b||404|NOT_FOUND",
                "POST|/health|{}|405|METHOD_NOT_ALLOWED",
                "PUT|/auth|{}|405|METHOD_NOT_ALLOWED",
                "GET|/auth/test||405|METHOD_NOT_ALLOWED",
                "GET|/auth||400|BAD_REQUEST",
                "GET|/auth?sessionId=||400|BAD_REQUEST",
                "GET|/auth?sessionId=s-x&after=many||400|BAD_REQUEST",
                "GET|/auth?sessionId=unknown||404|NOT_FOUND",
                "DELETE|/auth?sessionId=unknown||404|NOT_FOUND",
                "GET|/oauth-url?sessionId=unknown||404|NOT_FOUND",
                "GET|/credentials/status?sessionId=unknown||404|NOT_FOUND",
                "POST|/credentials/take|{\"sessionId\":\"unknown\"}|404|NOT_FOUND",
                "POST|/credentials/release|{\"sessionId\":\"unknown\"}|404|NOT_FOUND",
                "POST|/credentials/release|{}|400|BAD_REQUEST",
                "POST|/auth/callback|{\"sessionId\":\"unknown\",\"addressOrCode\":\"x\"}|404|NOT_FOUND",
                "POST|/credentials/take|{|400|BAD_REQUEST",
                "POST|/credentials/take|[]|400|BAD_REQUEST",
                "POST|/credentials/take|{}|400|BAD_REQUEST",
                "POST|/credentials/take|null|400|BAD_REQUEST",
                "POST|/auth/test|{\"sessionId\":\"x\",\"provider\":{}}|400|BAD_REQUEST",
            })
    void everyErrorIsAProblemDocument(String method, String target, String body, int status, CauseCode code)
            throws Exception {
        HttpResponse<byte[]> response = send(method, target, "application/json", body == null ? "" : body);
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(problem(response).code()).isEqualTo(code.name());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "text/plain", "application/jsonp"})
    void bodiesMustBeJson(String type) throws Exception {
        assertThat(problem(send("POST", "/credentials/take", type, "{}")).code())
                .isEqualTo("UNSUPPORTED_MEDIA_TYPE");
    }

    @ParameterizedTest
    @CsvSource({"/credentials/take,40000", "/auth/test,300000", "/status,300000", "/credentials/write,4300000"})
    void bodiesAreBounded(String path, int length) throws Exception {
        HttpResponse<byte[]> response = send("POST", path, "application/json", " ".repeat(length));
        assertThat(response.statusCode()).isEqualTo(413);
        assertThat(problem(response).code()).isEqualTo("BODY_TOO_LARGE");
    }

    @Test
    void vitalsAreTheMachines() throws Exception {
        Vitals vitals = bench.client().vitals();
        assertThat(vitals.uptimeMs()).isPositive();
        assertThat(vitals.memoryTotalKib()).isGreaterThanOrEqualTo(vitals.memoryAvailableKib());
        assertThat(vitals.memoryAvailableKib()).isPositive();
        assertThat(vitals.diskFreeKib()).isPositive();
    }

    private WriteCredentials write(TestProvider provider, CredentialSet.File... files) {
        return new WriteCredentials(provider.make(), new CredentialSet("test", List.of(files)));
    }

    private static CredentialSet.File file(String path, String mode, String content) {
        return new CredentialSet.File(path, mode, content.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void credentialsAreWrittenAfterTheSeedsThatAreNotThere() throws Exception {
        Files.writeString(bench.home().resolve(".there"), "the user's own");
        TestProvider provider = new TestProvider()
                .handOver(
                        new SeedFile(".there", "0644", "seed"),
                        new SeedFile(".tool/settings", "0644", "trust ${workspace}"))
                .files(new CredentialFile(".tool/auth.json", "0600", Format.JSON, List.of("token"), false));

        List<String> paths = bench.client()
                .writeCredentials(write(provider, file(".tool/auth.json", "0600", "{\"token\":\"t\"}")))
                .paths();

        assertThat(paths).containsExactly(".tool/settings", ".tool/auth.json");
        assertThat(bench.home().resolve(".there")).hasContent("the user's own");
        assertThat(bench.home().resolve(".tool/settings"))
                .hasContent("trust " + bench.home().resolve("workspace"));
        Path written = bench.home().resolve(".tool/auth.json");
        assertThat(written).hasContent("{\"token\":\"t\"}");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(written)))
                .isEqualTo("rw-------");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../auth.json", "/tmp/auth.json", "a/../../auth.json", "auth.json/", ""})
    void hostilePathsAreRefusedBeforeAnythingIsWritten(String path) throws Exception {
        TestProvider provider = new TestProvider()
                .handOver(new SeedFile("seed", "0600", "x"))
                .files(
                        new CredentialFile("first", "0600", Format.OPAQUE, List.of(), false),
                        new CredentialFile(path, "0600", Format.OPAQUE, List.of(), false));

        assertThat(failure(() -> bench.client()
                        .writeCredentials(write(provider, file("first", "0600", "x"), file(path, "0600", "x")))))
                .isEqualTo(CauseCode.BAD_REQUEST);
        try (var list = Files.list(bench.home())) {
            assertThat(list).containsExactly(bench.home().resolve("workspace"));
        }
    }

    @Test
    void onlyTheProvidersFilesWithItsModesAreWritten() {
        assertThat(failure(
                        () -> bench.client().writeCredentials(write(new TestProvider(), file("other", "0600", "x")))))
                .isEqualTo(CauseCode.BAD_REQUEST);
        assertThat(failure(() ->
                        bench.client().writeCredentials(write(new TestProvider(), file("auth.json", "0644", "x")))))
                .isEqualTo(CauseCode.BAD_REQUEST);
        assertThat(failure(() ->
                        bench.client().writeCredentials(write(new TestProvider(), file("auth.json", "4600", "x")))))
                .isEqualTo(CauseCode.BAD_REQUEST);
        assertThat(failure(() -> bench.client()
                        .writeCredentials(new WriteCredentials(
                                new TestProvider().make(), new CredentialSet("another", List.of())))))
                .isEqualTo(CauseCode.BAD_REQUEST);
    }

    @Test
    void aLinkThatTheUserPlantedIsNotFollowed() throws Exception {
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Files.createSymbolicLink(bench.home().resolve(".tool"), outside);
        TestProvider provider = new TestProvider()
                .files(new CredentialFile(".tool/auth.json", "0600", Format.OPAQUE, List.of(), false));

        assertThat(failure(
                        () -> bench.client().writeCredentials(write(provider, file(".tool/auth.json", "0600", "x")))))
                .isEqualTo(CauseCode.HANDOVER_FAILED);
        assertThat(outside).isEmptyDirectory();
    }

    @Test
    void aToolSaysWhetherItIsSignedIn() throws Exception {
        bench.tool(
                "tool",
                "#!/bin/sh\n[ \"$1\" = status ] && [ -f $HOME/auth.json ] && echo 'Logged in as x' && exit 0\necho no; exit 1\n");
        var ask = new AskStatus(
                new TestProvider().status("^Logged in", "tool", "status").make());

        assertThat(bench.client().status(ask)).isEqualTo(new ToolStatus(false, 1, "no\n"));
        Files.writeString(bench.home().resolve("auth.json"), "{}");
        assertThat(bench.client().status(ask)).isEqualTo(new ToolStatus(true, 0, "Logged in as x\n"));
    }

    @Test
    void theVerdictNeedsBothExitCodeAndPattern() throws Exception {
        bench.tool("says", "#!/bin/sh\necho Logged in; exit 1\n");
        bench.tool("exits", "#!/bin/sh\necho Not logged in; exit 0\n");
        for (String tool : List.of("says", "exits")) {
            assertThat(bench.client()
                            .status(new AskStatus(new TestProvider()
                                    .status("^Logged in", tool)
                                    .make()))
                            .signedIn())
                    .as(tool)
                    .isFalse();
        }
        assertThat(failure(() -> bench.client()
                        .status(new AskStatus(
                                new TestProvider().status("", "no-such-tool").make()))))
                .isEqualTo(CauseCode.TOOL_MISSING);
    }

    @Test
    void aStatusCommandsOutputIsBoundedAndHasNoTokens() throws Exception {
        bench.tool("tool", "#!/bin/sh\necho key sk-0123456789012345678901234567890123456789\nyes | head -c 200000\n");
        ToolStatus status = bench.client()
                .status(new AskStatus(new TestProvider().status("", "tool").make()));
        assertThat(status.output().length()).isLessThanOrEqualTo(16 * 1024);
        assertThat(status.output()).doesNotContain("sk-0123");
    }

    @Test
    void withoutACommandTheFilesAreTheProof() throws Exception {
        var ask = new AskStatus(new TestProvider().make());
        assertThat(bench.client().status(ask)).isEqualTo(new ToolStatus(false, 0, "auth.json is not there"));
        bench.client().writeCredentials(write(new TestProvider(), file("auth.json", "0600", "{\"token\":\"t\"}")));
        assertThat(bench.client().status(ask).signedIn()).isTrue();
    }

    @Test
    void aMachineWithoutADesktopHasNoScreen() {
        assertThat(failure(() -> bench.client().openScreen())).isEqualTo(CauseCode.NOT_FOUND);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET /screen HTTP/1.0\\r\\n\\r\\n|400",
                "SSH-2.0-x\\r\\n\\r\\n|400",
                "GET /screen HTTP/1.1\\r\\nAuthorization: Bearer x\\r\\n\\r\\n|401",
                "GET /other HTTP/1.1\\r\\nAuthorization: TOKEN\\r\\n\\r\\n|404",
                "POST /screen HTTP/1.1\\r\\nAuthorization: TOKEN\\r\\n\\r\\n|405",
                "GET /screen HTTP/1.1\\r\\nAuthorization: TOKEN\\r\\n\\r\\n|400",
                "GET /screen HTTP/1.1\\r\\nAuthorization: TOKEN\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n|400",
            })
    void theStreamPortRefusesWhatIsNoUpgrade(String request, int status) throws Exception {
        try (var socket = new Socket(
                InetAddress.getLoopbackAddress(), bench.agent().streamAddress().getPort())) {
            socket.getOutputStream()
                    .write(request.replace("\\r\\n", "\r\n")
                            .replace("TOKEN", "Bearer " + Bench.TOKEN.reveal())
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 " + status + " ").contains("\r\n\r\n{\"type\":");
        }
    }

    @Test
    void theStreamPortBoundsTheHead() throws Exception {
        try (var socket = new Socket(
                InetAddress.getLoopbackAddress(), bench.agent().streamAddress().getPort())) {
            socket.getOutputStream().write(("GET /" + "a".repeat(8191)).getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 400");
        }
    }

    @Test
    void theAuthoritiesBundleIsThere() {
        assertThat(bench.run().resolve("ca-bundle.pem")).isNotEmptyFile();
    }
}
