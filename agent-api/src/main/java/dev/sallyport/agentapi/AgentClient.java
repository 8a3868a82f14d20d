package dev.sallyport.agentapi;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The controller's side of the contract. Every method blocks until the answer or its deadline, and throws a
 * {@link FailureException}: the agent's own cause where it sent a problem document; MACHINE_UNREACHABLE where it could not be
 * asked; AGENT_WRONG where the answer is not an agent's. Answers are hostile: bounded, unknown fields ignored, texts checked.
 */
public final class AgentClient implements AutoCloseable {
    private static final int ANSWER_LIMIT = 1024 * 1024;
    private static final int CREDENTIALS_LIMIT = 4 * 1024 * 1024;
    private static final int MAX_URL = 8 * 1024;
    private static final byte[] NOTHING = {};

    /** One for all machines: each would learn the contract's records anew, in time and in a hundred kilobytes. */
    private static final AgentJson JSON = new AgentJson();

    private static final Duration HEALTH = Duration.ofSeconds(5);
    private static final Duration USUAL = Duration.ofSeconds(30);

    /** A tool exchanges a code for tokens, and in an emulated machine takes its time to. */
    private static final Duration CALLBACK = Duration.ofSeconds(90);

    /** A tool is started and answers; the agent's own limit is 90 seconds. */
    private static final Duration STATUS = Duration.ofMinutes(2);

    /** What a long poll may take beyond its wait. */
    private static final Duration MARGIN = Duration.ofSeconds(10);

    /** Longest wait of one long poll, as the agent cuts it. */
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

    private final InetSocketAddress streams;
    private final Secret token;
    private final AgentHttp http;

    /**
     * A client of one machine's agent. Nothing is connected yet.
     *
     * @param http where its HTTP port is reached
     * @param streams where its stream port is reached
     * @param token the machine's own token
     */
    public AgentClient(InetSocketAddress http, InetSocketAddress streams, Secret token) {
        this.streams = streams;
        this.token = token;
        this.http = new AgentHttp(http, token);
    }

    /** Breaks off what is under way; nothing can be asked any more. */
    @Override
    public void close() {
        http.close();
    }

    /** {@code GET /health}, without the token, within five seconds. */
    public Health health() throws InterruptedException {
        return health(HEALTH);
    }

    /** {@code GET /health}, without the token. */
    public Health health(Duration atMost) throws InterruptedException {
        return parse(http.ask("GET", "/health", NOTHING, false, ANSWER_LIMIT, atMost), Health.class);
    }

    /** {@code POST /auth/{provider}}: asked again for the same session, the sign-in as it stands. */
    public SignIn startSignIn(StartSignIn request) throws InterruptedException {
        return check(
                request.sessionId(),
                post("/auth/" + request.provider().id(), request, SignIn.class, ANSWER_LIMIT, USUAL));
    }

    /** The sign-in as it is now. */
    public SignIn signIn(String sessionId) throws InterruptedException {
        return check(sessionId, get("/auth?sessionId=" + encode(sessionId), SignIn.class, USUAL));
    }

    /**
     * Waits for a change of a sign-in.
     *
     * @param afterVersion the version that is known
     * @param atMost how long to wait; cut to a minute
     * @return the sign-in as it is now: with a higher version, or with {@code afterVersion} when nothing changed
     */
    public SignIn awaitSignIn(String sessionId, long afterVersion, Duration atMost) throws InterruptedException {
        Duration wait = atMost.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : atMost;
        return check(
                sessionId,
                get(
                        "/auth?sessionId=" + encode(sessionId) + "&after=" + afterVersion + "&waitMs="
                                + Math.max(0, wait.toMillis()),
                        SignIn.class,
                        wait.plus(MARGIN)));
    }

    /** {@code DELETE /auth}: ends the tool and all that it started. */
    public SignIn cancelSignIn(String sessionId) throws InterruptedException {
        return check(
                sessionId,
                parse(
                        http.ask("DELETE", "/auth?sessionId=" + encode(sessionId), NOTHING, true, ANSWER_LIMIT, USUAL),
                        SignIn.class));
    }

    /** {@code POST /auth/callback}. */
    public SignIn callback(Callback request) throws InterruptedException {
        return check(request.sessionId(), post("/auth/callback", request, SignIn.class, ANSWER_LIMIT, CALLBACK));
    }

    /** {@code GET /oauth-url}. */
    public OauthUrl oauthUrl(String sessionId) throws InterruptedException {
        OauthUrl answer = get("/oauth-url?sessionId=" + encode(sessionId), OauthUrl.class, USUAL);
        checkUrl(answer.url());
        return answer;
    }

    /** {@code GET /credentials/status}. */
    public CredentialStatus credentialStatus(String sessionId) throws InterruptedException {
        return get("/credentials/status?sessionId=" + encode(sessionId), CredentialStatus.class, USUAL);
    }

    /** {@code POST /credentials/take}: answers the same until they are released. */
    public CredentialSet takeCredentials(TakeCredentials request) throws InterruptedException {
        return post("/credentials/take", request, CredentialSet.class, CREDENTIALS_LIMIT, USUAL);
    }

