package dev.sallyport.egress;

import dev.sallyport.model.Secret;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.ChainedProxyAdapter;

/** The upstream proxy, for one request. */
final class UpstreamHop extends ChainedProxyAdapter {
    private final Decision.Go decision;
    private final Runnable reached;
    private final @Nullable Secret authorization;

    /** @param reached told when the proxy has made the tunnel */
    UpstreamHop(Decision.Go decision, Runnable reached, @Nullable Secret authorization) {
        this.decision = decision;
        this.reached = reached;
        this.authorization = authorization;
    }

    @Override
    public InetSocketAddress getChainedProxyAddress() {
        return decision.address();
    }

    /** Takes down what the proxy answered with. */
    void answered(int status) {
        decision.attempt().answered(status);
    }

    /** Of a tunnel this is told when the proxy has made it. */
    @Override
    public void connectionSucceeded() {
        if (decision.target().tunnel()) {
            reached.run();
        }
    }

    @Override
    public void connectionFailed(@Nullable Throwable cause) {
        decision.attempt().failed(cause);
    }

    @Override
    public void filterRequest(HttpObject object) {
        if (authorization != null && object instanceof HttpRequest request) {
            request.headers().set(HttpHeaderNames.PROXY_AUTHORIZATION, new Hidden(authorization.reveal()));
        }
    }

    /** A header's value that is sent as it is and printed as {@code ***}: LittleProxy writes whole requests into its debug log. */
    private static final class Hidden implements CharSequence {
        private final String text;

        Hidden(String text) {
            this.text = text;
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return new Hidden(text.substring(start, end));
        }

        @Override
        public String toString() {
            return "***";
        }
    }
}
