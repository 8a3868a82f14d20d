package dev.sallyport.egress;

import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;

/** A request that passed the gate, with what was decided. A tunnel's carries nothing of what the machine sent but the target. */
final class DecidedRequest extends DefaultHttpRequest {
    private final Decision.Go decision;
    private final Policy policy;

    private DecidedRequest(Decision.Go decision, Policy policy, HttpMethod method, String uri) {
        super(HttpVersion.HTTP_1_1, method, uri);
        this.decision = decision;
        this.policy = policy;
    }

    /** @param policy by which it was decided */
    static DecidedRequest of(HttpRequest request, Decision.Go decision, Policy policy) {
        String target = decision.target().toString();
        if (decision.target().tunnel()) {
            var tunnel = new DecidedRequest(decision, policy, HttpMethod.CONNECT, target);
            tunnel.headers().set(HttpHeaderNames.HOST, target);
            return tunnel;
        }
        var plain = new DecidedRequest(decision, policy, request.method(), request.uri());
        plain.headers().set(request.headers());
        plain.headers().set(HttpHeaderNames.HOST, decision.target().host()).remove(HttpHeaderNames.PROXY_AUTHORIZATION);
        return plain;
    }

    Decision.Go decision() {
        return decision;
    }

    Policy policy() {
        return policy;
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
