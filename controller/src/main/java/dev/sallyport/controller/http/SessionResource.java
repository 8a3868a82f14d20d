package dev.sallyport.controller.http;

import dev.sallyport.agentapi.CredentialStatus;
import dev.sallyport.controller.http.Views.Done;
import dev.sallyport.controller.http.Views.KeepAnswer;
import dev.sallyport.controller.http.Views.PageAnswer;
import dev.sallyport.controller.http.Views.ScreenAnswer;
import dev.sallyport.controller.http.Views.SessionAnswer;
import dev.sallyport.controller.http.Views.SessionView;
import dev.sallyport.controller.http.Views.SessionsAnswer;
import dev.sallyport.controller.http.Views.StartAnswer;
import dev.sallyport.controller.http.Views.UrlAnswer;
import dev.sallyport.controller.session.Sessions;
import dev.sallyport.controller.store.Page;
import dev.sallyport.controller.store.Scope;
import dev.sallyport.controller.store.SessionQuery;
import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.controller.store.TokenStore;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.SessionId;
import dev.sallyport.model.UserId;
import dev.sallyport.model.VmType;
import dev.sallyport.relay.Ticket;
import dev.sallyport.relay.Tickets;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Sign-ins: {@code /api/auth/…} and {@code /api/sessions}. */
@Path("/")
@Produces(MediaType.APPLICATION_JSON)
public final class SessionResource {
    private static final Duration PAGE_LIFE = Duration.ofHours(1);

    private final Sessions sessions;
    private final SessionStore store;
    private final SessionEvents events;
    private final Tickets tickets;
    private final TokenStore tokens;
    private final SessionConsoles consoles;
    private final Peers peers;
    private final StartGate gate;

    SessionResource(
            Sessions sessions,
            SessionStore store,
            SessionEvents events,
            Tickets tickets,
            TokenStore tokens,
            SessionConsoles consoles,
            Peers peers,
            StartGate gate) {
        this.sessions = sessions;
        this.store = store;
        this.events = events;
        this.tickets = tickets;
        this.tokens = tokens;
        this.consoles = consoles;
        this.peers = peers;
        this.gate = gate;
    }

    /** The body of {@code POST /api/auth/start}; {@code replace} cancels what is under way of this user to this provider. */
    record StartRequest(
            @Nullable String userId,
            @Nullable String provider,
            @Nullable Boolean replace) {}

    /** The body of {@code POST …/callback}: the address that the user's own browser ended on, or a code. */
    record CallbackRequest(@Nullable String address) {}

