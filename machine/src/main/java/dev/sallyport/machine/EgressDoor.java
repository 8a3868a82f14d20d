package dev.sallyport.machine;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Opens the one way by which a machine reaches the world: an HTTP proxy of its own on the host. */
@FunctionalInterface
public interface EgressDoor {
    /**
     * Opens the gateway for this machine.
     *
     * @param address the host's address that the machine, or what forwards for it, connects to
     * @param port the port, or 0 for any
     * @return where it listens now
     * @throws IOException when it cannot listen there
     */
    InetSocketAddress open(InetAddress address, int port) throws IOException;
}
