package dev.sallyport.egress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufHolder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.AttributeKey;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.littleshoot.proxy.TransportProtocol;
import org.littleshoot.proxy.impl.ServerGroup;

/**
 * One machine's connections, and the thread that serves them: one of its own, so that no machine can slow another. It is made when the
 * machine connects for the first time: with its selector it costs two open files and some twenty kilobytes, and most machines that
 * wait for somebody want nothing of the world.
 */
final class DoorThread {
    /** By what a connection's requests are decided. */
    static final AttributeKey<Policy> POLICY = AttributeKey.valueOf(DoorThread.class, "policy");

    private final String name;
    private final ServerGroup shared;
    private final Policy policy;
    private final EgressSettings settings;
    private final LongAdder sent = new LongAdder();
    private final LongAdder received = new LongAdder();
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable EventLoopGroup loop;
    private boolean shut;

    /**
     * @param name of the thread
     * @param shared the gateway's threads, which outlive the door
     * @param policy what the machine may reach
     */
    DoorThread(String name, ServerGroup shared, Policy policy, EgressSettings settings) {
        this.name = name;
        this.shared = shared;
        this.policy = policy;
        this.settings = settings;
    }

    EgressGateway.Traffic traffic() {
        return new EgressGateway.Traffic(sent.sum(), received.sum(), connections.size());
    }

    /** Takes a connection of the machine, which has the proxy's handlers but for its gate; refused when the door is shut. */
    ChannelFuture register(Channel channel) {
        lock.lock();
        try {
            if (shut) {
                return refused(channel);
            }
            EventLoopGroup made = loop;
            if (made == null) {
                made = new MultiThreadIoEventLoopGroup(
                        1, Thread.ofPlatform().daemon().name(name).factory(), NioIoHandler.newFactory());
                loop = made;
            }
            connections.add(channel);
            channel.attr(POLICY).set(policy);
            boolean overLimit = connections.size() > settings.connectionsPerMachine();
            channel.pipeline().addLast(new Installer(new Gate(policy, settings.head(), overLimit)));
            return made.register(channel);
        } finally {
            lock.unlock();
        }
    }

    /** Ends a connection that is nobody's. */
    static ChannelFuture refused(Channel channel) {
        channel.unsafe().closeForcibly();
        return new DefaultChannelPromise(channel, GlobalEventExecutor.INSTANCE)
                .setFailure(new IOException("the door is shut"));
    }

    /** Ends all connections, and the thread, and waits for that. */
    void end() {
        EventLoopGroup ending;
        lock.lock();
        try {
            shut = true;
            ending = loop;
        } finally {
            lock.unlock();
        }
        if (ending == null) {
            return;
        }
        connections.close().awaitUninterruptibly(2, TimeUnit.SECONDS);
        // What is told of a connection's end comes after it: to the connections to hosts, by tasks of this thread; and
        // from those
        // back, by tasks of the shared threads: one that a closing queued. The first round waits for the closings, the
        // second for
        // those tasks.
        pass(ending);
        for (int round = 0; round < 2; round++) {
            pass(shared.getProxyToServerWorkerPoolForTransport(TransportProtocol.TCP));
        }
        Future<?> ended = ending.shutdownGracefully(0, 2, TimeUnit.SECONDS);
        ended.awaitUninterruptibly(5, TimeUnit.SECONDS);
    }

    private static void pass(EventLoopGroup group) {
        for (EventExecutor thread : group) {
            thread.submit(() -> {}).awaitUninterruptibly(2, TimeUnit.SECONDS);
        }
    }

    /** Puts the gate behind the decoder, and the counting before all, once LittleProxy has put its handlers in, and goes. */
    private final class Installer extends ChannelInboundHandlerAdapter {
        private final Gate gate;

        Installer(Gate gate) {
            this.gate = gate;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.pipeline().addFirst("traffic", new Counter());
            ctx.pipeline().addAfter("decoder", "gate", gate);
            ctx.fireChannelActive();
            ctx.pipeline().remove(this);
        }
    }

    /** Counts what a machine sends and gets. */
    private final class Counter extends ChannelDuplexHandler {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            sent.add(bytes(message));
            ctx.fireChannelRead(message);
        }

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            received.add(bytes(message));
            if (policy.hasTold() && isFromItsHost(ctx)) {
                policy.reached(ctx.channel().attr(Gate.TARGET).get().toString());
            }
            var _ = ctx.write(message, promise); // The promise tells.
        }

        /** A tunnel has no encoder any more: what goes through it then are the host's own bytes, where no other proxy is between. */
        private boolean isFromItsHost(ChannelHandlerContext ctx) {
            return settings.upstream().isEmpty() && ctx.pipeline().get("encoder") == null;
        }

        private static long bytes(Object message) {
            return switch (message) {
                case ByteBuf bytes -> bytes.readableBytes();
                case ByteBufHolder holder -> holder.content().readableBytes();
                default -> 0;
            };
        }
    }
}