    @POST
    @Path("api/auth/start")
    @Consumes(MediaType.APPLICATION_JSON)
    public Response start(
            @Context ContainerRequestContext request,
            @Context HttpServletRequest servlet,
            @Nullable StartRequest body) {
        Caller caller = Authentication.callerOf(request);
        if (body == null || body.provider() == null) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The field 'provider' is missing.");
        }
        UserId user = caller.actingFor(body.userId());
        gate.pass(caller, user, servlet);
        return accepted(
                Boolean.TRUE.equals(body.replace())
                        ? sessions.startAgain(user, body.provider(), nameOf(caller))
                        : sessions.start(user, body.provider()));
    }

    /** A sign-in like this one, which came to nothing. */
    @POST
    @Path("api/auth/session/{id}/retry")
    public Response retry(
            @Context ContainerRequestContext request, @Context HttpServletRequest servlet, @PathParam("id") String id) {
        StoredSession session = owned(request, id);
        gate.pass(Authentication.callerOf(request), session.user(), servlet);
        return accepted(sessions.retry(session));
    }

    private Response accepted(StoredSession session) {
        return Response.status(Response.Status.ACCEPTED)
                .entity(new StartAnswer(
                        true,
                        session.id().value(),
                        session.provider().value(),
                        session.status().wire(),
                        screen(session)))
                .build();
    }

    private static String nameOf(Caller caller) {
        return caller.isAdmin() ? "an operator" : "its user";
    }

    @GET
    @Path("api/sessions")
    public SessionsAnswer list(
            @Context ContainerRequestContext request,
            @QueryParam("userId") @Nullable String userId,
            @QueryParam("before") @Nullable String before,
            @QueryParam("limit") @DefaultValue("50") int limit) {
        Caller caller = Authentication.callerOf(request);
        UserId only = caller.isAdmin() ? userId == null ? null : new UserId(userId) : caller.actingFor(userId);
        Page<StoredSession> page =
                store.list(scope(caller), new SessionQuery(only, null, false), before, Limits.page(limit));
        return new SessionsAnswer(page.items().stream().map(this::view).toList(), page.next());
    }

    @GET
    @Path("api/auth/session/{id}")
    public SessionAnswer get(@Context ContainerRequestContext request, @PathParam("id") String id) {
        return new SessionAnswer(view(owned(request, id)));
    }

    @GET
    @Path("api/auth/session/{id}/events")
    @Produces("text/event-stream")
    public Response events(
            @Context ContainerRequestContext request,
            @PathParam("id") String id,
            @QueryParam("after") @DefaultValue("0") long after,
            @HeaderParam("Last-Event-ID") @Nullable Long lastSeen) {
        StoredSession session = owned(request, id);
        StreamingOutput stream = events.stream(session.id(), lastSeen == null ? after : lastSeen, this::view);
        return Response.ok(stream)
                .header("Cache-Control", "no-store")
                .header("X-Accel-Buffering", "no")
                .build();
    }

    /** The console of the session's browser or CLI machine as text, in its life and after, for as long as its log is kept. */
    @GET
    @Path("api/auth/session/{id}/console")
    @AtItsHost
    @Produces(MediaType.TEXT_PLAIN)
    public String console(
            @Context ContainerRequestContext request,
            @PathParam("id") String id,
            @QueryParam("kind") @DefaultValue("browser") String kind)
            throws IOException {
        StoredSession session = owned(request, id);
        return consoles.of(scope(Authentication.callerOf(request)), session, VmType.ofWire(kind));
    }

    /** A ticket for the screen: good once, and for a short while. */
    @GET
    @Path("api/auth/session/{id}/novnc")
    @AtItsHost
    public ScreenAnswer screen(@Context ContainerRequestContext request, @PathParam("id") String id) {
        StoredSession session = owned(request, id);
        if (sessions.browser(session).isEmpty()) {
            throw FailureException.of(
                    CauseCode.CONFLICT,
                    "The session has no screen at this moment; it is "
                            + session.status().wire() + ".");
        }
        Ticket ticket = tickets.issue(session.id(), session.user().value());
        String text = ticket.token().reveal();
        return new ScreenAnswer(
                true,
                screen(session),
                text,
                "/api/auth/session/" + session.id() + "/screen?ticket=" + text,
                ticket.expires().toString());
    }

    /** A link to the session's page that carries a token of the session's user, good for an hour. */
    @POST
    @Path("api/auth/session/{id}/page")
    public PageAnswer page(@Context ContainerRequestContext request, @PathParam("id") String id) {
        StoredSession session = owned(request, id);
        TokenStore.Issued issued = tokens.issue(session.user(), "page of " + session.id(), PAGE_LIFE);
        return new PageAnswer(
                "/s/" + session.id() + "#token=" + issued.secret().reveal(),
                String.valueOf(issued.token().expiresAt()));
    }

    @GET
    @Path("api/auth/session/{id}/oauth-url")
    @AtItsHost
    public UrlAnswer oauthUrl(@Context ContainerRequestContext request, @PathParam("id") String id)
            throws InterruptedException {
        StoredSession session = owned(request, id);
        return new UrlAnswer(session.id().value(), sessions.oauthUrl(session));
    }

    @GET
    @Path("api/auth/session/{id}/credentials/status")
    @AtItsHost
    public CredentialStatus credentials(@Context ContainerRequestContext request, @PathParam("id") String id)
            throws InterruptedException {
        return sessions.credentialStatus(owned(request, id));
    }

    @POST
    @Path("api/auth/session/{id}/callback")
    @AtItsHost
    @Consumes(MediaType.APPLICATION_JSON)
    public Done callback(
            @Context ContainerRequestContext request, @PathParam("id") String id, @Nullable CallbackRequest body)
            throws InterruptedException {
        StoredSession session = owned(request, id);
        if (body == null || body.address() == null || body.address().isBlank()) {
            throw FailureException.of(CauseCode.BAD_REQUEST, "The field 'address' is missing.");
        }
        sessions.callback(session, body.address().strip());
        return new Done(true);
    }

    @POST
    @Path("api/auth/session/{id}/complete")
    public Done complete(@Context ContainerRequestContext request, @PathParam("id") String id) {
        sessions.release(owned(request, id));
        return new Done(true);
    }

    /** Asks for the browser machine of an ended session to stay a while longer, and answers until when. */
    @POST
    @Path("api/auth/session/{id}/keep")
    public KeepAnswer keep(@Context ContainerRequestContext request, @PathParam("id") String id) {
        return new KeepAnswer(true, sessions.keep(owned(request, id)).toString());
    }

    @POST
    @Path("api/auth/session/{id}/cancel")
    public SessionAnswer cancel(@Context ContainerRequestContext request, @PathParam("id") String id) {
        StoredSession session = owned(request, id);
        Caller caller = Authentication.callerOf(request);
        return new SessionAnswer(view(sessions.cancel(session.id(), nameOf(caller))));
    }

    private StoredSession owned(ContainerRequestContext request, String id) {
        Caller caller = Authentication.callerOf(request);
        StoredSession session = store.get(scope(caller), new SessionId(id));
        caller.mustOwn(session.user(), "session");
        return session;
    }

    /** The page of the session's screen: on this controller, or on that of the host that has the machine. */
    private String screen(StoredSession session) {
        String path = "/s/" + session.id() + "/screen";
        return peers.of(session).map(other -> other.resolve(path).toString()).orElse(path);
    }

    private SessionView view(StoredSession session) {
        return SessionView.of(
                session,
                sessions.browser(session)
                        .map(live -> live.machine().agent().getHostString())
                        .orElse(null),
                sessions.staysUntil(session).orElse(null));
    }

    /** What the database itself lets this caller see (row-level security), under the checks made here. */
    static Scope scope(Caller caller) {
        return caller.user().map(Scope::of).orElseGet(Scope::all);
    }
}
