package dev.sallyport.egress;

import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;

/** A request that passed the gate, with what was decided. A tunnel's carries nothing of what the machine sent but the target. */
final class DecidedRequest extends DefaultHttpRequest {
    private final Decision.Go decision;

    private DecidedRequest(Decision.Go decision, HttpMethod method, String uri) {
        super(HttpVersion.HTTP_1_1, method, uri);
        this.decision = decision;
    }

    static DecidedRequest of(HttpRequest request, Decision.Go decision) {
        String target = decision.target().toString();
        if (decision.target().tunnel()) {
            var tunnel = new DecidedRequest(decision, HttpMethod.CONNECT, target);
            tunnel.headers().set(HttpHeaderNames.HOST, target);
            return tunnel;
        }
        var plain = new DecidedRequest(decision, request.method(), request.uri());
        plain.headers().set(request.headers());
        plain.headers().set(HttpHeaderNames.HOST, decision.target().host()).remove(HttpHeaderNames.PROXY_AUTHORIZATION);
        return plain;
    }

    Decision.Go decision() {
        return decision;
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
