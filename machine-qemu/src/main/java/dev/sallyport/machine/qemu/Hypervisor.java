package dev.sallyport.machine.qemu;

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

/** A running QEMU process. */
sealed interface Hypervisor permits StartedHypervisor, FoundHypervisor {
    /** Completes with the exit code: 128 + the signal's number when it was killed, -1 when it is not told. */
    CompletableFuture<Integer> exit();

    /** Whether it is at work, see {@link ProcessPulse}; empty when it has ended. */
    Optional<Pulse> pulse();

    /** Memory that it holds, see {@link ProcessMemory}; empty when it has ended. */
    OptionalLong residentBytes();

    /** Says how it shares the processors, see {@link ProcessShare}. */
    void take(Share share);

    /** Its last lines. */
    List<String> lastLines();

    /** Waits until all that it said has been read; a child of it may hold the pipe open, so only so long. */
    void awaitOutput(Duration atMost) throws InterruptedException;

    /** Nothing of it is wanted any more. */
    void leave();
}
