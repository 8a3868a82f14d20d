package dev.sallyport.agent.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The C library's functions that Java has no words for (Linux, 64 bits; man pages of sections 2 and 3). Every function is
 * called with the register image {@code long f(long × 6)}: in the calling conventions of x86-64 (System V) and AArch64
 * integers and pointers travel in the same registers whatever their width, and arguments that a function does not take are
 * not looked at. One shape means that the JVM spins the code of one downcall rather than of twenty, which is what starting
 * quickly depends on.
 */
final class Libc {
    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_WRONLY = 1;
    static final int O_CREAT = 0x40;
    static final int O_EXCL = 0x80;
    static final int O_NOCTTY = 0x100;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x80000;
    static final int SIGKILL = 9;
    static final int SIGTERM = 15;
    static final int EINTR = 4;
    static final int EIO = 5;
    static final int ESRCH = 3;
    static final int EEXIST = 17;

    private static final int AT_FDCWD = -100;
    private static final int TIOCSWINSZ = 0x5414;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int P_PID = 1;
    private static final int WEXITED = 4;
    private static final int WNOWAIT = 0x1000000;
    private static final int CLD_EXITED = 1;
    private static final short POLLIN = 1;
    private static final int PATH_MAX = 4096;

    /** Descriptors handed to children come from here upwards, out of the way of the numbers that they get there. */
    private static final int LEAST_OWN_DESCRIPTOR = 32;

    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private final MethodHandle downcall =
            Linker.nativeLinker().downcallHandle(SHAPE, Linker.Option.captureCallState("errno"));
    private final SymbolLookup symbols = Linker.nativeLinker().defaultLookup();

    /** What a call returned and the error number that it left. */
    record Result(long value, int errno) {
        int status() {
            return (int) value;
        }
    }

