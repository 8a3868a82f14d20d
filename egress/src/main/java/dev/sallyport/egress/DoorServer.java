package dev.sallyport.egress;

import io.netty.channel.AbstractEventLoopGroup;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.ActivityTrackerAdapter;
import org.littleshoot.proxy.FullFlowContext;
import org.littleshoot.proxy.HttpFilters;
import org.littleshoot.proxy.HttpFiltersSourceAdapter;
import org.littleshoot.proxy.HttpProxyServer;
import org.littleshoot.proxy.HttpProxyServerBootstrap;
import org.littleshoot.proxy.TransportProtocol;
import org.littleshoot.proxy.impl.DefaultHttpProxyServer;
import org.littleshoot.proxy.impl.ServerGroup;

/**
 * What listens for connections to doors: to one of them, or to all those with the same port. Each connection is handed to the thread of
 * the door whose address it was made to; one that was made to no open door's is ended at once, before a byte of it is read.
 */
final class DoorServer implements AutoCloseable {
    private static final int MAX_REQUEST_LINE = 2048;
    private static final int MAX_HEAD = 16_384;
    private static final int MAX_CHUNK = 16_384;

    private final HttpProxyServer server;

    private DoorServer(HttpProxyServer server) {
        this.server = server;
    }

    /**
     * Begins to listen.
     *
     * @param shared the gateway's threads
     * @param doors the door at an address; null when there is none
     * @throws IOException when {@code address} cannot be listened on
     */
    static DoorServer start(
            String name,
            InetSocketAddress address,
            EgressSettings settings,
            ServerGroup shared,
            Function<InetSocketAddress, @Nullable DoorThread> doors)
            throws IOException {
        @Nullable Upstream upstream = settings.upstream().orElse(null);
        HttpProxyServerBootstrap bootstrap = DefaultHttpProxyServer.bootstrap()
                .withName(name)
                .withServerGroup(new Threads(name, shared, doors))
                .withAddress(address)
                .withProxyAlias("sallyport")
                .withTransparent(true)
                .withAllowRequestToOriginServer(false)
                .withMaxInitialLineLength(MAX_REQUEST_LINE)
                .withMaxHeaderSize(MAX_HEAD)
                .withMaxChunkSize(MAX_CHUNK)
                .withIdleConnectionTimeout(settings.idle())
                .withConnectTimeout(Math.toIntExact(settings.connect().toMillis()))
                .withFiltersSource(new HttpFiltersSourceAdapter() {
                    @Override
                    public HttpFilters filterRequest(HttpRequest request, ChannelHandlerContext ctx) {
                        return new DoorFilters(request, ctx, policyOf(ctx), upstream, settings.connect());
                    }
                })
                // Addresses come from the gate's decision; whatever asks for another one has gone around it.
                .withServerResolver((host, port) -> {
                    throw new java.net.UnknownHostException(Texts.printable(host));
                })
                .plusActivityTracker(new ActivityTrackerAdapter() {
                    @Override
                    public void responseReceivedFromServer(FullFlowContext flow, HttpResponse response) {
                        // The one place where the upstream proxy's answer to a tunnel's CONNECT is seen.
                        if (flow.getChainedProxy() instanceof UpstreamHop hop) {
                            hop.answered(response.status().code());
                        }
                    }
                });
        if (upstream != null) {
            bootstrap.withChainProxyManager((request, proxies, client) -> {
                if (request instanceof DecidedRequest decided) {
                    Decision.Go go = decided.decision();
                    proxies.add(new UpstreamHop(
                            go, () -> decided.policy().reached(go.target().toString()), upstream.authorization()));
                }
            });
        }
        try {
            return new DoorServer(bootstrap.start());
        } catch (RuntimeException e) {
            throw new IOException("cannot listen on " + address, e.getCause() == null ? e : e.getCause());
        }
    }

    private static Policy policyOf(ChannelHandlerContext ctx) {
        return Objects.requireNonNull(ctx.channel().attr(DoorThread.POLICY).get(), "a connection that is at no door");
    }

    /** Where it listens. */
    InetSocketAddress address() {
        return server.getListenAddress();
    }

    /** Listens no more; the connections that it took are their doors'. */
    @Override
    public void close() {
        server.stop();
    }

    /** The threads of a server: the gateway's, and for what it accepts the doors'. */
    private static final class Threads extends ServerGroup {
        private final ServerGroup shared;
        private final EventLoopGroup doors;

        Threads(String name, ServerGroup shared, Function<InetSocketAddress, @Nullable DoorThread> doors) {
            super(name, 1, 1, 1, false);
            this.shared = shared;
            this.doors = new ToDoors(shared.getClientToProxyWorkerPoolForTransport(TransportProtocol.TCP), doors);
        }

        @Override
        public EventLoopGroup getClientToProxyWorkerPoolForTransport(TransportProtocol protocol) {
            return doors;
        }

        @Override
        public EventLoopGroup getClientToProxyAcceptorPoolForTransport(TransportProtocol protocol) {
            return shared.getClientToProxyAcceptorPoolForTransport(protocol);
        }

        @Override
        public EventLoopGroup getProxyToServerWorkerPoolForTransport(TransportProtocol protocol) {
            return shared.getProxyToServerWorkerPoolForTransport(protocol);
        }

        @Override
        public void registerProxyServer(HttpProxyServer server) {
            // The gateway ends its servers and its threads itself.
        }

        @Override
        public void unregisterProxyServer(HttpProxyServer server, boolean graceful) {
            // As above.
        }
    }

    /** What LittleProxy registers accepted connections with. All else that could be asked of it goes to threads of the gateway. */
    private static final class ToDoors extends AbstractEventLoopGroup {
        private final EventLoopGroup others;
        private final Function<InetSocketAddress, @Nullable DoorThread> doors;

        ToDoors(EventLoopGroup others, Function<InetSocketAddress, @Nullable DoorThread> doors) {
            this.others = others;
            this.doors = doors;
        }

        @Override
        public ChannelFuture register(Channel channel) {
            DoorThread door = channel.localAddress() instanceof InetSocketAddress address ? doors.apply(address) : null;
            return door == null ? DoorThread.refused(channel) : door.register(channel);
        }

        @Override
        public ChannelFuture register(ChannelPromise promise) {
            return register(promise.channel());
        }

        @Override
        @Deprecated
        @SuppressWarnings("InlineMeSuggester") // It is the interface that is deprecated.
        public ChannelFuture register(Channel channel, ChannelPromise promise) {
            return register(channel);
        }

        @Override
        public EventLoop next() {
            return others.next();
        }

        @Override
        public Iterator<EventExecutor> iterator() {
            return others.iterator();
        }

        @Override
        public Future<?> shutdownGracefully(long quiet, long timeout, TimeUnit unit) {
            return GlobalEventExecutor.INSTANCE.newSucceededFuture(null); // Doors end by themselves.
        }

        @Override
        @Deprecated
        public void shutdown() {
            // As above.
        }

        @Override
        public Future<?> terminationFuture() {
            return others.terminationFuture();
        }

        @Override
        public boolean isShuttingDown() {
            return others.isShuttingDown();
        }

        @Override
        public boolean isShutdown() {
            return others.isShutdown();
        }

        @Override
        public boolean isTerminated() {
            return others.isTerminated();
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
            return others.awaitTermination(timeout, unit);
        }
    }
}
