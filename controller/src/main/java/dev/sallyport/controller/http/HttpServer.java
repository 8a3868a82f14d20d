package dev.sallyport.controller.http;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sallyport.agentapi.AgentClient;
import dev.sallyport.agentapi.JsonBuffers;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import dev.sallyport.relay.Gate;
import dev.sallyport.relay.ScreenConnector;
import dev.sallyport.relay.ScreenSource;
import dev.sallyport.relay.Tickets;
import jakarta.ws.rs.ext.ContextResolver;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.concurrent.Executors;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.glassfish.jersey.jackson.JacksonFeature;
import org.glassfish.jersey.server.ResourceConfig;
import org.glassfish.jersey.server.ServerProperties;
import org.glassfish.jersey.servlet.ServletContainer;

/**
 * The HTTP server: the screen relay's WebSockets, the page, and behind them the API's resources. Requests run on virtual
 * threads, and block.
 */
public final class HttpServer implements AutoCloseable {
    private static final Logger JERSEY = Logger.getLogger("org.glassfish.jersey.internal.inject.Providers");

    private final Server server;
    private final ServerConnector connector;

    private HttpServer(Server server, ServerConnector connector) {
        this.server = server;
        this.connector = connector;
    }

    /** How the API reads and writes JSON. */
    public static ObjectMapper json() {
        return JsonMapper.builder(JsonBuffers.defaults())
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }

    /**
     * Starts serving.
     *
     * @param listen where; port 0 takes any
     * @throws FailureException PORT_TAKEN when something else listens there
     */
    public static HttpServer start(InetSocketAddress listen, Api api) {
        var threads = new QueuedThreadPool();
        threads.setName("http");
        threads.setVirtualThreadsExecutor(Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("request-", 0).factory()));
        var server = new Server(threads);
        var http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(16 * 1024);
        var connector = new ScreenConnector(server, new HttpConnectionFactory(http));
        connector.setHost(
                listen.isUnresolved()
                        ? listen.getHostString()
                        : listen.getAddress().getHostAddress());
        connector.setPort(listen.getPort());
        server.addConnector(connector);
        server.setHandler(new Handler.Sequence(
                api.relay().context(server, new ScreenGate(api.tickets(), api.sessions(), api.sessionStore())),
                new PageHandler(
                        session -> api.sessionStore().find(Scope.all(), session).flatMap(api.peers()::of)),
                resources(api)));
        server.setErrorHandler(HttpServer::problemOf);
        // Long answers (timelines, screens) end when their sessions do; the server does not wait for them.
        server.setStopTimeout(0);
        try {
            server.start();
        } catch (Exception e) {
            stop(server);
            throw notStarted(listen, e);
        }
        return new HttpServer(server, connector);
    }

    /** Where it is served, with the port that was taken. */
    public URI address() {
        String host = connector.getHost();
        return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + connector.getLocalPort());
    }

    @Override
    public void close() {
        stop(server);
    }

    private static Handler resources(Api api) {
        ObjectMapper json = json();
        // It warns of each resource that is registered as an object, which is how ours get what they need.
        JERSEY.setLevel(Level.SEVERE);
        var config = new ResourceConfig()
                .register(api.authentication())
                .register(api.elsewhere())
                .registerInstances(api.resources(json))
                .register(new BodyLimit())
                .register(new ProblemMapper())
                .register(JacksonFeature.withoutExceptionMappers())
                .register(new JsonOfTheApi(json))
                // Events go out as they happen.
                .property(ServerProperties.OUTBOUND_CONTENT_LENGTH_BUFFER, 0)
                .property(ServerProperties.WADL_FEATURE_DISABLE, true);
        var context = new ServletContextHandler("/", ServletContextHandler.NO_SESSIONS);
        context.addServlet(new ServletHolder(new ServletContainer(config)), "/*");
        return context;
    }

    /** What is refused before a resource sees it is told as a problem document too. */
    private static boolean problemOf(Request request, Response response, Callback callback) {
        CauseCode code = switch (response.getStatus()) {
            case 404 -> CauseCode.NOT_FOUND;
            case 405 -> CauseCode.METHOD_NOT_ALLOWED;
            case 413 -> CauseCode.BODY_TOO_LARGE;
            default -> response.getStatus() < 500 ? CauseCode.BAD_REQUEST : CauseCode.UNKNOWN;
        };
        writeProblem(response, FailureException.of(code, ""), callback);
        return true;
    }

    private static void writeProblem(Response response, FailureException failure, Callback callback) {
        Problem problem = Problem.of(failure);
        response.setStatus(problem.status());
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, Problem.MEDIA_TYPE);
        if (problem.retryAfter() != null) {
            response.getHeaders().put(HttpHeader.RETRY_AFTER, problem.retryAfter());
        }
        try {
            response.write(true, ByteBuffer.wrap(json().writeValueAsBytes(problem)), callback);
        } catch (IOException e) {
            callback.failed(e);
        }
    }

    private static FailureException notStarted(InetSocketAddress listen, Exception thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof BindException) {
                return new FailureException(
                        dev.sallyport.model.Cause.of(
                                CauseCode.PORT_TAKEN,
                                "Cannot listen on " + listen.getHostString() + ":" + listen.getPort() + ": "
                                        + cause.getMessage()),
                        thrown);
            }
        }
        return new FailureException(
                dev.sallyport.model.Cause.of(CauseCode.UNKNOWN, "The HTTP server did not start: " + thrown), thrown);
    }

    private static void stop(Server server) {
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP server did not stop", e);
        }
    }

    /** Tells Jersey which JSON the API speaks. */
    private record JsonOfTheApi(ObjectMapper json) implements ContextResolver<ObjectMapper> {
        @Override
        public ObjectMapper getContext(Class<?> type) {
            return json;
        }
    }

    /** Lets in who brings a ticket. */
    private record ScreenGate(Tickets tickets, Sessions sessions, SessionStore store) implements Gate {
        @Override
        public ScreenSource admit(SessionId session, Secret ticket) {
            tickets.redeem(session, ticket);
            AgentClient agent = sessions.browser(store.get(Scope.all(), session))
                    .orElseThrow(
                            () -> FailureException.of(CauseCode.CONFLICT, "The session has no screen at this moment."))
                    .agent();
            return agent::openScreen;
        }

        @Override
        public void refuse(FailureException failure, Request request, Response response, Callback callback) {
            writeProblem(response, failure, callback);
        }
    }
}
