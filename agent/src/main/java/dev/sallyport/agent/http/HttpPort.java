package dev.sallyport.agent.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sallyport.agent.Log;
import dev.sallyport.agentapi.AgentJson;
import dev.sallyport.agentapi.Problem;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The agent's HTTP port: one virtual thread a request, a token on every request but the open ones, a problem document on every error. */
public final class HttpPort implements AutoCloseable {
    /** Connections that may wait to be accepted. */
    private static final int BACKLOG = 64;

    private final HttpServer server;
    private final ExecutorService threads;
    private final List<Route> routes;
    private final Bearer bearer;
    private final AgentJson json;
    private final Runnable answered;
    private final Log log;

    /**
     * Listens and answers at once.
     *
     * @param answered is called after each answer
     * @throws IOException when the address cannot be listened on
     */
    public HttpPort(
            InetSocketAddress address, List<Route> routes, Bearer bearer, AgentJson json, Runnable answered, Log log)
            throws IOException {
        this.routes = routes.stream()
                .sorted(Comparator.comparing(Route::isWhole).reversed())
                .toList();
        this.bearer = bearer;
        this.json = json;
        this.answered = answered;
        this.log = log;
        threads = Executors.newVirtualThreadPerTaskExecutor();
        server = HttpServer.create(address, BACKLOG);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void handle(HttpExchange exchange) throws IOException {
        String asked =
                exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
        try (exchange) {
            try {
                Record answer = route(exchange).answer(new Call(exchange, json));
                send(exchange, 200, "application/json", json.write(answer));
            } catch (FailureException e) {
                log.line(asked + ": " + e.reason().code() + ": " + e.reason().detail());
                send(exchange, e.reason());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                send(exchange, Cause.of(CauseCode.AGENT_FAILED, "The agent is ending."));
            } catch (IOException e) {
                log.failure(asked, e);
                send(exchange, Cause.of(CauseCode.UNKNOWN, "The agent could not do this.", String.valueOf(e)));
            } catch (RuntimeException e) {
                log.failure(asked, e);
                for (StackTraceElement frame : e.getStackTrace()) {
                    log.line("  at " + frame);
                }
                send(
                        exchange,
                        Cause.of(
                                CauseCode.UNKNOWN,
                                "The agent failed: " + e.getClass().getSimpleName() + "."));
            }
        }
        answered.run();
    }

    private Endpoint route(HttpExchange exchange) {
        String path = exchange.getRequestURI().getPath();
        String method = exchange.getRequestMethod();
        boolean known = false;
        for (Route route : routes) {
            if (route.isAt(path)) {
                if (route.method().equals(method)) {
                    if (!route.open()
                            && !bearer.admits(exchange.getRequestHeaders().getFirst("Authorization"))) {
                        throw FailureException.of(CauseCode.UNAUTHENTICATED, "This is not the machine's agent token.");
                    }
                    return route.endpoint();
                }
                known = true;
            }
        }
        throw known
                ? FailureException.of(CauseCode.METHOD_NOT_ALLOWED, method + " is not taken here.")
                : FailureException.of(CauseCode.NOT_FOUND, "There is nothing at this address.");
    }

    private void send(HttpExchange exchange, Cause cause) throws IOException {
        send(exchange, cause.code().httpStatus(), Problem.MEDIA_TYPE, json.write(Problem.of(cause)));
    }

    private static void send(HttpExchange exchange, int status, String mediaType, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", mediaType);
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }
}
