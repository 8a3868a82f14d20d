package dev.sallyport.agent;

import dev.sallyport.agent.credentials.CredentialFiles;
import dev.sallyport.agent.credentials.StatusCheck;
import dev.sallyport.agent.desktop.Desktop;
import dev.sallyport.agent.http.Bearer;
import dev.sallyport.agent.http.Call;
import dev.sallyport.agent.http.HttpPort;
import dev.sallyport.agent.http.Route;
import dev.sallyport.agent.http.StreamPort;
import dev.sallyport.agent.identity.Adoption;
import dev.sallyport.agent.linux.Account;
import dev.sallyport.agent.linux.HomeFolder;
import dev.sallyport.agent.linux.Kernel;
import dev.sallyport.agent.linux.LinuxKernel;
import dev.sallyport.agent.linux.Processes;
import dev.sallyport.agent.signin.SignIns;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.AskStatus;
import dev.sallyport.agentapi.Callback;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.agentapi.Health;
import dev.sallyport.agentapi.OauthUrl;
import dev.sallyport.agentapi.ReleaseCredentials;
import dev.sallyport.agentapi.SignIn;
import dev.sallyport.agentapi.StartSignIn;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.agentapi.WriteCredentials;
import dev.sallyport.agentapi.Written;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.VmType;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The whole wiring of the agent. It answers its health before anything else is made, because that is what whoever started the
 * machine waits for; requests that need more wait for it.
 */
public final class Agent implements AutoCloseable {
    /** The agent's version, as in its health. */
    public static final String VERSION = "0.1.0";

    private static final Path PASSWD = Path.of("/etc/passwd");

    /** Most bytes of a request that carries a provider. */
    private static final int PROVIDER_LIMIT = 256 * 1024;

    /** Most bytes of a request that carries credentials. */
    private static final int CREDENTIALS_LIMIT = 4 * 1024 * 1024;

    /** Most bytes of any other request. */
    private static final int SMALL_LIMIT = 32 * 1024;

    /** What an RFB server says first, its version (RFC 6143, section 7.1.1). */
    private static final int RFB_GREETING = 12;

    /** Longest wait of a request for a change, in milliseconds. */
    private static final long MAX_WAIT = 60_000;

    /** The first answer comes before everything else; when nobody asks, so long. */
    private static final Duration FIRST_ANSWER = Duration.ofSeconds(5);

    /** Less than whoever asks waits for an answer. */
    private static final Duration IDENTITY_WAIT = Duration.ofSeconds(3);

    private static final Duration CHROMIUM_WAIT = Duration.ofSeconds(3);

    private final Settings settings;
    private final CurrentFacts facts;
    private final Log log;
    private final Parts parts = new Parts();
    private final CompletableFuture<Rooms> rooms = new CompletableFuture<>();
    private final HttpPort http;
    private final StreamPort streams;
    /** Done when whoever waits for the machine has been answered for the first time; a template's are no answers of a machine. */
    private volatile CountDownLatch answered = new CountDownLatch(1);

    private final Optional<Adoption> adoption;
    private volatile Optional<EgressCheck> egress = Optional.empty();

    /** What lies behind the door. */
    private record Rooms(
            SignIns signIns,
            CredentialFiles files,
            HomeFolder home,
            Tools tools,
            StatusCheck status,
            Optional<Desktop> desktop) {}

    /**
     * Starts it.
     *
     * @throws IOException when it cannot listen, or what it needs of the machine is not there
     */
    public Agent(Settings settings, Facts facts, Log log) throws IOException {
        this(settings, facts, log, new StartAccount(log), new LinuxKernel());
    }

    /**
     * Starts it on another kernel than that it runs on.
     *
     * @throws IOException when it cannot listen, or what it needs of the machine is not there
     */
    public static Agent on(Kernel kernel, Settings settings, Facts facts, Log log) throws IOException {
        return new Agent(settings, facts, log, new StartAccount(log), kernel);
    }

