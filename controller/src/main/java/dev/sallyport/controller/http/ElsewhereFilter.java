package dev.sallyport.controller.http;

import dev.sallyport.controller.store.SessionStore;
import dev.sallyport.model.SessionId;
import jakarta.annotation.Priority;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import java.net.URI;
import java.util.Optional;

/** Lets another host's controller answer what is {@link AtItsHost}. Whether the caller may is decided there, as it would be here. */
@AtItsHost
@Priority(Priorities.USER)
final class ElsewhereFilter implements ContainerRequestFilter {
    private final Peers peers;
    private final SessionStore sessions;

    ElsewhereFilter(Peers peers, SessionStore sessions) {
        this.peers = peers;
        this.sessions = sessions;
    }

    @Override
    public void filter(ContainerRequestContext request) {
        if (Peers.asks(request)) {
            return;
        }
        Caller caller = Authentication.callerOf(request);
        String id = request.getUriInfo().getPathParameters().getFirst("id");
        Optional<URI> host = sessions.find(SessionResource.scope(caller), new SessionId(id == null ? "" : id))
                .flatMap(peers::of);
        host.ifPresent(other -> request.abortWith(peers.ask(other, request, caller)));
    }
}
