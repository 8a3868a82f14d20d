package dev.sallyport.bench.simulated;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.CredentialSet;
import dev.sallyport.agentapi.Health;
import dev.sallyport.agentapi.MalformedJsonException;
import dev.sallyport.agentapi.OauthUrl;
import dev.sallyport.agentapi.Problem;
import dev.sallyport.agentapi.TakeCredentials;
import dev.sallyport.agentapi.ToolStatus;
import dev.sallyport.agentapi.Written;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.MachineId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;

/**
 * The agents of all simulated machines: one HTTP server on all addresses of the host, which knows by the address that was
 * asked whose agent it is. A sign-in awaits its user until {@link #succeed} is called; what is then taken are made-up credentials.
 */
public final class SimulatedAgents implements AutoCloseable {
    /** The kernel cuts it to {@code net.core.somaxconn}. */
    private static final int BACKLOG = 4096;

    private static final String FILE = ".config/demo/credentials.json";
    private static final byte[] CREDENTIALS =
            "{\"access_token\":\"simulated\",\"refresh_token\":\"simulated\",\"expires_at\":0,\"account\":{\"email\":\"a@b.test\"}}"
                    .getBytes(StandardCharsets.US_ASCII);

    private final MachineAddresses addresses;
    private final AgentJson json = new AgentJson();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;
    private final Map<String, Running> signIns = new ConcurrentHashMap<>();
    private final LongAdder requests = new LongAdder();

    private record Running(InetAddress machine, SimulatedSignIn signIn) {}

    /**
     * Listens and answers at once.
     *
     * @param addresses shared with the driver
     * @throws IOException when no port can be had
     */
    public SimulatedAgents(MachineAddresses addresses) throws IOException {
        this.addresses = addresses;
        server = HttpServer.create(new InetSocketAddress(anyAddress(), 0), BACKLOG);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    /** The port, the same on each machine's address. */
    public int port() {
        return server.getAddress().getPort();
    }

    /** Lets the user of {@code session} finish; nothing happens when there is no such sign-in. */
    public void succeed(String session) {
        Running running = signIns.get(session);
        if (running != null) {
            running.signIn().succeed();
        }
    }

    /** The sessions whose machines are there and whose sign-ins await their users. */
    public List<String> awaiting() {
        signIns.values().removeIf(one -> addresses.at(one.machine()).isEmpty());
        return signIns.entrySet().stream()
                .filter(one -> one.getValue().signIn().awaitsUser())
                .map(Map.Entry::getKey)
                .toList();
    }

    /** How many requests came. */
    public long requests() {
        return requests.sum();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void handle(HttpExchange exchange) throws IOException {
        requests.increment();
        try (exchange) {
            InetAddress machine = exchange.getLocalAddress().getAddress();
            Optional<MachineId> id = addresses.at(machine);
            if (id.isEmpty()) {
                return; // As a machine that is gone: the connection ends without a word.
            }
            try {
                send(exchange, 200, "application/json", answer(exchange, machine, id.get()));
            } catch (FailureException e) {
                Cause cause = e.reason();
                send(exchange, cause.code().httpStatus(), Problem.MEDIA_TYPE, Problem.of(cause));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // The agents end.
            } catch (RuntimeException e) {
                send(exchange, 500, Problem.MEDIA_TYPE, Problem.of(Cause.of(CauseCode.UNKNOWN, e.toString())));
            }
        }
    }

    private Record answer(HttpExchange exchange, InetAddress machine, MachineId id)
            throws IOException, InterruptedException {
        String path = exchange.getRequestURI().getPath();
        return switch (exchange.getRequestMethod() + " " + path) {
            case "GET /health" ->
                new Health("ok", Instant.now().toString(), 0, "simulated", id.value(), Map.of("egress", "ok"));
            case "GET /auth" ->
                signIn(query(exchange, "sessionId"))
                        .await(
                                Long.parseLong(query(exchange, "after")),
                                Duration.ofMillis(Long.parseLong(query(exchange, "waitMs"))));
            case "GET /oauth-url" -> {
                SimulatedSignIn signIn = signIn(query(exchange, "sessionId"));
                yield new OauthUrl(query(exchange, "sessionId"), signIn.now().url());
            }
            case "POST /credentials/take" -> take(session(exchange));
            case "POST /credentials/write" -> {
                exchange.getRequestBody().readAllBytes();
                yield new Written(List.of(FILE));
            }
            case "POST /status" -> {
                exchange.getRequestBody().readAllBytes();
                yield new ToolStatus(true, 0, "signed in as a@b.test at https://id.sallyport.test");
            }
            default -> {
                if (!exchange.getRequestMethod().equals("POST") || !path.startsWith("/auth/")) {
                    throw FailureException.of(CauseCode.NOT_FOUND, "A simulated agent has no " + path + ".");
                }
                String session = session(exchange);
                var signIn = new SimulatedSignIn(session);
                signIns.put(session, new Running(machine, signIn));
                yield signIn.now();
            }
        };
    }

    private SimulatedSignIn signIn(String session) {
        Running running = signIns.get(session);
        if (running == null) {
            throw FailureException.of(CauseCode.NOT_FOUND, "There is no sign-in of " + session + ".");
        }
        return running.signIn();
    }

    /** Once, as from a real one. */
    private CredentialSet take(String session) {
        if (signIn(session).awaitsUser() || signIns.remove(session) == null) {
            throw FailureException.of(CauseCode.CONFLICT, "There is nothing to take of " + session + ".");
        }
        return new CredentialSet("demo", List.of(new CredentialSet.File(FILE, "0600", CREDENTIALS)));
    }

    /** The session that a body is about; what else it holds is passed over. */
    private String session(HttpExchange exchange) throws IOException {
        try {
            return json.read(exchange.getRequestBody().readAllBytes(), TakeCredentials.class)
                    .sessionId();
        } catch (MalformedJsonException e) {
            throw FailureException.of(CauseCode.BAD_REQUEST, String.valueOf(e.getMessage()));
        }
    }

    private void send(HttpExchange exchange, int status, String mediaType, Record answer) throws IOException {
        byte[] body = json.write(answer);
        exchange.getResponseHeaders().set("Content-Type", mediaType);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    private static String query(HttpExchange exchange, String name) {
        for (String pair :
                String.valueOf(exchange.getRequestURI().getRawQuery()).split("&", -1)) {
            if (pair.startsWith(name + "=")) {
                return pair.substring(name.length() + 1);
            }
        }
        throw FailureException.of(CauseCode.BAD_REQUEST, "The query parameter " + name + " is missing.");
    }

    private static InetAddress anyAddress() throws UnknownHostException {
        return InetAddress.getByAddress(new byte[4]);
    }
}
