package dev.sallyport.egress;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;

/** Finds where a service of a name is. May block. */
@FunctionalInterface
interface Resolver {
    /**
     * The addresses of port {@code port} of {@code host}, at least one, the preferred first.
     *
     * @throws UnknownHostException when it has none
     */
    List<InetSocketAddress> resolve(String host, int port) throws UnknownHostException;

    /** As the system does it. */
    static Resolver system() {
        return (host, port) -> Arrays.stream(InetAddress.getAllByName(host))
                .map(address -> new InetSocketAddress(address, port))
                .toList();
    }
}
