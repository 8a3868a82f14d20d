package dev.sallyport.relay;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The kernel's calls that move bytes from one socket to another without copying them (Linux, 64 bits; man pages of section 2). Each is
 * called with the register image {@code long f(long × 6)}: arguments that a function does not take are not looked at.
 */
final class Sockets {
    static final int EAGAIN = 11;
    static final int EINTR = 4;

    /** SPLICE_F_MOVE and SPLICE_F_NONBLOCK. */
    private static final int SPLICE_FLAGS = 1 | 2;

    /** MSG_DONTWAIT, MSG_NOSIGNAL, and MSG_MORE: what follows belongs into the same segment. */
    private static final int SEND_FLAGS = 0x40 | 0x4000 | 0x8000;

    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int F_SETPIPE_SZ = 1031;
    private static final short AF_INET = 2;
    private static final short AF_INET6 = 10;
    private static final int ADDRESS_BYTES = 28;
    private static final byte[] MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1};

    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle SPLICE = function("splice");
    private static final MethodHandle SEND = function("send");
    private static final MethodHandle PIPE2 = function("pipe2");
    private static final MethodHandle FCNTL = function("fcntl");
    private static final MethodHandle CLOSE = function("close");
    private static final MethodHandle GETSOCKNAME = function("getsockname");
    private static final MethodHandle GETPEERNAME = function("getpeername");

    private Sockets() {}

    /** Where a call leaves its error number. */
    static MemorySegment errnoPlace(Arena arena) {
        return arena.allocate(CAPTURED);
    }

    /** Moves up to {@code most} bytes; the count, 0 at the end, or the negative error number. */
    static long splice(MemorySegment errno, int from, int to, long most) {
        return call(SPLICE, errno, from, 0, to, 0, most, SPLICE_FLAGS);
    }

    /** Sends what more will follow; the count, or the negative error number. */
    static long sendFirst(MemorySegment errno, int socket, MemorySegment bytes, long count) {
        return call(SEND, errno, socket, bytes.address(), count, SEND_FLAGS, 0, 0);
    }

    /**
     * A pipe's two ends, the one to read from first.
     *
     * @param bytes that it should hold; it holds fewer where the kernel does not allow as many
     */
    static int[] pipe(int bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            check("pipe2", call(PIPE2, errnoPlace(arena), ends.address(), O_NONBLOCK | O_CLOEXEC, 0, 0, 0, 0));
            int in = ends.getAtIndex(JAVA_INT, 1);
            call(FCNTL, errnoPlace(arena), in, F_SETPIPE_SZ, bytes, 0, 0, 0);
            return new int[] {ends.getAtIndex(JAVA_INT, 0), in};
        }
    }

    /** Closes a descriptor that {@link #pipe} or {@link #duplicate} made. */
    static void close(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            // Whatever close(2) answers, on Linux the descriptor is gone.
            call(CLOSE, errnoPlace(arena), descriptor, 0, 0, 0, 0, 0);
        }
    }

    /**
     * A descriptor of our own of a connected socket. Java does not tell its number: it is looked for by its two addresses, and looked at again
     * once it is ours, so that a number that was closed and given anew meanwhile is never taken for it.
     *
     * @throws IOException when the socket is not found, as when it is no longer connected
     */
    static int duplicate(SocketChannel channel) throws IOException {
        if (!(channel.getLocalAddress() instanceof InetSocketAddress local)
                || !(channel.getRemoteAddress() instanceof InetSocketAddress remote)) {
            throw new IOException("not a connected internet socket");
        }
        try (Arena arena = Arena.ofConfined();
                DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            MemorySegment errno = errnoPlace(arena);
            MemorySegment place = arena.allocate(ADDRESS_BYTES + JAVA_INT.byteSize(), JAVA_LONG.byteAlignment());
            for (Path path : descriptors) {
                int number = Integer.parseInt(path.getFileName().toString());
                if (!connects(errno, place, number, local, remote)) {
                    continue;
                }
                int own = (int) call(FCNTL, errno, number, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
                if (own >= 0) {
                    if (connects(errno, place, own, local, remote)) {
                        return own;
                    }
                    close(own);
                }
            }
        }
        throw new IOException("the socket is not among this process's descriptors");
    }

    private static boolean connects(
            MemorySegment errno, MemorySegment place, int socket, InetSocketAddress local, InetSocketAddress remote) {
        return is(GETSOCKNAME, errno, place, socket, local) && is(GETPEERNAME, errno, place, socket, remote);
    }

    private static boolean is(
            MethodHandle which, MemorySegment errno, MemorySegment place, int socket, InetSocketAddress wanted) {
        MemorySegment length = place.asSlice(ADDRESS_BYTES, JAVA_INT.byteSize());
        length.set(JAVA_INT, 0, ADDRESS_BYTES);
        if (call(which, errno, socket, place.address(), length.address(), 0, 0, 0) < 0) {
            return false;
        }
        int port = ((place.get(JAVA_BYTE, 2) & 0xff) << 8) | (place.get(JAVA_BYTE, 3) & 0xff);
        if (port != wanted.getPort()) {
            return false;
        }
        byte[] address = switch (place.get(JAVA_SHORT, 0)) {
            case AF_INET -> place.asSlice(4, 4).toArray(JAVA_BYTE);
            case AF_INET6 -> unmapped(place.asSlice(8, 16).toArray(JAVA_BYTE));
            default -> new byte[0];
        };
        return Arrays.equals(address, wanted.getAddress().getAddress());
    }

    private static byte[] unmapped(byte[] address) {
        return Arrays.equals(address, 0, MAPPED.length, MAPPED, 0, MAPPED.length)
                ? Arrays.copyOfRange(address, MAPPED.length, address.length)
                : address;
    }

    private static void check(String name, long result) throws IOException {
        if (result < 0) {
            throw new IOException(name + " failed with error " + -result);
        }
    }

    private static MethodHandle function(String name) {
        return Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow(name),
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                        Linker.Option.captureCallState("errno"));
    }

    /** What the function answers, or its error number made negative. Of an int only the lower half of the register counts. */
    private static long call(
            MethodHandle function, MemorySegment errno, long a, long b, long c, long d, long e, long f) {
        try {
            long result = (long) function.invokeExact(errno, a, b, c, d, e, f);
            return (int) result == -1 ? -(int) ERRNO.get(errno, 0L) : (int) result;
        } catch (Error | RuntimeException thrown) {
            throw thrown;
        } catch (Throwable thrown) {
            throw new IllegalStateException(thrown);
        }
    }
}
