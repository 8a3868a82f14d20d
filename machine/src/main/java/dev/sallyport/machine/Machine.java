package dev.sallyport.machine;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** A running machine. */
public interface Machine {
    /** Its specification. */
    MachineSpec spec();

    /** Where the host reaches its agent's HTTP port (8080 inside). */
    InetSocketAddress agent();

    /** Where the host reaches its agent's stream port (8081 inside). */
    InetSocketAddress streams();

    /** Its console, as it grows; it outlives the machine. */
    Console console();

    /** Whether its processors are at work; empty when that cannot be told, or no more. Never blocks for long. */
    Optional<Pulse> pulse();

    /** How it ended, once it has. Never blocks. */
    Optional<MachineExit> exit();

    /**
     * Waits until it ends by itself or is destroyed.
     *
     * @param atMost how long to wait
     * @return how it ended, or empty when it still runs
     * @throws InterruptedException when the calling thread is interrupted
     */
    Optional<MachineExit> awaitExit(Duration atMost) throws InterruptedException;

    /**
     * Ends it at once and undoes everything that was made for it, in reverse order, but for its console log. Doing so twice is harmless.
     *
     * @return the errors met on the way; empty when nothing is left
     */
    List<String> destroy();
}
