package dev.sallyport.machine.qemu;

import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** The rules' being right around a machine's network, which nothing of the machine may run before. */
final class Guard {
    /** Where there is nothing to wait for. */
    static final Guard THERE = new Guard(CompletableFuture.completedFuture(Optional.empty()));

    private final CompletableFuture<Optional<String>> refusal;

    /** @param refusal why they cannot be; empty when they are right */
    Guard(CompletableFuture<Optional<String>> refusal) {
        this.refusal = refusal;
    }

    /**
     * Looks whether the rules are right, and has them put right in a thread of its own if they are not. The lock is let go of when they
     * are: until then nobody takes them away again.
     *
     * @param lock held; this has it from here on
     */
    static Guard of(TapRules rules, NetworkLock lock) throws IOException {
        if (!rules.areRight()) {
            return beside(rules, lock);
        }
        lock.release();
        return THERE;
    }

    static Guard beside(TapRules rules, NetworkLock lock) {
        var refusal = new CompletableFuture<Optional<String>>();
        Thread.ofVirtual().name("rules").start(() -> {
            try {
                refusal.complete(write(rules, lock));
            } catch (RuntimeException e) {
                refusal.completeExceptionally(e);
            }
        });
        return new Guard(refusal);
    }

    private static Optional<String> write(TapRules rules, NetworkLock lock) {
        try {
            try {
                rules.write();
            } finally {
                lock.release();
            }
            return Optional.empty();
        } catch (TapNetworks.RefusedException | IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            return Optional.of("writing its rules was interrupted");
        }
    }

    /**
     * Waits for it.
     *
     * @throws TapNetworks.RefusedException with the reason when the rules cannot be
     * @throws FailureException when the program that writes them cannot be run
     * @throws InterruptedException when the calling thread is interrupted; the rules are written all the same
     */
    void await() throws TapNetworks.RefusedException, InterruptedException {
        try {
            Optional<String> reason = refusal.get();
            if (reason.isPresent()) {
                throw new TapNetworks.RefusedException(reason.get());
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof FailureException named
                    ? named
                    : new IllegalStateException("the rules met a defect", e.getCause());
        }
    }
}
