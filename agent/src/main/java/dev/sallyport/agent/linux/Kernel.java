package dev.sallyport.agent.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;

/** What only root asks of the kernel: who and when the machine is. Every method throws {@link IOException} with the kernel's words. */
public interface Kernel {
    /** Sets the clock of the day (clock_settime(2)). */
    void setClock(Instant now) throws IOException;

    /** Mixes secret bytes into the kernel's generator, and has it draw a new key from them at once (random(4)). */
    void reseed(byte[] entropy) throws IOException;

    /** Sets the host's name (sethostname(2)). */
    void setHostName(String name) throws IOException;

    /** Lets the calling thread go before all but {@link #softInterruptsFirst}, whenever it has something to do (sched_setscheduler(2), SCHED_RR). */
    void goFirst() throws IOException;

    /**
     * Lets what the network and the timers have brought go before everything. The kernel does more of it than fits into an interrupt in threads
     * of its own, {@code ksoftirqd}, which are as any other thread, so that what comes next waits until all with a higher priority
     * have nothing to do.
     */
    void softInterruptsFirst() throws IOException;

    /** Lets {@code target} be {@code source} (mount(2), MS_BIND). */
    void bind(Path source, Path target) throws IOException;

    /** Gives the interface its one address (netdevice(7)). */
    void setAddress(String device, Ipv4.Net address) throws IOException;

    /**
     * Lets all else be reached through {@code gateway}, in the place of any gateway before.
     *
     * @param direct whether the way to the gateway itself has to be told, as no network of the interface holds it
     */
    void setGateway(String device, Ipv4 gateway, boolean direct) throws IOException;
}
