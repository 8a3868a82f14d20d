package dev.sallyport.egress;

import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Resolves names within a deadline. The system's resolver cannot be interrupted, and holds the carrier of a virtual thread for as
 * long as it takes: so it runs on a few threads of its own.
 */
final class Names implements AutoCloseable {
    private static final int THREADS = 16;
    private static final Logger LOG = LoggerFactory.getLogger(Names.class);

    private final Resolver resolver;
    private final Duration longest;
    private final ThreadPoolExecutor threads;

    Names(Resolver resolver, Duration longest) {
        this.resolver = resolver;
        this.longest = longest;
        threads = new ThreadPoolExecutor(
                THREADS,
                THREADS,
                5,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("egress-names-", 0).factory());
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * The addresses of port {@code port} of {@code host}.
     *
     * @throws UnknownHostException when it has none
     * @throws TimeoutException when that did not turn out in time
     * @throws InterruptedException when this thread was interrupted
     */
    List<InetSocketAddress> resolve(String host, int port)
            throws UnknownHostException, TimeoutException, InterruptedException {
        Future<List<InetSocketAddress>> answer = threads.submit(() -> resolver.resolve(host, port));
        try {
            return answer.get(longest.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownHostException unknown) {
                throw unknown;
            }
            throw new IllegalStateException("the resolver failed for " + host, e.getCause());
        }
    }

    /** Ends the threads; one that the system's resolver holds ends when it is let go. */
    @Override
    public void close() {
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(2, TimeUnit.SECONDS)) {
                LOG.info("{} lookups of names are still under way", threads.getActiveCount());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
