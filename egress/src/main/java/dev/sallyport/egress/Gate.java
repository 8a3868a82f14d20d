package dev.sallyport.egress;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands in a connection between the decoder and LittleProxy, and holds each request back until it was decided about. LittleProxy
 * has no place for that: its filters run on the connection's event loop, where resolving a name would stop every other
 * connection. Lives on that event loop.
 */
final class Gate extends ChannelInboundHandlerAdapter {
    /** What was decided about the request that a connection is at. */
    static final AttributeKey<Decision.Go> DECISION = AttributeKey.valueOf(Gate.class, "decision");
    /** The target of the request that a connection was let through with last. */
    static final AttributeKey<Target> TARGET = AttributeKey.valueOf(Gate.class, "target");
    /** More parts of a request than this are not waited with: a CONNECT has two. */
    private static final int MAX_HELD = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Gate.class);

    private final Policy policy;
    private final Duration head;
    private final boolean overLimit;
    private final Deque<Object> held = new ArrayDeque<>();
    private boolean deciding;
    private @Nullable ScheduledFuture<?> deadline;

    /**
     * @param head longest time until a request is whole
     * @param overLimit true when the machine holds too many connections, and this one is only told so
     */
    Gate(Policy policy, Duration head, boolean overLimit) {
        this.policy = policy;
        this.head = head;
        this.overLimit = overLimit;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        ctx.fireChannelActive();
        if (overLimit) {
            stop(ctx, new Decision.Stop(503, "Too many connections", "This machine holds too many connections."));
        } else {
            deadline = ctx.executor().schedule(() -> end(ctx), head.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (deciding) {
            held.add(message);
            if (held.size() > MAX_HELD) {
                end(ctx);
            }
        } else if (message instanceof HttpRequest request) {
            requested(ctx, request);
        } else if (message instanceof HttpObject && overLimit) {
            ReferenceCountUtil.release(message);
        } else {
            // A tunnel's bytes, or the rest of a request that was let through.
            ctx.fireChannelRead(message);
        }
    }

    private void requested(ChannelHandlerContext ctx, HttpRequest request) {
        if (deadline != null) {
            deadline.cancel(false);
        }
        Target target = request.decoderResult().isFailure() ? null : Target.of(request);
        if (target == null) {
            ReferenceCountUtil.release(request);
            stop(
                    ctx,
                    new Decision.Stop(
                            400, "Bad Request", "The request is not one to a proxy, or its head is too long."));
            return;
        }
        deciding = true;
        held.add(request);
        ctx.channel().config().setAutoRead(false);
        Thread.ofVirtual().name("egress-decide").start(() -> decide(ctx, target));
    }

    private void decide(ChannelHandlerContext ctx, Target target) {
        Decision decision;
        try {
            decision = policy.decide(target);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        } catch (RuntimeException e) {
            LOG.error("Deciding about a request failed", e);
            decision = new Decision.Stop(500, "Internal Error", "The gateway failed.");
        }
        Decision decided = decision;
        try {
            ctx.executor().execute(() -> settle(ctx, decided));
        } catch (RejectedExecutionException e) {
            LOG.debug("The door was closed while a request was decided about", e);
        }
    }

    private void settle(ChannelHandlerContext ctx, Decision decision) {
        deciding = false;
        if (!ctx.channel().isActive()) {
            releaseHeld();
            return;
        }
        switch (decision) {
            case Decision.Stop stop -> {
                releaseHeld();
                stop(ctx, stop);
            }
            case Decision.Go go -> {
                // Before the request goes on: LittleProxy stops reading while it connects, and must have the last word.
                ctx.channel().config().setAutoRead(true);
                ctx.channel().attr(DECISION).set(go);
                ctx.channel().attr(TARGET).set(go.target());
                HttpRequest request = (HttpRequest) held.remove();
                ctx.fireChannelRead(DecidedRequest.of(request, go, policy));
                ReferenceCountUtil.release(request);
                while (!held.isEmpty()) {
                    ctx.fireChannelRead(held.remove());
                }
            }
        }
    }

    private static void stop(ChannelHandlerContext ctx, Decision.Stop stop) {
        ctx.writeAndFlush(Answers.of(stop)).addListener(ChannelFutureListener.CLOSE);
    }

    private static void end(ChannelHandlerContext ctx) {
        var _ = ctx.channel().close(); // Nothing is left to be done whether or not it succeeds.
    }

    private void releaseHeld() {
        while (!held.isEmpty()) {
            ReferenceCountUtil.release(held.remove());
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (deadline != null) {
            deadline.cancel(false);
        }
        if (!deciding) {
            releaseHeld();
        }
    }
}
