package dev.sallyport.agent;

import dev.sallyport.agent.linux.Ipv4;
import java.util.Optional;

/**
 * The machine's way out as its programs know it: by a name that stays while the address behind it may change, as Chromium is started in
 * a template, and each clone has a gateway of its own. {@code /etc/hosts} says what the address is.
 *
 * @param host its IPv4 address
 * @param port its port
 */
public record Gateway(Ipv4 host, int port) {
    /** Its name inside the machine. */
    public static final String NAME = "sallyport-gateway";

    /** Reads the fact {@code proxy}; empty when it is not {@code A.B.C.D:PORT}. */
    public static Optional<Gateway> of(String proxy) {
        int colon = proxy.lastIndexOf(':');
        String port = proxy.substring(colon + 1);
        if (colon < 0 || !port.matches("[1-9][0-9]{0,4}") || Integer.parseInt(port) > 65535) {
            return Optional.empty();
        }
        return Ipv4.of(proxy.substring(0, colon)).map(host -> new Gateway(host, Integer.parseInt(port)));
    }

    /** What programs are given as {@code HOST:PORT}: the name where the fact has an address, else what the fact says. */
    public static String name(String proxy) {
        return of(proxy).map(gateway -> NAME + ":" + gateway.port()).orElse(proxy);
    }
}
