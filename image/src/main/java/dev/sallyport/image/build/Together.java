package dev.sallyport.image.build;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Tasks side by side, each on a virtual thread. When one fails, or who waits is interrupted, the others are interrupted. */
final class Together implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CompletionService<Object> finished = new ExecutorCompletionService<>(threads);
    private int running;

    /** Starts tasks; their results are there after {@link #await}. */
    <T> List<Future<T>> start(List<Callable<T>> tasks) {
        List<Future<T>> futures = new ArrayList<>();
        for (Callable<T> task : tasks) {
            var future = new java.util.concurrent.FutureTask<T>(task);
            futures.add(future);
            finished.submit(() -> {
                future.run();
                return future.get();
            });
            running++;
        }
        return futures;
    }

    /**
     * Waits for all that was started.
     *
     * @throws FailureException the first failure
     * @throws InterruptedException when the thread is interrupted
     */
    void await() throws InterruptedException {
        for (; running > 0; running--) {
            try {
                finished.take().get();
            } catch (ExecutionException e) {
                throw failure(e);
            }
        }
    }

    private static FailureException failure(ExecutionException e) {
        Throwable thrown = e;
        while (thrown instanceof ExecutionException && thrown.getCause() != null) {
            thrown = thrown.getCause();
        }
        return thrown instanceof FailureException failure
                ? failure
                : new FailureException(
                        Cause.of(CauseCode.IMAGE_BUILD_FAILED, "A part could not be made: " + thrown), thrown);
    }

    /** Interrupts what still runs, and waits until it has ended. */
    @Override
    public void close() {
        threads.shutdownNow();
        threads.close();
    }
}
