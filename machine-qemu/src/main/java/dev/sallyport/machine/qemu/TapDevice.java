package dev.sallyport.machine.qemu;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * Makes one TAP device by the kernel's own requests (netdevice(7), arp(7), the kernel's {@code networking/tuntap}): a program for each
 * of them would be most of the time that a machine's network takes.
 */
final class TapDevice {
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM = 2;

    // linux/if_tun.h
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETPERSIST = 0x400454cbL;
    private static final long TUNSETOWNER = 0x400454ccL;
    private static final short IFF_TAP = 2;
    private static final short IFF_NO_PI = 0x1000;

    // linux/sockios.h
    private static final int SIOCGIFFLAGS = 0x8913;
    private static final int SIOCSIFFLAGS = 0x8914;
    private static final int SIOCSIFADDR = 0x8916;
    private static final int SIOCSIFNETMASK = 0x891c;
    private static final int SIOCSIFHWADDR = 0x8924;
    private static final int SIOCSARP = 0x8955;

    private static final short IFF_UP = 1;
    private static final short ARPHRD_ETHER = 1;
    private static final int ATF_COM = 2;
    private static final int ATF_PERM = 4;

    /** struct ifreq: a name of 16 bytes, then a sockaddr or flags; 40 bytes in all. */
    private static final int IFREQ = 40;

    private static final int IFREQ_VALUE = 16;

    /** struct arpreq: two sockaddr of 16 bytes, flags, a mask, the device's name. */
    private static final int ARPREQ = 68;

    private static final int ARP_HARDWARE = 16;
    private static final int ARP_FLAGS = 32;
    private static final int ARP_DEVICE = 52;
    private static final int ADDRESS_IN_SOCKADDR = 4;
    private static final int HARDWARE_IN_SOCKADDR = 2;
    private static final long ROOT = 0;

    private static final byte[] MASK_OF_30_BITS = {-1, -1, -1, -4};

    private final String name;

    /** @param name at most fifteen characters */
    TapDevice(String name) {
        this.name = name;
    }

    /**
     * Makes it, persistent and root's own: what escapes from QEMU and is a common user then cannot open another machine's. It is down and
     * without addresses.
     */
    void make() throws IOException {
        int tun;
        try (Arena arena = Arena.ofConfined()) {
            tun = CLibrary.need("open", arena.allocateFrom("/dev/net/tun").address(), O_RDWR | O_CLOEXEC);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena);
            request.set(JAVA_SHORT, IFREQ_VALUE, (short) (IFF_TAP | IFF_NO_PI));
            CLibrary.need("ioctl", tun, TUNSETIFF, request.address());
            CLibrary.need("ioctl", tun, TUNSETOWNER, ROOT);
            CLibrary.need("ioctl", tun, TUNSETPERSIST, 1);
        } finally {
            CLibrary.call("close", tun);
        }
    }

    /**
     * Gives it its addresses, hardens it, and sets it up. It has them before it is up: the mask that a first address has by itself would
     * be a route for a moment.
     *
     * @param mac its own hardware address
     * @param host its own address, in a network of 30 bits
     * @param guest its machine's, at {@code guestMac}: nobody needs to ask for it
     */
    void setUp(String mac, Inet4Address host, Inet4Address guest, String guestMac) throws IOException {
        harden();
        int socket = CLibrary.need("socket", AF_INET, SOCK_DGRAM | O_CLOEXEC, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena);
            putHardware(request, IFREQ_VALUE, mac);
            CLibrary.need("ioctl", socket, SIOCSIFHWADDR, request.address());
            putAddress(request, IFREQ_VALUE, host.getAddress());
            CLibrary.need("ioctl", socket, SIOCSIFADDR, request.address());
            putAddress(request, IFREQ_VALUE, MASK_OF_30_BITS);
            CLibrary.need("ioctl", socket, SIOCSIFNETMASK, request.address());
            CLibrary.need("ioctl", socket, SIOCGIFFLAGS, request.address());
            request.set(JAVA_SHORT, IFREQ_VALUE, (short) (request.get(JAVA_SHORT, IFREQ_VALUE) | IFF_UP));
            CLibrary.need("ioctl", socket, SIOCSIFFLAGS, request.address());

            MemorySegment neighbour = arena.allocate(ARPREQ, 8);
            putAddress(neighbour, 0, guest.getAddress());
            putHardware(neighbour, ARP_HARDWARE, guestMac);
            neighbour.set(JAVA_INT, ARP_FLAGS, ATF_PERM | ATF_COM);
            neighbour.setString(ARP_DEVICE, name, StandardCharsets.US_ASCII);
            CLibrary.need("ioctl", socket, SIOCSARP, neighbour.address());
        } finally {
            CLibrary.call("close", socket);
        }
    }

    private MemorySegment request(Arena arena) {
        MemorySegment request = arena.allocate(IFREQ, 8);
        request.setString(0, name, StandardCharsets.US_ASCII);
        return request;
    }

    private static void putAddress(MemorySegment at, int offset, byte[] address) {
        at.set(JAVA_SHORT_UNALIGNED, offset, (short) AF_INET);
        MemorySegment.copy(MemorySegment.ofArray(address), 0, at, (long) offset + ADDRESS_IN_SOCKADDR, address.length);
    }

    private static void putHardware(MemorySegment at, int offset, String mac) {
        byte[] bytes = HexFormat.ofDelimiter(":").parseHex(mac);
        at.set(JAVA_SHORT_UNALIGNED, offset, ARPHRD_ETHER);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, at, (long) offset + HARDWARE_IN_SOCKADDR, bytes.length);
    }

    /** No IPv6, no source addresses from elsewhere, no answers for the host's other addresses, no routing. */
    private void harden() throws IOException {
        Path v4 = Path.of("/proc/sys/net/ipv4/conf", name);
        Path v6 = Path.of("/proc/sys/net/ipv6/conf", name);
        set(v4.resolve("rp_filter"), "1");
        set(v4.resolve("arp_ignore"), "1");
        set(v4.resolve("accept_redirects"), "0");
        set(v4.resolve("send_redirects"), "0");
        set(v4.resolve("forwarding"), "0");
        if (Files.exists(v6)) {
            set(v6.resolve("disable_ipv6"), "1");
        }
    }

    private static void set(Path setting, String value) throws IOException {
        Files.writeString(setting, value, StandardCharsets.US_ASCII);
    }
}
