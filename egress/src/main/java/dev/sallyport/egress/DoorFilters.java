package dev.sallyport.egress;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.HttpFiltersAdapter;

/** What LittleProxy asks about one request: which address was decided on, and what to say when it cannot be reached. */
final class DoorFilters extends HttpFiltersAdapter {
    private final Policy policy;
    private final Decision.@Nullable Go decision;
    private final @Nullable Upstream upstream;
    private final Duration connect;
    private boolean answered;

    /** @param connect how long a connection may take to be made */
    DoorFilters(
            HttpRequest request,
            ChannelHandlerContext ctx,
            Policy policy,
            @Nullable Upstream upstream,
            Duration connect) {
        super(request, ctx);
        this.policy = policy;
        this.upstream = upstream;
        this.connect = connect;
        decision = ctx.channel().attr(Gate.DECISION).getAndSet(null);
    }

    /** Nothing comes here but through the gate; and should it, it goes no further. */
    @Override
    public @Nullable HttpResponse clientToProxyRequest(HttpObject object) {
        return object instanceof HttpRequest && decision == null
                ? Answers.of(new Decision.Stop(403, "Not decided", "Nothing was decided about this request."))
                : null;
    }

    @Override
    public @Nullable InetSocketAddress proxyToServerResolutionStarted(String hostAndPort) {
        return decision == null ? null : decision.address();
    }

    @Override
    public void proxyToServerConnectionStarted() {
        if (decision != null) {
            decision.attempt().started();
        }
    }

    @Override
    public void proxyToServerConnectionSucceeded(ChannelHandlerContext serverContext) {
        answered = true;
    }

    @Override
    public HttpObject serverToProxyResponse(HttpObject object) {
        answered = true;
        if (decision != null && object instanceof HttpResponse response) {
            if (upstream != null && response.status().code() == Attempt.PASSWORD_WANTED) {
                policy.passwordWanted(decision.target(), wantsPassword(upstream));
            } else {
                policy.reached(decision.target().toString());
            }
        }
        return object;
    }

    /**
     * LittleProxy's own answers come this way too: the one that the host cannot be reached is said better, and none may be
     * written into a tunnel, where answering null ends the connection.
     */
    @Override
    @SuppressWarnings("NullAway") // Null is allowed, as the interface says in words.
    public @Nullable HttpObject proxyToClientResponse(HttpObject object) {
        if (decision == null || !(object instanceof HttpResponse)) {
            return object;
        }
        if (answered) {
            return decision.target().tunnel() ? null : object;
        }
        ReferenceCountUtil.release(object);
        if (upstream != null && decision.attempt().status() == Attempt.PASSWORD_WANTED) {
            return Answers.of(policy.passwordWanted(decision.target(), wantsPassword(upstream)));
        }
        String where = upstream == null
                ? decision.target().toString()
                : decision.target() + " through the proxy " + upstream.host() + ":" + upstream.port();
        return Answers.of(policy.unreachable(
                decision.target(),
                "No connection to " + where + " could be made: "
                        + decision.attempt().why(connect) + "."));
    }

    private static String wantsPassword(Upstream proxy) {
        return "The proxy " + proxy.host() + ":" + proxy.port() + " wants a user name and a password"
                + (proxy.user() == null ? "." : ", and does not take those that it is given.");
    }
}