    /**
     * Starts it and tells of it.
     *
     * @throws IOException when it cannot listen, or what it needs of the machine is not there
     */
    Agent(Settings settings, Facts told, Log log, StartAccount account, Kernel kernel) throws IOException {
        this.settings = settings;
        facts = new CurrentFacts(told);
        this.log = log;
        var bearer = new Bearer(this::tokenSha256);
        var json = new AgentJson();
        adoption = Adoption.begin(
                settings, facts, kernel, this::renewCookie, this::askMyself, this::beginAsMachine, parts, log);
        if (told.type() == VmType.BROWSER) {
            parts.set(Desktop.DESKTOP, Parts.STARTING);
            parts.set(Desktop.CHROMIUM, Parts.STARTING);
        }
        var address = new InetSocketAddress(settings.bind(), settings.port());
        http = listening(address, () -> new HttpPort(address, routes(), bearer, json, this::answered, log));
        account.phase("listening on " + settings.bind() + ":" + http.address().getPort());
        streams = screens(bearer, json);
        try {
            rooms.complete(furnish());
        } catch (IOException | RuntimeException e) {
            rooms.completeExceptionally(e);
            http.close();
            streams.close();
            closeAdoption();
            throw e;
        }
        if (settings.switchUsers()) {
            softInterruptsFirst(kernel);
        }
        if (adoption.isPresent()) {
            Thread.ofVirtual().name("prepare").start(() -> prepare(adoption.get()));
        } else {
            lookForWayOut();
        }
    }

    /** The agent goes before what runs beside it; so must what it waits for. */
    private void softInterruptsFirst(Kernel kernel) {
        try {
            kernel.softInterruptsFirst();
        } catch (IOException e) {
            log.line("the network is served late: " + e.getMessage());
        }
    }

    private void answered() {
        adoption.ifPresent(Adoption::answered);
    }

    private void lookForWayOut() {
        egress = EgressCheck.start(facts.get().proxy(), EgressCheck.Patience.USUAL, parts, log, this::awaitFirstAnswer);
    }

    /** Nobody is served before the machine is wholly itself. */
    private String tokenSha256() {
        adoption.ifPresent(Adoption::awaitWhole);
        return facts.get().tokenSha256();
    }

    /** What a template does not: its gateway is not there. And what it did, and only memory tells of. */
    private void beginAsMachine() {
        answered = new CountDownLatch(1);
        lookForWayOut();
        askAnew(rooms.getNow(null));
    }

    private static void askAnew(@Nullable Rooms furnished) {
        if (furnished != null) {
            furnished.desktop().ifPresent(Desktop::askChromium);
        }
    }

    /** What {@link #beginAsMachine} does, with the agent itself as the way out; what that tells nobody is told. */
    private void rehearseBeginning() throws InterruptedException {
        String itself = settings.bind() + ":" + http.address().getPort();
        Optional<EgressCheck> check = EgressCheck.start(itself, EgressCheck.Patience.USUAL, new Parts(), log, () -> {});
        if (rooms().desktop().isPresent()) {
            rehearseDesktop();
        }
        if (check.isPresent()) {
            check.get().await(FIRST_ANSWER);
            check.get().close();
        }
        askAnew(rooms());
        parts.awaitSettled();
    }

    private void rehearseDesktop() throws InterruptedException {
        try (SocketChannel screen = screen()) {
            var greeting = ByteBuffer.allocate(RFB_GREETING);
            while (greeting.hasRemaining() && screen.read(greeting) >= 0) {}
            Desktop.rehearse();
        } catch (IOException | FailureException e) {
            log.line("the desktop's rehearsal was broken off: " + e.getMessage());
        }
    }

