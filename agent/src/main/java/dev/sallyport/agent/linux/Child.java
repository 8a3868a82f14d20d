package dev.sallyport.agent.linux;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A running process and all that it started. It is waited for without being reaped until {@link #endAll}, so that the number
 * of its process group cannot come to name another's.
 */
public final class Child {
    private static final int BUFFER = 8192;

    private final Libc libc;
    private final int pid;
    private final Processes.Ends ends;
    private final Libc.Pipe wake;
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    private final Thread reader;
    private final @Nullable Thread controlReader;
    private final Object inputLock = new Object();
    private final Object endLock = new Object();
    private volatile OutputListener control = (bytes, length) -> {};
    private boolean inputOpen = true;
    private boolean ended;

    Child(Libc libc, int pid, Processes.Ends ends, OutputListener output) throws IOException {
        this.libc = libc;
        this.pid = pid;
        this.ends = ends;
        wake = libc.pipe();
        // Platform threads: they sit in system calls that know nothing of virtual threads.
        Thread.ofPlatform().daemon().name("wait-" + pid).start(this::awaitEnd);
        reader = Thread.ofPlatform().daemon().name("read-" + pid).start(() -> pump(ends.output(), output));
        controlReader = ends.control() < 0
                ? null
                : Thread.ofPlatform()
                        .daemon()
                        .name("control-" + pid)
                        .start(() -> pump(ends.control(), (bytes, length) -> control.output(bytes, length)));
    }

    /** Its process number, which is also its session's and its process group's. */
    public int pid() {
        return pid;
    }

    /** Where what it writes to descriptor 4 goes from now on ({@link Launch.Streams.Control}). */
    public void onControl(OutputListener listener) {
        control = listener;
    }

    /** Whether it has ended; its output may go on. */
    public boolean hasEnded() {
        return exit.isDone();
    }

    /** Has {@code action} done as soon as it has ended: at once when it has already, else by the thread that learns of it. */
    public void onEnd(Runnable action) {
        var _ = exit.whenComplete((code, thrown) -> action.run());
    }

    /**
     * Waits for its end.
     *
     * @return the exit code, or 128 + the signal that killed it
     */
    public int awaitExit() throws InterruptedException {
        try {
            return exit.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("process " + pid + " cannot be waited for", e);
        }
    }

    /**
     * Waits for its end.
     *
     * @return the exit code as {@link #awaitExit()}, or nothing when it still runs
     */
    public OptionalInt awaitExit(Duration atMost) throws InterruptedException {
        try {
            return OptionalInt.of(exit.get(atMost.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return OptionalInt.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("process " + pid + " cannot be waited for", e);
        }
    }

    /** Waits until its output has ended or {@code atMost} is over: a child of its own may hold it open. */
    public void awaitOutput(Duration atMost) throws InterruptedException {
        reader.join(atMost);
    }

    /**
     * Writes to its input.
     *
     * @throws IOException when it does not read any more
     */
    public void write(byte[] bytes) throws IOException {
        synchronized (inputLock) {
            if (!inputOpen) {
                throw new IOException("the input is closed");
            }
            libc.write(ends.input(), bytes);
        }
    }

    /** Ends its input; at a terminal by its end-of-file character. Doing so twice is harmless. */
    public void closeInput() throws IOException {
        synchronized (inputLock) {
            if (!inputOpen) {
                return;
            }
            inputOpen = false;
            if (ends.terminal()) {
                libc.write(ends.input(), new byte[] {4});
            } else {
                libc.close(ends.input());
            }
        }
    }

    /**
     * Ends it and everything that it started: its process group and session, and whatever carries {@code marker} in its
     * environment. First with TERM; what is left after {@code grace} with KILL. Doing so twice is harmless.
     *
     * @param marker an environment entry {@code NAME=VALUE} that it was started with; empty for none
     * @return the numbers of processes that could not be ended
     */
    public List<Integer> endAll(Duration grace, String marker) {
        synchronized (endLock) {
            if (ended) {
                return List.of();
            }
            ended = true;
            var family = new Family(libc, pid, marker);
            List<Integer> left = family.end(grace);
            try {
                if (!left.contains(pid)) {
                    exit.join();
                    libc.reap(pid);
                }
                libc.write(wake.writing(), new byte[] {1});
                closeEnds();
            } catch (IOException e) {
                throw new IllegalStateException("process " + pid + " cannot be put away", e);
            }
            return left;
        }
    }

    private void closeEnds() throws IOException {
        joinUninterruptibly(reader);
        if (controlReader != null) {
            joinUninterruptibly(controlReader);
        }
        synchronized (inputLock) {
            if (ends.terminal() || inputOpen) {
                libc.close(ends.input());
            }
            inputOpen = false;
        }
        if (!ends.terminal()) {
            libc.close(ends.output());
        }
        if (ends.control() >= 0) {
            libc.close(ends.control());
        }
        libc.close(wake.reading());
        libc.close(wake.writing());
    }

    /** The readers were woken and end at once; the descriptors must not be closed, and given out again, under them. */
    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitEnd() {
        try {
            exit.complete(libc.awaitEnd(pid));
        } catch (IOException e) {
            exit.completeExceptionally(e);
        }
    }

    private void pump(int descriptor, OutputListener listener) {
        byte[] buffer = new byte[BUFFER];
        try {
            while (libc.awaitReadable(descriptor, wake.reading())) {
                int length = libc.read(descriptor, buffer);
                if (length < 0) {
                    return;
                }
                listener.output(buffer, length);
            }
        } catch (IOException e) {
            throw new IllegalStateException("the output of process " + pid + " cannot be read", e);
        }
    }
}
