package dev.sallyport.machine.qemu;

import dev.sallyport.machine.ProcessIdentity;
import dev.sallyport.machine.ProcessMemory;
import dev.sallyport.machine.ProcessPulse;
import dev.sallyport.machine.ProcessShare;
import dev.sallyport.machine.Pulse;
import dev.sallyport.machine.Share;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** A QEMU that an earlier process started: no child of ours, so its exit code and its words go elsewhere. */
final class FoundHypervisor implements Hypervisor {
    /** So often it is looked at while its monitor's connection stands, which is what tells of an end. */
    private static final Duration LOOK = Duration.ofSeconds(1);
    /** So often while an ending process is not yet gone. */
    private static final Duration SOON = Duration.ofMillis(10);

    private final ProcessHandle process;
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    private final Thread watch;

    /**
     * @param process taken before {@code identity} was last seen alive
     * @param identity the same process
     * @param monitor a connection that ends with it
     */
    FoundHypervisor(ProcessHandle process, ProcessIdentity identity, QmpClient monitor) {
        this.process = process;
        this.watch = Thread.ofVirtual().name("end of " + identity.marker()).start(() -> watch(identity, monitor));
    }

    private void watch(ProcessIdentity identity, QmpClient monitor) {
        try {
            Duration pause = SOON;
            // Not by ProcessHandle.onExit(), which looks every five seconds, and takes a zombie that nobody waits for
            // as alive.
            while (identity.alive()) {
                if (monitor.awaitEnd(LOOK)) {
                    Thread.sleep(pause);
                    pause = pause.compareTo(LOOK) < 0 ? pause.multipliedBy(2) : LOOK;
                }
            }
            exit.complete(-1);
        } catch (InterruptedException e) {
            // It was left: nothing is told.
        }
    }

    /** Whether a process is gone within a time, looked at in short intervals: the end of what is no child is not told. */
    static boolean ends(ProcessIdentity identity, Duration atMost) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (identity.alive()) {
            if (System.nanoTime() >= deadline) {
                return false;
            }
            Thread.sleep(SOON);
        }
        return true;
    }

    @Override
    public CompletableFuture<Integer> exit() {
        return exit;
    }

    @Override
    public Optional<Pulse> pulse() {
        return ProcessPulse.of(process);
    }

    @Override
    public OptionalLong residentBytes() {
        return ProcessMemory.of(process);
    }

    @Override
    public void take(Share share) {
        ProcessShare.set(process, share);
    }

    @Override
    public List<String> lastLines() {
        return List.of(
                "QEMU ended; an earlier process had started it, so its exit code and its last words are not known");
    }

    @Override
    public void awaitOutput(Duration atMost) {}

    @Override
    public void leave() {
        watch.interrupt();
    }
}
