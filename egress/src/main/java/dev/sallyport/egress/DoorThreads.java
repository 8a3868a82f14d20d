package dev.sallyport.egress;

import io.netty.channel.AbstractEventLoopGroup;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.util.Iterator;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
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

    /**
     * One event loop that is made when the machine connects for the first time: with its selector it costs two open files and some
     * twenty kilobytes, and most machines that wait for somebody want nothing of the world.
     */
    private static final class Workers extends AbstractEventLoopGroup {
        private final String name;
        private final Function<Integer, Gate> gate;
        private final AtomicInteger connections = new AtomicInteger();
        private final ReentrantLock lock = new ReentrantLock();
        private @Nullable EventLoopGroup loop;
        private boolean shut;

        Workers(String name, Function<Integer, Gate> gate) {
            this.name = name;
            this.gate = gate;
        }

        private EventLoopGroup loop() {
            lock.lock();
            try {
                EventLoopGroup made = loop;
                if (made == null) {
                    if (shut) {
                        throw new RejectedExecutionException("the door is closed");
                    }
                    made = new MultiThreadIoEventLoopGroup(
                            1, Thread.ofPlatform().daemon().name(name).factory(), NioIoHandler.newFactory());
                    loop = made;
                }
                return made;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public ChannelFuture register(Channel channel) {
            Gate itsGate = gate.apply(connections.incrementAndGet());
            channel.closeFuture().addListener(closed -> connections.decrementAndGet());
            channel.pipeline().addLast(new Installer(itsGate));
            return loop().register(channel);
        }

        @Override
        public ChannelFuture register(ChannelPromise promise) {
            return loop().register(promise);
        }

        @Override
        @Deprecated
        public ChannelFuture register(Channel channel, ChannelPromise promise) {
            return loop().register(channel, promise);
        }

        @Override
        public EventLoop next() {
            return loop().next();
        }

        @Override
        public Iterator<EventExecutor> iterator() {
            return loop().iterator();
        }

        @Override
        public Future<?> shutdownGracefully(long quiet, long timeout, TimeUnit unit) {
            lock.lock();
            try {
                shut = true;
                return loop == null
                        ? GlobalEventExecutor.INSTANCE.newSucceededFuture(null)
                        : loop.shutdownGracefully(quiet, timeout, unit);
            } finally {
                lock.unlock();
            }
        }

        @Override
        @Deprecated
        public void shutdown() {
            var _ = shutdownGracefully(0, 0, TimeUnit.SECONDS);
        }

        @Override
        public Future<?> terminationFuture() {
            lock.lock();
            try {
                if (loop != null) {
                    return loop.terminationFuture();
                }
                return shut
                        ? GlobalEventExecutor.INSTANCE.newSucceededFuture(null)
                        : GlobalEventExecutor.INSTANCE.newPromise();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean isShuttingDown() {
            lock.lock();
            try {
                return shut;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean isShutdown() {
            return isTerminated();
        }

        @Override
        public boolean isTerminated() {
            return terminationFuture().isDone();
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
            return terminationFuture().await(timeout, unit);
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
