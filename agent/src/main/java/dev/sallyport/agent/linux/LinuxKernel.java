package dev.sallyport.agent.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** The kernel that the agent runs on. */
public final class LinuxKernel implements Kernel {
    private static final int CLOCK_REALTIME = 0;
    private static final int MS_BIND = 0x1000;
    private static final int SCHED_RR = 2;
    private static final int THIS_THREAD = 0;
    /** Priorities of SCHED_RR, of which the higher goes first; all that is not of it comes after. */
    private static final int FIRST = 1;

    private static final int BEFORE_FIRST = 2;

    /** A processor's threads are made when it comes up. */
    private static final int MOST_EARLY_THREADS = 512;

    // linux/random.h
    private static final int RNDADDENTROPY = 0x40085203;
    private static final int RNDRESEEDCRNG = 0x5207;

    // linux/sockios.h
    private static final int SIOCADDRT = 0x890b;
    private static final int SIOCDELRT = 0x890c;
    private static final int SIOCSIFADDR = 0x8916;
    private static final int SIOCSIFNETMASK = 0x891c;

    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_CLOEXEC = 0x80000;

    /** struct ifreq: a name of 16 bytes, then a sockaddr; 40 bytes in all. */
    private static final int IFREQ = 40;

    private static final int IFREQ_ADDRESS = 16;
    private static final int NAME_MAX = 15;

    /** struct rtentry. */
    private static final int RTENTRY = 120;

    private static final int RT_DESTINATION = 8;
    private static final int RT_GATEWAY = 24;
    private static final int RT_MASK = 40;
    private static final int RT_FLAGS = 56;
    private static final int RT_DEVICE = 88;
    private static final short RTF_UP = 1;
    private static final short RTF_GATEWAY = 2;
    private static final short RTF_HOST = 4;

    private static final java.lang.foreign.ValueLayout.OfInt NETWORK_INT =
            JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Libc libc = new Libc();

