package dev.sallyport.machine.qemu;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A range of IPv4 addresses, cut into networks of four: one's own address, the host's, the machine's, and the broadcast.
 *
 * @param base the first address as a number
 * @param length of the prefix, 8 to 30
 */
public record Subnet(int base, int length) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})/(\\d{1,2})");

    /** @throws IllegalArgumentException when the length is not from 8 to 30, or the address is not the range's first */
    public Subnet {
        if (length < 8 || length > 30) {
            throw new IllegalArgumentException("a subnet's length is 8 to 30, not " + length);
        }
        if ((base & ((1 << (32 - length)) - 1)) != 0) {
            throw new IllegalArgumentException("not the first address of a /" + length);
        }
    }

    /** @throws IllegalArgumentException when {@code text} is not of the form {@code 10.213.0.0/16} */
    public static Subnet parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not a subnet (such as 10.213.0.0/16)");
        }
        int base = 0;
        for (int i = 1; i <= 4; i++) {
            int octet = Integer.parseInt(matcher.group(i));
            if (octet > 255) {
                throw new IllegalArgumentException("not a subnet (such as 10.213.0.0/16)");
            }
            base = base << 8 | octet;
        }
        return new Subnet(base, Integer.parseInt(matcher.group(5)));
    }

    /** How many machines find room. */
    public int networks() {
        return 1 << (30 - length);
    }

    /** The host's address in one of the networks. */
    public Inet4Address host(int network) {
        return address(base + 4 * network + 1);
    }

    /** The machine's address in one of the networks. */
    public Inet4Address guest(int network) {
        return address(base + 4 * network + 2);
    }

    /** The network that an address is in, or -1 when it is in none of this range. */
    public int networkOf(InetAddress address) {
        if (!(address instanceof Inet4Address)) {
            return -1;
        }
        int number = 0;
        for (byte octet : address.getAddress()) {
            number = number << 8 | (octet & 0xff);
        }
        int offset = number - base;
        return offset >= 0 && offset < 4 * networks() ? offset / 4 : -1;
    }

    private static Inet4Address address(int number) {
        try {
            return (Inet4Address) InetAddress.getByAddress(
                    new byte[] {(byte) (number >> 24), (byte) (number >> 16), (byte) (number >> 8), (byte) number});
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are always an address", e);
        }
    }
}
