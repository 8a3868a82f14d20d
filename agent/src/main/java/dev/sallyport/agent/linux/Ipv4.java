package dev.sallyport.agent.linux;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An IPv4 address.
 *
 * @param bits its 32 bits, the first octet uppermost
 */
public record Ipv4(int bits) {
    private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private static final Pattern DOTTED = Pattern.compile(OCTET + "\\." + OCTET + "\\." + OCTET + "\\." + OCTET);
    private static final Pattern PREFIX = Pattern.compile("3[0-2]|[12]?[0-9]");

    /** No address, and the mask of prefix 0. */
    public static final Ipv4 ZERO = new Ipv4(0);

    /**
     * An address in a network.
     *
     * @param address the address
     * @param prefix the network's bits, 0 to 32
     */
    public record Net(Ipv4 address, int prefix) {
        /** Reads {@code A.B.C.D/PREFIX}; empty when it is of another form. */
        public static Optional<Net> of(String text) {
            int slash = text.indexOf('/');
            if (slash < 0 || !PREFIX.matcher(text.substring(slash + 1)).matches()) {
                return Optional.empty();
            }
            int prefix = Integer.parseInt(text.substring(slash + 1));
            return Ipv4.of(text.substring(0, slash)).map(address -> new Net(address, prefix));
        }

        /** The network's mask. */
        public Ipv4 mask() {
            return new Ipv4(prefix == 0 ? 0 : -1 << (32 - prefix));
        }
    }

    /** Reads {@code A.B.C.D}; empty when it is of another form. */
    public static Optional<Ipv4> of(String text) {
        Matcher octets = DOTTED.matcher(text);
        if (!octets.matches()) {
            return Optional.empty();
        }
        int bits = 0;
        for (int i = 1; i <= 4; i++) {
            bits = (bits << 8) | Integer.parseInt(octets.group(i));
        }
        return Optional.of(new Ipv4(bits));
    }

    @Override
    public String toString() {
        return (bits >>> 24) + "." + ((bits >>> 16) & 255) + "." + ((bits >>> 8) & 255) + "." + (bits & 255);
    }
}
