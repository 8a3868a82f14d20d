package dev.sallyport.relay;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.InvalidIdException;
import dev.sallyport.model.Secret;
import dev.sallyport.model.SessionId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.pathmap.UriTemplatePathSpec;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.ContextHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Fields;
import org.eclipse.jetty.websocket.server.ServerUpgradeRequest;
import org.eclipse.jetty.websocket.server.ServerUpgradeResponse;
import org.eclipse.jetty.websocket.server.ServerWebSocketContainer;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;
import org.jspecify.annotations.Nullable;

/**
 * Relays machines' screens to pages: RFB bytes, unread, between a WebSocket of the page and the machine's screen stream.
 *
 * <p>Memory is bounded by construction. From the machine to the viewer, one piece is taken and sent, and the next is looked for only when the send
 * is done; when the viewer is slow nothing is read, and TCP stalls the machine. From the viewer to the machine, the next frame is
 * asked for only when the last one was written. Every viewer has its own connection to the machine, and nothing on the way ever
 * waits: the threads that learn of bytes move them on, so that a slow viewer delays nobody else.
 */
public final class ScreenRelay implements AutoCloseable {
    /** Where screens are mounted. */
    public static final String PATH = "/api/auth/session/{id}/screen";

    /** The query parameter that carries the ticket. */
    public static final String TICKET = "ticket";

    /** The subprotocol that noVNC asked for in its older versions; accepted when asked for. */
    private static final String SUBPROTOCOL = "binary";

    private final Viewers viewers;
    private final RelaySettings settings;
    private final LongAdder toViewers = new LongAdder();
    private final LongAdder toMachines = new LongAdder();

    /**
     * @param viewers where open relays are counted
     * @param settings how they behave
     */
    public ScreenRelay(Viewers viewers, RelaySettings settings) {
        this.viewers = viewers;
        this.settings = settings;
    }

    /**
     * A context that takes the upgrade requests to {@link #PATH} and leaves every other request to the next handler of a
     * {@link org.eclipse.jetty.server.Handler.Sequence}.
     *
     * @param server that it will be a part of
     * @param gate who may see which screen
     */
    public ContextHandler context(Server server, Gate gate) {
        var context = new ContextHandler("/");
        context.setHandler(WebSocketUpgradeHandler.from(server, context, container -> register(container, PATH, gate)));
        return context;
    }

    /**
     * Mounts the relay in a container, beside other WebSockets.
     *
     * @param container of the server
     * @param path a URI template (RFC 6570, level 1) with the variable {@code id}
     * @param gate who may see which screen
     */
    public void register(ServerWebSocketContainer container, String path, Gate gate) {
        var template = new UriTemplatePathSpec(path);
        container.addMapping(
                template, (request, response, callback) -> upgrade(template, gate, request, response, callback));
    }

    /** Bytes sent to viewers since the start. */
    public long bytesToViewers() {
        return toViewers.sum();
    }

    /** Bytes written to machines since the start. */
    public long bytesToMachines() {
        return toMachines.sum();
    }

    /** Ends every open relay; later ones are told that the server is shutting down. */
    @Override
    public void close() {
        viewers.shutDown();
    }

    private @Nullable Object upgrade(
            UriTemplatePathSpec template,
            Gate gate,
            ServerUpgradeRequest request,
            ServerUpgradeResponse response,
            Callback callback) {
        SessionId session;
        ScreenSource source;
        try {
            session = session(template, request);
            source = gate.admit(session, ticket(request));
        } catch (FailureException e) {
            gate.refuse(e, request, response, callback);
            return null;
        }
        if (request.hasSubProtocol(SUBPROTOCOL)) {
            response.setAcceptedSubProtocol(SUBPROTOCOL);
        }
        // No compression: RFB has its own, and an inflated frame could be far larger than the frame that was bounded.
        response.setExtensions(List.of());
        ScreenEndPoint page = null;
        if (request.getConnectionMetaData().getConnection().getEndPoint() instanceof ScreenEndPoint own) {
            page = own;
            page.carryScreen();
        }
        return new Relay(
                session,
                source,
                MachineEnds.of(request.getConnectionMetaData().getConnector()),
                page,
                viewers,
                settings,
                toViewers,
                toMachines);
    }

    private static SessionId session(UriTemplatePathSpec template, Request request) {
        Map<String, String> variables = template.getPathParams(Request.getPathInContext(request));
        String id = variables == null ? null : variables.get("id");
        try {
            return new SessionId(id == null ? "" : id);
        } catch (InvalidIdException e) {
            throw new FailureException(Cause.of(CauseCode.NOT_FOUND, "No such session."), e);
        }
    }

    private static Secret ticket(Request request) {
        try {
            Fields query = Request.extractQueryParameters(request, StandardCharsets.UTF_8);
            String ticket = query.getValue(TICKET);
            return Secret.of(ticket == null ? "" : ticket);
        } catch (HttpException.RuntimeException | IllegalArgumentException e) {
            throw new FailureException(Cause.of(CauseCode.BAD_REQUEST, "The query is not well-formed."), e);
        }
    }
}
