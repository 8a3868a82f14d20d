package dev.sallyport.agent.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the agent asks the C library for. */
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

    /** A pipe whose ends are closed on exec. */
    Pipe pipe() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            CLibrary.need("pipe2", ends.address(), O_CLOEXEC);
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
            return CLibrary.need("fcntl", descriptor, F_DUPFD_CLOEXEC, LEAST_OWN_DESCRIPTOR);
        } finally {
            close(descriptor);
        }
    }

    /** The master of a fresh pseudo-terminal, unlocked. */
    int openPty() throws IOException {
        int master = high(CLibrary.need("posix_openpt", O_RDWR | O_NOCTTY | O_CLOEXEC));
        try {
            CLibrary.need("grantpt", master);
            CLibrary.need("unlockpt", master);
            return master;
        } catch (IOException e) {
            close(master);
            throw e;
        }
    }

    String ptyName(int master) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(PATH_MAX);
            CLibrary.needZero("ptsname_r", master, name.address(), PATH_MAX);
            return name.getString(0);
        }
    }

    /** ioctl_tty(2): {@code struct winsize} is four shorts, of which the last two, pixels, are not used. */
    void windowSize(int terminal, int rows, int columns) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, 4);
            size.setAtIndex(ValueLayout.JAVA_SHORT, 0, (short) rows);
            size.setAtIndex(ValueLayout.JAVA_SHORT, 1, (short) columns);
            CLibrary.need("ioctl", terminal, TIOCSWINSZ, size.address());
        }
    }

    void close(int descriptor) {
        // Linux frees the descriptor whatever close(2) returns, and the data's fate was told by write(2) or fsync(2).
        CLibrary.call("close", descriptor);
    }

    int open(String path, int flags, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return CLibrary.need("openat", AT_FDCWD, arena.allocateFrom(path).address(), flags | O_CLOEXEC, mode);
        }
    }

    void makeFifo(String path, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            CLibrary.need("mkfifo", arena.allocateFrom(path).address(), mode);
        }
    }

    void chown(String path, int uid, int gid) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            CLibrary.need("lchown", arena.allocateFrom(path).address(), uid, gid);
        }
    }

    void chmod(String path, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            CLibrary.need("chmod", arena.allocateFrom(path).address(), mode);
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
                CLibrary.Result result = CLibrary.call("poll", both.address(), 2, -1);
                if (result.status() > 0) {
                    return both.get(ValueLayout.JAVA_SHORT, 14) == 0;
                }
                if (result.errno() != EINTR) {
                    throw CLibrary.error("poll", result.errno());
                }
            }
        }
    }

    /** Reads what is there; -1 at the end. A pseudo-terminal ends with EIO when its last user is gone. */
    int read(int descriptor, byte[] into) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(into.length);
            while (true) {
                CLibrary.Result result = CLibrary.call("read", descriptor, buffer.address(), into.length);
                if (result.value() > 0) {
                    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, 0, (int) result.value());
                    return (int) result.value();
                }
                if (result.value() == 0 || result.errno() == EIO) {
                    return -1;
                }
                if (result.errno() != EINTR) {
                    throw CLibrary.error("read", result.errno());
                }
            }
        }
    }

    void write(int descriptor, byte[] bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            long written = 0;
            while (written < bytes.length) {
                CLibrary.Result result =
                        CLibrary.call("write", descriptor, buffer.address() + written, bytes.length - written);
                if (result.value() >= 0) {
                    written += result.value();
                } else if (result.errno() != EINTR) {
                    throw CLibrary.error("write", result.errno());
                }
            }
        }
    }

    /** Signals a process, or with a negative number a process group; one that is gone is none to signal. */
    void kill(int pid, int signal) {
        CLibrary.call("kill", pid, signal);
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
                CLibrary.Result result = CLibrary.call("waitid", P_PID, pid, info.address(), WEXITED | WNOWAIT);
                if (result.status() == 0) {
                    int status = info.get(JAVA_INT, 24);
                    return info.get(JAVA_INT, 8) == CLD_EXITED ? status : 128 + status;
                }
                if (result.errno() != EINTR) {
                    throw CLibrary.error("waitid", result.errno());
                }
            }
        }
    }

    /** Reaps a child that has ended. */
    void reap(int pid) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(JAVA_INT);
            while (true) {
                CLibrary.Result result = CLibrary.call("waitpid", pid, status.address(), 0);
                if (result.status() == pid) {
                    return;
                }
                if (result.errno() != EINTR) {
                    throw CLibrary.error("waitpid", result.errno());
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
