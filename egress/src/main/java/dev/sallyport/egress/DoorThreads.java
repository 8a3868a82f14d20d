package dev.sallyport.egress;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.littleshoot.proxy.HttpProxyServer;
import org.littleshoot.proxy.TransportProtocol;
import org.littleshoot.proxy.impl.ServerGroup;

/**
 * A door's threads: one of its own that serves the machine's connections, so that no machine can slow another; and the gateway's
 * shared ones. LittleProxy registers each accepted connection with the former, which is where the gate is put in.
 */
final class DoorThreads extends ServerGroup {
    private final ServerGroup shared;
    private final Workers workers;

    /**
     * @param name of the thread
     * @param shared the gateway's threads, which outlive the door
     * @param gate makes a connection's gate from the number of connections that there are with it
     */
    DoorThreads(String name, ServerGroup shared, Function<Integer, Gate> gate) {
        super(name, 1, 1, 1, false);
        this.shared = shared;
        workers = new Workers(name, gate);
    }

    int connections() {
        return workers.connections.get();
    }

    @Override
    public EventLoopGroup getClientToProxyWorkerPoolForTransport(TransportProtocol protocol) {
        return workers;
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
        // The door ends its server and its threads itself.
    }

    @Override
    public void unregisterProxyServer(HttpProxyServer server, boolean graceful) {
        // As above.
    }

    /** Ends the door's own thread, and waits for that. */
    void end() {
        // What the closed connections to hosts still have to tell this door's connections comes from the shared
        // threads: a task
        // that a closing queued. The first round waits for the closings, the second for those tasks.
        for (int round = 0; round < 2; round++) {
            for (EventExecutor loop : shared.getProxyToServerWorkerPoolForTransport(TransportProtocol.TCP)) {
                loop.submit(() -> {}).awaitUninterruptibly(2, TimeUnit.SECONDS);
            }
        }
        Future<?> ended = workers.shutdownGracefully(0, 2, TimeUnit.SECONDS);
        ended.awaitUninterruptibly(5, TimeUnit.SECONDS);
    }

    private static final class Workers extends MultiThreadIoEventLoopGroup {
        private final Function<Integer, Gate> gate;
        private final AtomicInteger connections = new AtomicInteger();

        Workers(String name, Function<Integer, Gate> gate) {
            super(1, Thread.ofPlatform().daemon().name(name).factory(), NioIoHandler.newFactory());
            this.gate = gate;
        }

        @Override
        public ChannelFuture register(Channel channel) {
            Gate itsGate = gate.apply(connections.incrementAndGet());
            channel.closeFuture().addListener(closed -> connections.decrementAndGet());
            channel.pipeline().addLast(new Installer(itsGate));
            return super.register(channel);
        }
    }

    /** Puts the gate behind the decoder, once LittleProxy has put its handlers in, and goes. */
    private static final class Installer extends ChannelInboundHandlerAdapter {
        private final Gate gate;

        Installer(Gate gate) {
            this.gate = gate;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.pipeline().addAfter("decoder", "gate", gate);
            ctx.fireChannelActive();
            ctx.pipeline().remove(this);
        }
    }
}