    /**
     * {@code POST /credentials/release}: the credentials that were taken are safe, and go from the machine. Once more is harmless.
     *
     * @return what is there of them now: nothing
     */
    public CredentialStatus releaseCredentials(ReleaseCredentials request) throws InterruptedException {
        return post("/credentials/release", request, CredentialStatus.class, ANSWER_LIMIT, USUAL);
    }

    /** {@code POST /credentials/write}. */
    public Written writeCredentials(WriteCredentials request) throws InterruptedException {
        return post("/credentials/write", request, Written.class, ANSWER_LIMIT, USUAL);
    }

    /** {@code POST /status}: has the tool say whether it is signed in; up to two minutes. */
    public ToolStatus status(AskStatus request) throws InterruptedException {
        return post("/status", request, ToolStatus.class, ANSWER_LIMIT, STATUS);
    }

    /** {@code GET /vitals}. */
    public Vitals vitals() throws InterruptedException {
        return get("/vitals", Vitals.class, USUAL);
    }

    /**
     * Opens the machine's screen.
     *
     * @return a channel in blocking mode, from which the first byte of the RFB protocol (RFC 6143) is read next; the caller closes it
     */
    public SocketChannel openScreen() {
        SocketChannel channel = null;
        try {
            channel = SocketChannel.open();
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            upgrade(channel, "/screen", "rfb");
            return channel;
        } catch (IOException e) {
            close(channel, e);
            throw new FailureException(
                    Cause.of(
                            CauseCode.MACHINE_UNREACHABLE,
                            "The machine's screen was not answered.",
                            String.valueOf(e.getMessage())),
                    e);
        } catch (FailureException e) {
            close(channel, e);
            throw e;
        }
    }

    private static void close(@Nullable SocketChannel channel, Exception met) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            met.addSuppressed(e);
        }
    }

    private void upgrade(SocketChannel channel, String path, String protocol) throws IOException {
        long deadline = System.nanoTime() + USUAL.toNanos();
        channel.socket().connect(streams, AgentHttp.left(deadline));
        ByteBuffer request = ByteBuffer.wrap(("GET " + path
                        + " HTTP/1.1\r\nHost: agent\r\nConnection: Upgrade\r\nUpgrade: " + protocol
                        + "\r\nAuthorization: Bearer " + token.reveal() + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        while (request.hasRemaining()) {
            channel.write(request);
        }
        var in = channel.socket().getInputStream();
        HttpHead head = HttpHead.read(() -> {
            channel.socket().setSoTimeout(AgentHttp.left(deadline));
            return in.read();
        });
        if (head.status() != 101) {
            long length = head.contentLength();
            if (length < 0 || length > ANSWER_LIMIT) {
                throw AgentHttp.wrong("it refuses a stream without saying why");
            }
            var body = new java.io.ByteArrayOutputStream();
            while (body.size() < length) {
                channel.socket().setSoTimeout(AgentHttp.left(deadline));
                int b = in.read();
                if (b < 0) {
                    throw new IOException("the answer ends too early");
                }
                body.write(b);
            }
            throw problem(new AgentHttp.Answer(head.status(), body.toByteArray()));
        }
        if (!protocol.equalsIgnoreCase(head.headers().get("upgrade"))) {
            throw AgentHttp.wrong("it upgrades to another protocol");
        }
        channel.socket().setSoTimeout(0);
    }

    private <T extends Record> T get(String target, Class<T> type, Duration atMost) throws InterruptedException {
        return parse(http.ask("GET", target, NOTHING, true, ANSWER_LIMIT, atMost), type);
    }

    private <T extends Record> T post(String path, Record request, Class<T> type, int limit, Duration atMost)
            throws InterruptedException {
        return parse(http.ask("POST", path, JSON.write(request), true, limit, atMost), type);
    }

    private <T extends Record> T parse(AgentHttp.Answer answer, Class<T> type) {
        if (answer.status() != 200) {
            throw problem(answer);
        }
        try {
            return JSON.read(answer.body(), type);
        } catch (MalformedJsonException e) {
            throw AgentHttp.wrong(String.valueOf(e.getMessage()));
        }
    }

    private FailureException problem(AgentHttp.Answer answer) {
        Problem problem;
        CauseCode code;
        try {
            problem = JSON.read(answer.body(), Problem.class);
            code = CauseCode.valueOf(problem.code());
        } catch (MalformedJsonException e) {
            return AgentHttp.wrong("status " + answer.status() + " without a problem document");
        } catch (IllegalArgumentException e) {
            return AgentHttp.wrong("status " + answer.status() + " with a cause that is not in the catalogue");
        }
        return new FailureException(new Cause(code, problem.detail(), problem.evidence()));
    }

    private static SignIn check(String sessionId, SignIn answer) {
        if (!answer.sessionId().equals(sessionId)) {
            throw AgentHttp.wrong("it speaks of another session");
        }
        checkUrl(answer.url());
        return answer;
    }

    /** The URL ends up in a page's link: it must be what a browser takes for an HTTPS address, and nothing else. */
    private static void checkUrl(@Nullable String url) {
        if (url == null) {
            return;
        }
        try {
            if (url.length() <= MAX_URL && "https".equalsIgnoreCase(new URI(url).getScheme())) {
                return;
            }
        } catch (URISyntaxException e) {
            throw AgentHttp.wrong("it tells a URL that is none");
        }
        throw AgentHttp.wrong("it tells a URL that may not be followed");
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
