package dev.sallyport.controller.http;

import dev.sallyport.controller.store.AdminToken;
import dev.sallyport.controller.store.TokenStore;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.Secret;
import jakarta.annotation.Priority;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds out who calls, by the bearer token (RFC 6750, section 2.1). Tokens in addresses are not taken: addresses end up in logs. */
@Priority(Priorities.AUTHENTICATION)
final class Authentication implements ContainerRequestFilter {
    private static final String CALLER = Caller.class.getName();
    private static final String SCHEME = "Bearer ";
    /** What is the same for everybody and holds nothing of anybody. */
    private static final Set<String> OPEN = Set.of("health", "openapi.json", "api/causes");

    private final AdminToken admin;
    private final TokenStore tokens;
    private final Peers peers;

    Authentication(AdminToken admin, TokenStore tokens, Peers peers) {
        this.admin = admin;
        this.tokens = tokens;
        this.peers = peers;
    }

    @Override
    public void filter(ContainerRequestContext request) {
        if (OPEN.contains(request.getUriInfo().getPath())) {
            return;
        }
        request.setProperty(
                CALLER, peers.callerOf(request).orElseGet(() -> callerOf(request.getHeaderString("Authorization"))));
    }

    /** Who made {@code request}, as this filter found out. */
    static Caller callerOf(ContainerRequestContext request) {
        if (request.getProperty(CALLER) instanceof Caller caller) {
            return caller;
        }
        throw FailureException.of(CauseCode.UNAUTHENTICATED, "");
    }

    private Caller callerOf(@Nullable String header) {
        if (header == null || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw FailureException.of(CauseCode.UNAUTHENTICATED, "The Authorization header is missing.");
        }
        Secret token = Secret.of(header.substring(SCHEME.length()).strip());
        if (admin.matches(token)) {
            return Caller.ADMIN;
        }
        return tokens.authenticate(token)
                .map(user -> new Caller(Optional.of(user.user())))
                .orElseThrow(() ->
                        FailureException.of(CauseCode.UNAUTHENTICATED, "The token is unknown, expired or revoked."));
    }
}
