package dev.sallyport.egress;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Arrays;

/** Which addresses a name may resolve to: those of the public internet (the registries of RFC 6890), and none of this host's. */
final class AddressRules {
    private AddressRules() {}

    /** True when {@code address} is one of the public internet, and not one of this host. */
    static boolean isPublic(InetAddress address) {
        return isGlobal(address) && !isOurs(address);
    }

    private static boolean isOurs(InetAddress address) {
        try {
            return NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            return true; // Not to be told: the careful answer.
        }
    }

    /** True when {@code address} is not set aside for any special purpose. */
    static boolean isGlobal(InetAddress address) {
        if (address.isAnyLocalAddress()
                || address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()) {
            return false;
        }
        byte[] bytes = address.getAddress();
        return switch (address) {
            case Inet4Address _ -> isGlobal4(bytes);
            case Inet6Address _ -> isGlobal6(bytes);
            default -> false;
        };
    }

    private static boolean isGlobal4(byte[] a) {
        int b0 = a[0] & 0xff;
        int b1 = a[1] & 0xff;
        int b2 = a[2] & 0xff;
        boolean special = b0 == 0 // this network
                || (b0 == 100 && (b1 & 0xc0) == 64) // carriers' translation (RFC 6598), and some clouds' metadata
                || (b0 == 192 && b1 == 0 && b2 == 0) // protocol assignments
                || (b0 == 192 && b1 == 0 && b2 == 2) // documentation
                || (b0 == 192 && b1 == 88 && b2 == 99) // relays to IPv6, withdrawn
                || (b0 == 198 && (b1 & 0xfe) == 18) // benchmarks
                || (b0 == 198 && b1 == 51 && b2 == 100) // documentation
                || (b0 == 203 && b1 == 0 && b2 == 113) // documentation
                || (b0 == 168
                        && b1 == 63
                        && b2 == 129
                        && (a[3] & 0xff) == 16) // a cloud's services, on a public address
                || b0 >= 240; // reserved, broadcast
        return !special;
    }

    private static boolean isGlobal6(byte[] a) {
        if ((a[0] & 0xe0) != 0x20) { // Only 2000::/3 is global unicast; 64:ff9b::/96 leads to IPv4.
            return isPrefix(a, 0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0) && isGlobalEmbedded(a, 12);
        }
        if (isPrefix(a, 0x20, 0x02)) { // 6to4
            return isGlobalEmbedded(a, 2);
        }
        return !isPrefix(a, 0x20, 0x01, 0x0d, 0xb8) // documentation
                && !(isPrefix(a, 0x20, 0x01) && (a[2] & 0xfe) == 0) // 2001::/23: Teredo and other protocols
                && !(isPrefix(a, 0x3f, 0xff) && (a[2] & 0xf0) == 0); // documentation
    }

    private static boolean isPrefix(byte[] address, int... prefix) {
        for (int i = 0; i < prefix.length; i++) {
            if ((address[i] & 0xff) != prefix[i]) {
                return false;
            }
        }
        return true;
    }

    private static boolean isGlobalEmbedded(byte[] address, int from) {
        try {
            return isGlobal(InetAddress.getByAddress(Arrays.copyOfRange(address, from, from + 4)));
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }
}
