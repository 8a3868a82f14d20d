package dev.sallyport.machine;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

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

    /**
     * What {@link MachineDriver#adopt} needs to find and reach it again, as a small JSON text without secrets; the same for its
     * whole life. Whoever wants it to outlive this process writes it down.
     */
    String handle();

    /** Whether its processors are at work; empty when that cannot be told, or no more. Never blocks for long. */
    Optional<Pulse> pulse();

    /**
     * Memory of the host that its processes hold now, in bytes: shared pages count by their share where the host tells it. Empty
     * when it is not known, or no more. Cheap enough to be asked each second.
     */
    OptionalLong residentBytes();

    /**
     * Says how it shares its host's processors from now on. A new one is {@link Share#USUAL}; of one that was adopted it is not known. A
     * hint: a driver that has no say does nothing, and so does one that has ended or was left.
     */
    default void take(Share share) {}

    /**
     * Makes the template for which it was started ({@link Origin.ForTemplate}) of what it is now, and stops it for good: what remains
     * to be done with it is {@link #destroy()}, which leaves the template.
     *
     * @throws dev.sallyport.model.FailureException {@code TEMPLATE_FAILED} with the hypervisor's words when it cannot be made,
     *     {@code DISK_FULL} when there is no room for it
     * @throws IllegalStateException when it was not started for one
     * @throws InterruptedException when the calling thread is interrupted; the template is not whole then
     */
    default void snapshot() throws InterruptedException {
        throw new IllegalStateException(spec().id() + " was not started for a template");
    }

    /** How it ended, once it has. Never blocks; empty for ever once the machine was left while it ran. */
    Optional<MachineExit> exit();

    /**
     * Waits until it ends by itself or is destroyed. Of a machine that was left nothing is told: the wait takes all of its time
     * and ends with nothing, as for one that runs.
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

    /**
     * Lets go of it without ending it: this process's connections to it are closed, its console is no longer read, and it runs on;
     * nothing is undone and the ledger is as it was. Its door is its opener's to close. Afterwards {@link #exit()} and
     * {@link #awaitExit} tell nothing, pulse and memory are empty, {@link #destroy()} does nothing but say so as its error, and the
     * object is only good for being forgotten; {@link #handle()} still answers. Doing so twice is harmless, and so is leaving one
     * that has ended.
     */
    void leave();
}
