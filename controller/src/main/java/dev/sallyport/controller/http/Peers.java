package dev.sallyport.controller.http;

import dev.sallyport.controller.store.HostStore;
import dev.sallyport.controller.store.StoredHost;
import dev.sallyport.controller.store.StoredSession;
import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import dev.sallyport.model.HostId;
import dev.sallyport.model.Secret;
import dev.sallyport.model.UserId;
import dev.sallyport.vault.Vault;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The controllers of other hosts. A request about a session that another host works on is asked of that host's controller, for the same
 * caller: who that is was found out here, and is told in a header that only those can write and read who share the vault's keys. It is
 * bound to the request and to its time.
 */
public final class Peers implements AutoCloseable {
    /** The time in milliseconds, a dot, and the sealed caller. */
    static final String HEADER = "Sallyport-Peer";

    private static final Duration ANSWER = Duration.ofMinutes(2);
    /** Clocks of hosts may differ by so much. */
    private static final Duration SKEW = Duration.ofMinutes(1);

    private static final String ADMIN = "admin";
    private static final String USER = "user ";

    private final HostId self;
    private final HostStore hosts;
    private final Vault vault;
    private final HttpClient http = HttpClient.newBuilder()
            .connectTimeout(Duration.ofSeconds(5))
            .proxy(HttpClient.Builder.NO_PROXY)
            .version(HttpClient.Version.HTTP_1_1)
            .build();

    public Peers(HostId self, HostStore hosts, Vault vault) {
        this.self = self;
        this.hosts = hosts;
        this.vault = vault;
    }

    /** Where the controller is that works on {@code session}; empty when that is this one, or nobody can be asked. */
    Optional<URI> of(StoredSession session) {
        HostId host = session.host();
        if (host == null || host.equals(self)) {
            return Optional.empty();
        }
        return hosts.find(host)
                .filter(other -> other.state() != StoredHost.State.LOST
                        && !other.address().isEmpty())
                .map(other -> URI.create(other.address()));
    }

    /** True when another controller asks: it is not asked back. */
    static boolean asks(ContainerRequestContext request) {
        return request.getHeaderString(HEADER) != null;
    }

    /**
     * Who calls, as another controller found out; empty when none asks.
     *
     * @throws FailureException UNAUTHENTICATED when the header is not one of ours, or not of this request and time
     */
    Optional<Caller> callerOf(ContainerRequestContext request) {
        String header = request.getHeaderString(HEADER);
        if (header == null) {
            return Optional.empty();
        }
        try {
            int dot = header.indexOf('.');
            Instant at = Instant.ofEpochMilli(Long.parseLong(header.substring(0, dot)));
            if (Duration.between(at, Instant.now()).abs().compareTo(SKEW) > 0) {
                throw FailureException.of(CauseCode.UNAUTHENTICATED, "The clocks of the hosts are too far apart.");
            }
            String caller = vault.openSmall(
                            purpose(request, header.substring(0, dot)),
                            Base64.getUrlDecoder().decode(header.substring(dot + 1)))
                    .reveal();
            return Optional.of(
                    caller.equals(ADMIN)
                            ? Caller.ADMIN
                            : new Caller(Optional.of(new UserId(caller.substring(USER.length())))));
        } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
            throw new FailureException(Cause.of(CauseCode.UNAUTHENTICATED, "Not another controller's word."), e);
        } catch (FailureException e) {
            throw e.reason().code() == CauseCode.VAULT_LOCKED
                    ? new FailureException(Cause.of(CauseCode.UNAUTHENTICATED, "Not another controller's word."), e)
                    : e;
        }
    }

    /**
     * Asks another controller, and answers what it answers.
     *
     * @throws FailureException MACHINE_UNREACHABLE when it does not answer
     */
    Response ask(URI host, ContainerRequestContext request, Caller caller) {
        URI target = host.resolve(pathOf(request));
        String at = Long.toString(Instant.now().toEpochMilli());
        byte[] sealed = vault.sealSmall(
                purpose(request, at),
                Secret.of(caller.user().map(user -> USER + user.value()).orElse(ADMIN)));
        try {
            HttpRequest.Builder asked = HttpRequest.newBuilder(target)
                    .timeout(ANSWER)
                    .header(
                            HEADER,
                            at + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(sealed))
                    .method(
                            request.getMethod(),
                            request.hasEntity()
                                    ? HttpRequest.BodyPublishers.ofByteArray(
                                            request.getEntityStream().readAllBytes())
                                    : HttpRequest.BodyPublishers.noBody());
            copy("Content-Type", request.getHeaderString("Content-Type"), asked);
            copy("Accept", request.getHeaderString("Accept"), asked);
            HttpResponse<byte[]> answer = http.send(asked.build(), HttpResponse.BodyHandlers.ofByteArray());
            Response.ResponseBuilder response =
                    Response.status(answer.statusCode()).entity(answer.body());
            answer.headers().firstValue("Content-Type").ifPresent(type -> response.header("Content-Type", type));
            return response.build();
        } catch (IOException e) {
            throw new FailureException(
                    Cause.of(
                            CauseCode.MACHINE_UNREACHABLE,
                            "The controller of the session's host does not answer.",
                            host + ": " + e),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while another controller was asked", e);
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }

    private static void copy(String name, @Nullable String value, HttpRequest.Builder to) {
        if (value != null) {
            to.header(name, value);
        }
    }

    private static String purpose(ContainerRequestContext request, String at) {
        return "peer|" + request.getMethod() + "|" + pathOf(request) + "|" + at;
    }

    private static String pathOf(ContainerRequestContext request) {
        URI asked = request.getUriInfo().getRequestUri();
        return asked.getRawPath() + (asked.getRawQuery() == null ? "" : "?" + asked.getRawQuery());
    }
}