    /** Calls {@code name}. */
    Result call(String name, long... arguments) {
        long[] six = java.util.Arrays.copyOf(arguments, 6);
        MemorySegment function =
                symbols.find(name).orElseThrow(() -> new IllegalStateException("the C library has no " + name));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment captured = arena.allocate(CAPTURED);
            long value =
                    (long) downcall.invokeExact(function, captured, six[0], six[1], six[2], six[3], six[4], six[5]);
            return new Result(value, (int) ERRNO.get(captured, 0L));
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a downcall throws nothing of its own", e);
        }
    }

    /** Calls a function that returns an {@code int}, -1 on an error. */
    int need(String name, long... arguments) throws IOException {
        Result result = call(name, arguments);
        if (result.status() == -1) {
            throw error(name, result.errno());
        }
        return result.status();
    }

    /** Calls a function that returns an error number, 0 for none. */
    void needZero(String name, long... arguments) throws IOException {
        int status = call(name, arguments).status();
        if (status != 0) {
            throw error(name, status);
        }
    }

    IOException error(String name, int errno) {
        long text = call("strerror", errno).value();
        String words = text == 0
                ? "error " + errno
                : MemorySegment.ofAddress(text).reinterpret(256).getString(0);
        return new IOException(name + ": " + words);
    }

    /** A pipe whose ends are closed on exec. */
    Pipe pipe() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            need("pipe2", ends.address(), O_CLOEXEC);
            int reading = high(ends.getAtIndex(JAVA_INT, 0));
            int writing = high(ends.getAtIndex(JAVA_INT, 1));
            return new Pipe(reading, writing);
        }
    }

    record Pipe(int reading, int writing) {}

    private int high(int descriptor) throws IOException {
        if (descriptor >= LEAST_OWN_DESCRIPTOR) {
            return descriptor;
        }
        try {
            return need("fcntl", descriptor, F_DUPFD_CLOEXEC, LEAST_OWN_DESCRIPTOR);
        } finally {
            close(descriptor);
        }
    }

    /** The master of a fresh pseudo-terminal, unlocked. */
    int openPty() throws IOException {
        int master = high(need("posix_openpt", O_RDWR | O_NOCTTY | O_CLOEXEC));
        try {
            need("grantpt", master);
            need("unlockpt", master);
            return master;
        } catch (IOException e) {
            close(master);
            throw e;
        }
    }

    String ptyName(int master) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(PATH_MAX);
            needZero("ptsname_r", master, name.address(), PATH_MAX);
            return name.getString(0);
        }
    }

    /** ioctl_tty(2): {@code struct winsize} is four shorts, of which the last two, pixels, are not used. */
    void windowSize(int terminal, int rows, int columns) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, 4);
            size.setAtIndex(ValueLayout.JAVA_SHORT, 0, (short) rows);
            size.setAtIndex(ValueLayout.JAVA_SHORT, 1, (short) columns);
            need("ioctl", terminal, TIOCSWINSZ, size.address());
        }
    }

    void close(int descriptor) {
        // Linux frees the descriptor whatever close(2) returns, and the data's fate was told by write(2) or fsync(2).
        call("close", descriptor);
    }

    int open(String path, int flags, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return need("openat", AT_FDCWD, arena.allocateFrom(path).address(), flags | O_CLOEXEC, mode);
        }
    }

    void makeFifo(String path, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            need("mkfifo", arena.allocateFrom(path).address(), mode);
        }
    }

    void chown(String path, int uid, int gid) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            need("lchown", arena.allocateFrom(path).address(), uid, gid);
        }
    }

    void chmod(String path, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            need("chmod", arena.allocateFrom(path).address(), mode);
        }
    }

    /**
     * Waits until {@code reading} has something or {@code wake} has.
     *
     * @return true when {@code wake} has nothing: {@code reading} is readable or at its end
     */
    boolean awaitReadable(int reading, int wake) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            // struct pollfd { int fd; short events; short revents; }
            MemorySegment both = arena.allocate(16, 4);
            both.set(JAVA_INT, 0, reading);
            both.set(ValueLayout.JAVA_SHORT, 4, POLLIN);
            both.set(JAVA_INT, 8, wake);
            both.set(ValueLayout.JAVA_SHORT, 12, POLLIN);
            while (true) {
                Result result = call("poll", both.address(), 2, -1);
                if (result.status() > 0) {
                    return both.get(ValueLayout.JAVA_SHORT, 14) == 0;
                }
                if (result.errno() != EINTR) {
                    throw error("poll", result.errno());
                }
            }
        }
    }

    /** Reads what is there; -1 at the end. A pseudo-terminal ends with EIO when its last user is gone. */
    int read(int descriptor, byte[] into) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(into.length);
            while (true) {
                Result result = call("read", descriptor, buffer.address(), into.length);
                if (result.value() > 0) {
                    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, 0, (int) result.value());
                    return (int) result.value();
                }
                if (result.value() == 0 || result.errno() == EIO) {
                    return -1;
                }
                if (result.errno() != EINTR) {
                    throw error("read", result.errno());
                }
            }
        }
    }

    void write(int descriptor, byte[] bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            long written = 0;
            while (written < bytes.length) {
                Result result = call("write", descriptor, buffer.address() + written, bytes.length - written);
                if (result.value() >= 0) {
                    written += result.value();
                } else if (result.errno() != EINTR) {
                    throw error("write", result.errno());
                }
            }
        }
    }

    /** Signals a process, or with a negative number a process group; one that is gone is none to signal. */
    void kill(int pid, int signal) {
        call("kill", pid, signal);
    }

    /**
     * Waits until a child has ended, and leaves it unreaped, so that its number and its group's stay its own.
     *
     * @return its exit code, or 128 + the signal that killed it
     */
    int awaitEnd(int pid) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            // siginfo_t of SIGCHLD: si_code at 8, si_status at 24.
            MemorySegment info = arena.allocate(128, 8);
            while (true) {
                Result result = call("waitid", P_PID, pid, info.address(), WEXITED | WNOWAIT);
                if (result.status() == 0) {
                    int status = info.get(JAVA_INT, 24);
                    return info.get(JAVA_INT, 8) == CLD_EXITED ? status : 128 + status;
                }
                if (result.errno() != EINTR) {
                    throw error("waitid", result.errno());
                }
            }
        }
    }

    /** Reaps a child that has ended. */
    void reap(int pid) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(JAVA_INT);
            while (true) {
                Result result = call("waitpid", pid, status.address(), 0);
                if (result.status() == pid) {
                    return;
                }
                if (result.errno() != EINTR) {
                    throw error("waitpid", result.errno());
                }
            }
        }
    }

    /** A null-terminated array of C strings. */
    static MemorySegment strings(Arena arena, java.util.List<String> texts) {
        MemorySegment array = arena.allocate(ADDRESS, texts.size() + 1L);
        for (int i = 0; i < texts.size(); i++) {
            array.setAtIndex(ADDRESS, i, arena.allocateFrom(texts.get(i)));
        }
        array.setAtIndex(ADDRESS, texts.size(), MemorySegment.NULL);
        return array;
    }
}
