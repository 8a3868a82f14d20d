package dev.sallyport.egress;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.HttpFiltersAdapter;

/** What LittleProxy asks about one request: which address was decided on, and what to say when it cannot be reached. */
final class DoorFilters extends HttpFiltersAdapter {
    private final Policy policy;
    private final Decision.@Nullable Go decision;
    private final @Nullable Upstream upstream;
    private boolean answered;

    DoorFilters(HttpRequest request, ChannelHandlerContext ctx, Policy policy, @Nullable Upstream upstream) {
        super(request, ctx);
        this.policy = policy;
        this.upstream = upstream;
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
    public void proxyToServerConnectionSucceeded(ChannelHandlerContext serverContext) {
        answered = true;
    }

    @Override
    public HttpObject serverToProxyResponse(HttpObject object) {
        answered = true;
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
        String where = upstream == null
                ? decision.target().toString()
                : decision.target() + " through the proxy " + upstream.host() + ":" + upstream.port();
        return Answers.of(policy.unreachable(decision.target(), "No connection to " + where + " could be made."));
    }
}
