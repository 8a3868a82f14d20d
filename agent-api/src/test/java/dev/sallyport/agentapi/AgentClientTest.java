package dev.sallyport.agentapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AgentClientTest {
    private static final String SESSION = "s-aaaaaaaaaaaaaaaaaaaa";
    private static final Secret TOKEN = Secret.of("the-token");

    private final AgentJson json = new AgentJson();
    private final List<String> asked = new ArrayList<>();
    private volatile byte[] lastBody = {};
    private HttpServer server;
    private AgentClient client;
    private int status = 200;
    private byte[] answer = {};

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " "
                    + exchange.getRequestHeaders().getFirst("Authorization"));
            lastBody = exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(status, answer.length == 0 ? -1 : answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        client = new AgentClient(server.getAddress(), server.getAddress(), TOKEN);
    }

    @AfterEach
    void stop() {
        client.close();
        server.stop(0);
    }

    private void answers(Record record) {
        answer = json.write(record);
    }

    private static FailureException failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        FailureException failure = catchThrowableOfType(FailureException.class, call);
        assertThat(failure).as("a failure").isNotNull();
        return failure;
    }

    @Test
    void healthIsAskedWithoutTheToken() throws Exception {
        var health = new Health("ok", "2026-01-01T00:00:00Z", 0, "1", "m-a", Map.of("desktop", "ok"));
        answers(health);

        assertThat(client.health()).isEqualTo(health);
        assertThat(asked).containsExactly("GET /health null");
    }

    @Test
    void everyOtherRequestCarriesTheTokenAndItsBody() throws Exception {
        var signIn =
                new SignIn(SESSION, 3, SignInState.AWAITING_USER, "https://id.test/a?b=c", "OUTPUT", null, null, null);
        answers(signIn);
        assertThat(client.startSignIn(new StartSignIn(SESSION, AgentJsonTest.PROVIDER)))
                .isEqualTo(signIn);
        assertThat(json.read(lastBody, StartSignIn.class)).isEqualTo(new StartSignIn(SESSION, AgentJsonTest.PROVIDER));
        assertThat(client.signIn(SESSION)).isEqualTo(signIn);
        assertThat(client.awaitSignIn(SESSION, 2, Duration.ofSeconds(5))).isEqualTo(signIn);
        assertThat(client.awaitSignIn(SESSION, 2, Duration.ofHours(5))).isEqualTo(signIn);
        assertThat(client.cancelSignIn(SESSION)).isEqualTo(signIn);
        assertThat(client.callback(new Callback(SESSION, "code"))).isEqualTo(signIn);
        answers(new OauthUrl(SESSION, null));
        assertThat(client.oauthUrl(SESSION).url()).isNull();
        var status = new CredentialStatus(SESSION, false, List.of());
        answers(status);
        assertThat(client.credentialStatus(SESSION)).isEqualTo(status);
        answers(new CredentialSet("demo", List.of()));
        assertThat(client.takeCredentials(new TakeCredentials(SESSION)).files()).isEmpty();
        answers(status);
        assertThat(client.releaseCredentials(new ReleaseCredentials(SESSION))).isEqualTo(status);
        answers(new Written(List.of("a")));
        assertThat(client.writeCredentials(
                                new WriteCredentials(AgentJsonTest.PROVIDER, new CredentialSet("demo", List.of())))
                        .paths())
                .containsExactly("a");
        answers(new ToolStatus(true, 0, "yes"));
        assertThat(client.status(new AskStatus(AgentJsonTest.PROVIDER)).signedIn())
                .isTrue();
        answers(new Vitals(1, 2, 3, 0.5, 4));
        assertThat(client.vitals().load1()).isEqualTo(0.5);

        String bearer = " Bearer the-token";
        assertThat(asked)
                .containsExactly(
                        "POST /auth/demo" + bearer,
                        "GET /auth?sessionId=" + SESSION + bearer,
                        "GET /auth?sessionId=" + SESSION + "&after=2&waitMs=5000" + bearer,
                        "GET /auth?sessionId=" + SESSION + "&after=2&waitMs=60000" + bearer,
                        "DELETE /auth?sessionId=" + SESSION + bearer,
                        "POST /auth/callback" + bearer,
                        "GET /oauth-url?sessionId=" + SESSION + bearer,
                        "GET /credentials/status?sessionId=" + SESSION + bearer,
                        "POST /credentials/take" + bearer,
                        "POST /credentials/release" + bearer,
                        "POST /credentials/write" + bearer,
                        "POST /status" + bearer,
                        "GET /vitals" + bearer);
    }

    @Test
    void aProblemDocumentBecomesItsCause() {
        status = 409;
        answer =
                "{\"type\":\"urn:sallyport:cause:CONFLICT\",\"title\":\"t\",\"status\":409,\"detail\":\"It is taken.\",\"code\":\"CONFLICT\",\"evidence\":[\"a line\"]}"
                        .getBytes(StandardCharsets.UTF_8);

        FailureException failure = failure(() -> client.takeCredentials(new TakeCredentials(SESSION)));

        assertThat(failure.reason().code()).isEqualTo(CauseCode.CONFLICT);
        assertThat(failure.reason().detail()).isEqualTo("It is taken.");
        assertThat(failure.reason().evidence()).containsExactly("a line");
    }

    @Test
    void anErrorWithoutAProperProblemIsNoAgents() {
        status = 500;
        answer = "<html>".getBytes(StandardCharsets.UTF_8);
        assertThat(failure(() -> client.vitals()).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);

        answer = "{\"type\":\"x\",\"title\":\"t\",\"status\":500,\"detail\":\"d\",\"code\":\"NO_SUCH\",\"evidence\":[]}"
                .getBytes(StandardCharsets.UTF_8);
        assertThat(failure(() -> client.vitals()).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
    }

    @ParameterizedTest
    @ValueSource(strings = {"javascript:alert(1)", "http://id.test/", "https://a b", "file:///etc/passwd"})
    void aUrlThatMayNotBeFollowedIsNotHandedOn(String url) {
        answers(new OauthUrl(SESSION, url));
        assertThat(failure(() -> client.oauthUrl(SESSION)).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
        answers(new SignIn(SESSION, 1, SignInState.AWAITING_USER, url, "OUTPUT", null, null, null));
        assertThat(failure(() -> client.signIn(SESSION)).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
    }

    @Test
    void aUrlIsBounded() {
        answers(new OauthUrl(SESSION, "https://id.test/" + "a".repeat(9000)));
        assertThat(failure(() -> client.oauthUrl(SESSION)).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
    }

    @Test
    void anotherSessionsAnswerIsRefused() {
        answers(new SignIn("s-bbbbbbbbbbbbbbbbbbbb", 1, SignInState.STARTING, null, null, null, null, null));
        assertThat(failure(() -> client.signIn(SESSION)).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
    }

    @Test
    void answersAreBoundedByTheLimitOfTheirKind() throws Exception {
        byte[] content = new byte[1024 * 1024];
        answers(new CredentialSet(
                "demo",
                List.of(
                        new CredentialSet.File("a", "0600", java.util.Arrays.copyOf(content, 512 * 1024)),
                        new CredentialSet.File("b", "0600", java.util.Arrays.copyOf(content, 512 * 1024)))));
        assertThat(client.takeCredentials(new TakeCredentials(SESSION)).files()).hasSize(2);

        answers(new ToolStatus(true, 0, "a".repeat(1024 * 1024)));
        assertThat(failure(() -> client.status(new AskStatus(AgentJsonTest.PROVIDER)))
                        .reason()
                        .code())
                .isEqualTo(CauseCode.AGENT_WRONG);
    }

    @Test
    void nothingThatListensIsAnUnreachableMachine() throws Exception {
        server.stop(0);
        FailureException failure = failure(() -> client.health());
        assertThat(failure.reason().code()).isEqualTo(CauseCode.MACHINE_UNREACHABLE);
        assertThat(failure.reason().evidence()).isNotEmpty();
        assertThat(failure(() -> client.openScreen()).reason().code()).isEqualTo(CauseCode.MACHINE_UNREACHABLE);
    }

    /** Serves one raw answer to each connection, then does what {@code then} says. */
    private static final class Raw implements AutoCloseable {
        private final ServerSocket socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        private final AtomicReference<String> request = new AtomicReference<>("");

        Raw(RawAnswer raw) throws IOException {
            Thread.ofVirtual().start(() -> {
                while (!socket.isClosed()) {
                    try (Socket peer = socket.accept()) {
                        var head = new StringBuilder();
                        while (!head.toString().endsWith("\r\n\r\n")) {
                            int b = peer.getInputStream().read();
                            if (b < 0) {
                                break;
                            }
                            head.append((char) b);
                        }
                        request.set(head.toString());
                        raw.answer(peer);
                    } catch (IOException | InterruptedException e) {
                        return; // The test is over.
                    }
                }
            });
        }

        AgentClient client() {
            var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), socket.getLocalPort());
            return new AgentClient(address, address, TOKEN);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @FunctionalInterface
    private interface RawAnswer {
        void answer(Socket peer) throws IOException, InterruptedException;
    }

    private static void say(Socket peer, String text) throws IOException {
        peer.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        peer.getOutputStream().flush();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SSH-2.0-OpenSSH\r\n\r\n",
                "HTTP/1.1 200 OK\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
            })
    void whatIsNoAgentsAnswerIsSaidSo(String text) throws Exception {
        try (var raw = new Raw(peer -> say(peer, text));
                AgentClient hostile = raw.client()) {
            assertThat(failure(hostile::vitals).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
        }
    }

    @Test
    void anEndlessHeadIsCut() throws Exception {
        try (var raw = new Raw(peer -> {
                    say(peer, "HTTP/1.1 200 OK\r\n");
                    for (int i = 0; i < 100_000; i++) {
                        say(peer, "X-Header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
                    }
                });
                AgentClient hostile = raw.client()) {
            assertThat(failure(hostile::vitals).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
        }
    }

    @Test
    void anEndlessBodyIsCut() throws Exception {
        try (var raw = new Raw(peer -> {
                    say(peer, "HTTP/1.1 200 OK\r\n\r\n");
                    while (true) {
                        say(peer, "a".repeat(10_000));
                    }
                });
                AgentClient hostile = raw.client()) {
            assertThat(failure(hostile::vitals).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
        }
    }

    @Test
    void aBrokenConnectionIsAnUnreachableMachine() throws Exception {
        try (var raw = new Raw(peer -> {});
                AgentClient hostile = raw.client()) {
            assertThat(failure(hostile::vitals).reason().code()).isEqualTo(CauseCode.MACHINE_UNREACHABLE);
        }
        try (var raw = new Raw(peer -> say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"));
                AgentClient hostile = raw.client()) {
            assertThat(failure(hostile::vitals).reason().code()).isEqualTo(CauseCode.MACHINE_UNREACHABLE);
        }
    }

    @Test
    void theDeadlineHoldsHoweverSlowlyBytesDrip() throws Exception {
        var over = new CountDownLatch(1);
        try (var raw = new Raw(peer -> {
                    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
                    while (!over.await(20, TimeUnit.MILLISECONDS)) {
                        say(peer, " ");
                    }
                });
                AgentClient slow = raw.client()) {
            long start = System.nanoTime();
            FailureException failure = failure(() -> slow.health(Duration.ofMillis(300)));
            assertThat(failure.reason().code()).isEqualTo(CauseCode.MACHINE_UNREACHABLE);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
            over.countDown();
        }
    }

    @Test
    void closingBreaksOffAndInterruptingInterrupts() throws Exception {
        try (var silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), silent.getLocalPort());
            var waiting = new AgentClient(address, address, TOKEN);
            var closed = new AtomicReference<Throwable>();
            var interrupted = new AtomicReference<Throwable>();
            Thread first = Thread.ofVirtual().start(() -> closed.set(catchThrowable(waiting::vitals)));
            Socket firstPeer = silent.accept();
            Thread second = Thread.ofVirtual().start(() -> interrupted.set(catchThrowable(waiting::vitals)));
            Socket secondPeer = silent.accept();
            // The request has come: whoever sent it waits for the answer.
            assertThat(secondPeer.getInputStream().read()).isEqualTo('G');
            second.interrupt();
            second.join();
            assertThat(interrupted.get()).isInstanceOf(InterruptedException.class);
            assertThat(firstPeer.getInputStream().read()).isEqualTo('G');
            waiting.close();
            first.join();
            assertThat(closed.get()).isInstanceOf(FailureException.class);
            assertThat(failure(waiting::vitals).reason().code()).isEqualTo(CauseCode.MACHINE_UNREACHABLE);
            firstPeer.close();
            secondPeer.close();
        }
    }

    private static Throwable catchThrowable(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return org.assertj.core.api.Assertions.catchThrowable(call);
    }

    @Test
    void theScreenBeginsRightAfterTheAnswersHead() throws Exception {
        var over = new CountDownLatch(1);
        try (var raw = new Raw(peer -> {
                    say(
                            peer,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: rfb\r\nConnection: Upgrade\r\n\r\nRFB 003.008\n");
                    int b = peer.getInputStream().read();
                    say(peer, "echo " + (char) b);
                    over.await();
                });
                AgentClient viewer = raw.client();
                SocketChannel screen = viewer.openScreen()) {
            assertThat(raw.request.get())
                    .startsWith("GET /screen HTTP/1.1\r\n")
                    .contains("Upgrade: rfb\r\n")
                    .contains("Authorization: Bearer the-token\r\n");
            assertThat(read(screen, 12)).isEqualTo("RFB 003.008\n");
            screen.write(ByteBuffer.wrap(new byte[] {'x'}));
            assertThat(read(screen, 6)).isEqualTo("echo x");
            over.countDown();
        }
    }

    @Test
    void aRefusedScreenTellsItsCause() throws Exception {
        String problem =
                "{\"type\":\"x\",\"title\":\"t\",\"status\":409,\"detail\":\"Not up yet.\",\"code\":\"CONFLICT\",\"evidence\":[]}";
        try (var raw = new Raw(peer -> say(
                        peer, "HTTP/1.1 409 Conflict\r\nContent-Length: " + problem.length() + "\r\n\r\n" + problem));
                AgentClient viewer = raw.client()) {
            assertThat(failure(viewer::openScreen).reason().code()).isEqualTo(CauseCode.CONFLICT);
        }
        try (var raw = new Raw(peer -> say(peer, "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n"));
                AgentClient viewer = raw.client()) {
            assertThat(failure(viewer::openScreen).reason().code()).isEqualTo(CauseCode.AGENT_WRONG);
        }
    }

    private static String read(SocketChannel channel, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new IOException("the stream ended early");
            }
        }
        return new String(buffer.array(), StandardCharsets.US_ASCII);
    }

    @Test
    void theTokenIsInNoMessage() {
        status = 401;
        assertThatThrownBy(() -> client.vitals()).hasMessageNotContaining("the-token");
    }
}