    /** As the host asks a machine that it has started from a template. */
    private void askMyself() throws IOException {
        try (var socket = new Socket(settings.bind(), http.address().getPort())) {
            socket.getOutputStream()
                    .write("GET /health?machine=me HTTP/1.0\r\nHost: agent\r\nAccept: application/json\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            socket.getInputStream().readAllBytes();
        }
    }

    private void renewCookie() throws IOException, InterruptedException {
        Optional<Desktop> desktop = rooms().desktop();
        if (desktop.isPresent()) {
            desktop.get().renewCookie();
        }
    }

    private void prepare(Adoption template) {
        try {
            parts.awaitSettled();
            new Rehearsal(rooms().tools(), new Processes(), log).run();
            rehearseBeginning();
            template.prepare();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The agent ends.
        }
    }

    private void closeAdoption() throws IOException {
        if (adoption.isPresent()) {
            adoption.get().close();
        }
    }

    private StreamPort screens(Bearer bearer, AgentJson json) throws IOException {
        var address = new InetSocketAddress(settings.bind(), settings.streamPort());
        try {
            return listening(
                    address,
                    () -> new StreamPort(
                            address, Map.of("/screen", new StreamPort.Stream("rfb", this::screen)), bearer, json, log));
        } catch (IOException e) {
            http.close();
            throw e;
        }
    }

    /** Something that listens once it is there. */
    @FunctionalInterface
    private interface Opening<T> {
        T open() throws IOException;
    }

    /** The system's own words do not say on which address it could not be. */
    private static <T> T listening(InetSocketAddress address, Opening<T> opening) throws IOException {
        try {
            return opening.open();
        } catch (BindException e) {
            throw new IOException(
                    "cannot listen on " + address.getHostString() + ":" + address.getPort() + ": " + e.getMessage(), e);
        }
    }

    private void awaitFirstAnswer() {
        try {
            answered.await(FIRST_ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The agent ends, and the next wait with it.
        }
    }

    private Rooms furnish() throws IOException {
        var processes = new Processes();
        Facts now = facts.get();
        HostsFile.write(settings.root(), now);
        Authorities authorities = Authorities.write(settings, now);
        Optional<Desktop> desktop = Optional.empty();
        if (now.type() == VmType.BROWSER) {
            desktop = Optional.of(new Desktop(settings, facts, processes, account("desktop"), authorities, parts, log));
            desktop.get().start();
        }
        Optional<Account> user = account("user");
        var tools = new Tools(settings, facts, user, authorities);
        var files = new CredentialFiles();
        var home = new HomeFolder(settings.home(), user);
        Optional<Desktop> shown = desktop;
        var signIns = new SignIns(
                settings.run().resolve("signins"),
                tools,
                processes,
                files,
                (url, told) -> shown.ifPresent(each -> each.open(url, told)),
                log);
        return new Rooms(signIns, files, home, tools, new StatusCheck(tools, processes, files, home), desktop);
    }

    private Optional<Account> account(String name) throws IOException {
        return settings.switchUsers() ? Optional.of(Account.find(PASSWD, name)) : Optional.empty();
    }

    private List<Route> routes() {
        var vitals = new VitalsReader(Path.of("/proc"), Path.of("/"));
        return List.of(
                new Route("GET", "/health", true, this::health),
                new Route("POST", "/auth/callback", false, this::callback),
                new Route("POST", "/auth/*", false, this::start),
                new Route("GET", "/auth", false, this::await),
                new Route("DELETE", "/auth", false, call -> rooms().signIns().cancel(call.needed("sessionId"))),
                new Route("GET", "/oauth-url", false, this::oauthUrl),
                new Route(
                        "GET",
                        "/credentials/status",
                        false,
                        call -> rooms().signIns().credentialStatus(call.needed("sessionId"))),
                new Route("POST", "/credentials/take", false, this::take),
                new Route("POST", "/credentials/release", false, this::release),
                new Route("POST", "/credentials/write", false, this::write),
                new Route(
                        "POST",
                        "/status",
                        false,
                        call -> rooms().status()
                                .ask(call.body(AskStatus.class, PROVIDER_LIMIT).provider())),
                new Route("GET", "/vitals", false, call -> vitals.read()));
    }

    /** Where its HTTP port listens. */
    public InetSocketAddress httpAddress() {
        return http.address();
    }

    /** Where its stream port listens. */
    public InetSocketAddress streamAddress() throws IOException {
        return streams.address();
    }

    /** Ends what it started, then itself. */
    @Override
    public void close() throws IOException {
        closeAdoption();
        egress.ifPresent(EgressCheck::close);
        @Nullable Rooms furnished = rooms.isCompletedExceptionally() ? null : rooms.getNow(null);
        if (furnished != null) {
            furnished.signIns().close();
            furnished.desktop().ifPresent(Desktop::close);
        }
        http.close();
        streams.close();
    }

    private Rooms rooms() throws InterruptedException {
        try {
            return rooms.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the agent could not be set up", e);
        }
    }

    private Health health(Call call) throws InterruptedException {
        if (adoption.isPresent() && call.query("machine").isPresent()) {
            // Whoever asks for the machine that this is to become would only ask again.
            adoption.get().await(IDENTITY_WAIT);
        }
        if (call.query("chromium").isPresent()) {
            askChromium();
        }
        boolean template = adoption.isPresent() && adoption.get().isPending();
        Map<String, String> states = new TreeMap<>(parts.snapshot());
        if (adoption.isPresent() && !template && !adoption.get().isWhole()) {
            // That it was up in the template says nothing of this machine.
            states.computeIfPresent(Desktop.CHROMIUM, (_, _) -> Parts.STARTING);
        }
        answered.countDown();
        @Nullable Rooms furnished = rooms.isCompletedExceptionally() ? null : rooms.getNow(null);
        return new Health(
                template ? Health.TEMPLATE : parts.settled() ? "ok" : "starting",
                adoption.map(Adoption::now).orElseGet(Instant::now).toString(),
                furnished == null ? 0 : furnished.signIns().active(),
                VERSION,
                facts.get().machineId(),
                states);
    }

    /** For whoever does not take what it was when it was asked last. A clone asks it itself, once it is whole. */
    private void askChromium() throws InterruptedException {
        adoption.ifPresent(Adoption::awaitWhole);
        if (!Parts.STARTING.equals(parts.snapshot().get(Desktop.CHROMIUM))) {
            rooms().desktop().ifPresent(Desktop::askChromium);
        }
        parts.awaitSettled(CHROMIUM_WAIT);
    }

    private SignIn start(Call call) throws IOException, InterruptedException {
        StartSignIn request = call.body(StartSignIn.class, PROVIDER_LIMIT);
        if (!call.path().equals("/auth/" + request.provider().id())) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The body's provider is not the address's.");
        }
        return rooms().signIns().start(request.sessionId(), request.provider());
    }

    private SignIn await(Call call) throws InterruptedException {
        return rooms().signIns()
                .await(
                        call.needed("sessionId"),
                        call.number("after", 0, 0, Long.MAX_VALUE),
                        Duration.ofMillis(call.number("waitMs", 0, 0, MAX_WAIT)));
    }

    private SignIn callback(Call call) throws IOException, InterruptedException {
        Callback request = call.body(Callback.class, SMALL_LIMIT);
        return rooms().signIns().callback(request.sessionId(), request.addressOrCode());
    }

    private OauthUrl oauthUrl(Call call) throws InterruptedException {
        SignIn signIn = rooms().signIns().await(call.needed("sessionId"), 0, Duration.ZERO);
        return new OauthUrl(signIn.sessionId(), signIn.url());
    }

    private CredentialSet take(Call call) throws IOException, InterruptedException {
        TakeCredentials request = call.body(TakeCredentials.class, SMALL_LIMIT);
        return rooms().signIns().take(request.sessionId());
    }

    private CredentialStatus release(Call call) throws IOException, InterruptedException {
        ReleaseCredentials request = call.body(ReleaseCredentials.class, SMALL_LIMIT);
        return rooms().signIns().release(request.sessionId());
    }

    private Written write(Call call) throws IOException, InterruptedException {
        WriteCredentials request = call.body(WriteCredentials.class, CREDENTIALS_LIMIT);
        Rooms furnished = rooms();
        Path home = furnished.home().path();
        try {
            List<String> paths = furnished
                    .files()
                    .write(
                            request.provider(),
                            request.credentials(),
                            furnished.home(),
                            text -> furnished.tools().replaceVariables(text, home));
            log.line("credentials of " + request.provider().id() + " written: " + paths.size() + " files");
            return new Written(paths);
        } catch (IOException e) {
            throw FailureException.of(
                    StartAccount.lacksSpace(e) ? CauseCode.WRITABLE_DISK_FULL : CauseCode.HANDOVER_FAILED,
                    "The files could not be written.",
                    String.valueOf(e.getMessage()));
        }
    }

    private SocketChannel screen() throws IOException, InterruptedException {
        return rooms().desktop()
                .orElseThrow(() -> FailureException.of(CauseCode.NOT_FOUND, "This kind of machine has no screen."))
                .openScreen();
    }
}