    @Override
    public void setClock(Instant now) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_LONG, 2);
            time.setAtIndex(JAVA_LONG, 0, now.getEpochSecond());
            time.setAtIndex(JAVA_LONG, 1, now.getNano());
            CLibrary.need("clock_settime", CLOCK_REALTIME, time.address());
        }
    }

    @Override
    public void reseed(byte[] entropy) throws IOException {
        int device = libc.open("/dev/urandom", Libc.O_WRONLY, 0);
        try (Arena arena = Arena.ofConfined()) {
            // struct rand_pool_info { int entropy_count (bits); int buf_size (bytes); __u32 buf[]; }
            MemorySegment pool = arena.allocate(8L + entropy.length, 8);
            pool.set(JAVA_INT_UNALIGNED, 0, entropy.length * 8);
            pool.set(JAVA_INT_UNALIGNED, 4, entropy.length);
            MemorySegment.copy(entropy, 0, pool, JAVA_BYTE, 8, entropy.length);
            CLibrary.need("ioctl", device, RNDADDENTROPY, pool.address());
            CLibrary.need("ioctl", device, RNDRESEEDCRNG, 0);
        } finally {
            libc.close(device);
        }
    }

    @Override
    public void setHostName(String name) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(JAVA_BYTE, bytes);
            CLibrary.need("sethostname", text.address(), bytes.length);
        }
    }

    @Override
    public void goFirst() throws IOException {
        schedule(THIS_THREAD, FIRST);
    }

    @Override
    public void softInterruptsFirst() throws IOException {
        int found = 0;
        for (int thread = 2;
                thread < MOST_EARLY_THREADS && found < Runtime.getRuntime().availableProcessors();
                thread++) {
            Path name = Path.of("/proc", Integer.toString(thread), "comm");
            if (Files.exists(name) && Files.readString(name).startsWith("ksoftirqd/")) {
                schedule(thread, BEFORE_FIRST);
                found++;
            }
        }
        if (found == 0) {
            throw new IOException("there is no ksoftirqd among the kernel's first threads");
        }
    }

    private void schedule(int thread, int priority) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            // struct sched_param { int sched_priority; };
            MemorySegment parameter = arena.allocate(JAVA_INT_UNALIGNED);
            parameter.set(JAVA_INT_UNALIGNED, 0, priority);
            CLibrary.need("sched_setscheduler", thread, SCHED_RR, parameter.address());
        }
    }

    @Override
    public void bind(Path source, Path target) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            CLibrary.need(
                    "mount",
                    arena.allocateFrom(source.toString()).address(),
                    arena.allocateFrom(target.toString()).address(),
                    0,
                    MS_BIND,
                    0);
        }
    }

    @Override
    public void setAddress(String device, Ipv4.Net address) throws IOException {
        try (Arena arena = Arena.ofConfined();
                var socket = new Socket()) {
            MemorySegment request = request(arena, device);
            put(request, IFREQ_ADDRESS, address.address());
            CLibrary.need("ioctl", socket.descriptor, SIOCSIFADDR, request.address());
            put(request, IFREQ_ADDRESS, address.mask());
            CLibrary.need("ioctl", socket.descriptor, SIOCSIFNETMASK, request.address());
        }
    }

    @Override
    public void setGateway(String device, Ipv4 gateway, boolean direct) throws IOException {
        try (Arena arena = Arena.ofConfined();
                var socket = new Socket()) {
            MemorySegment all = route(arena, device, Ipv4.ZERO, Ipv4.ZERO);
            all.set(JAVA_SHORT, RT_FLAGS, RTF_UP);
            CLibrary.Result gone;
            do {
                gone = CLibrary.call("ioctl", socket.descriptor, SIOCDELRT, all.address());
            } while (gone.status() == 0);
            if (gone.errno() != Libc.ESRCH) {
                throw CLibrary.error("SIOCDELRT", gone.errno());
            }
            if (direct) {
                MemorySegment there = route(arena, device, gateway, new Ipv4(-1));
                there.set(JAVA_SHORT, RT_FLAGS, (short) (RTF_UP | RTF_HOST));
                add(socket, there);
            }
            put(all, RT_GATEWAY, gateway);
            all.set(JAVA_SHORT, RT_FLAGS, (short) (RTF_UP | RTF_GATEWAY));
            add(socket, all);
        }
    }

    private void add(Socket socket, MemorySegment route) throws IOException {
        CLibrary.Result result = CLibrary.call("ioctl", socket.descriptor, SIOCADDRT, route.address());
        if (result.status() == -1 && result.errno() != Libc.EEXIST) {
            throw CLibrary.error("SIOCADDRT", result.errno());
        }
    }

    private static MemorySegment route(Arena arena, String device, Ipv4 destination, Ipv4 mask) throws IOException {
        MemorySegment route = arena.allocate(RTENTRY, 8);
        put(route, RT_DESTINATION, destination);
        put(route, RT_MASK, mask);
        route.set(JAVA_LONG, RT_DEVICE, arena.allocateFrom(checked(device)).address());
        return route;
    }

    private static MemorySegment request(Arena arena, String device) throws IOException {
        MemorySegment request = arena.allocate(IFREQ, 8);
        request.setString(0, checked(device), StandardCharsets.US_ASCII);
        return request;
    }

    private static String checked(String device) throws IOException {
        if (device.isEmpty() || device.length() > NAME_MAX) {
            throw new IOException("there is no interface of the name '" + device + "'");
        }
        return device;
    }

    /** struct sockaddr_in: the family in the processor's order, a port, the address in the network's order. */
    private static void put(MemorySegment at, int offset, Ipv4 address) {
        at.set(JAVA_SHORT, offset, (short) AF_INET);
        at.set(NETWORK_INT, offset + 4L, address.bits());
    }

    /** Any socket of the family: the requests are not about it. */
    private final class Socket implements AutoCloseable {
        private final int descriptor;

        Socket() throws IOException {
            descriptor = CLibrary.need("socket", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        }

        @Override
        public void close() {
            libc.close(descriptor);
        }
    }
}
