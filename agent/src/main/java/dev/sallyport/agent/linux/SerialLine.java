package dev.sallyport.agent.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A serial line that is read byte by byte as it comes: nothing is echoed, no line is cut off, no character ends a process (termios(3)).
 * How others' output is put on it stays as it was. What is no terminal (a FIFO) is read as it is.
 */
public final class SerialLine implements AutoCloseable {
    private static final int TCGETS = 0x5401;
    private static final int TCSETS = 0x5402;
    private static final int ENOTTY = 25;

    /** The kernel's struct termios: four words of flags, c_line, and 19 characters. */
    private static final int TERMIOS = 36;

    private static final int INPUT_FLAGS = 0;
    private static final int CONTROL_FLAGS = 8;
    private static final int LOCAL_FLAGS = 12;
    private static final int CHARACTERS = 17;
    private static final int VTIME = 5;
    private static final int VMIN = 6;

    /** IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON. */
    private static final int COOKED_INPUT = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
    /** ISIG, ICANON, ECHO, ECHONL, IEXTEN. */
    private static final int COOKED_LOCAL = 0x1 | 0x2 | 0x8 | 0x40 | 0x8000;
    /** CREAD, CLOCAL: it is received from, and has no modem. */
    private static final int RECEIVE = 0x80 | 0x800;

    private final Libc libc = new Libc();
    private final int descriptor;
    private final Libc.Pipe wake;

    /**
     * Opens it, and has it give what comes as it comes.
     *
     * @throws IOException when it cannot be opened
     */
    public SerialLine(Path path) throws IOException {
        wake = libc.pipe();
        try {
            descriptor = libc.open(path.toString(), Libc.O_RDWR | Libc.O_NOCTTY | Libc.O_NONBLOCK, 0);
        } catch (IOException e) {
            libc.close(wake.reading());
            libc.close(wake.writing());
            throw new IOException(path + ": " + e.getMessage(), e);
        }
        try {
            keepRaw();
        } catch (IOException e) {
            libc.close(descriptor);
            libc.close(wake.reading());
            libc.close(wake.writing());
            throw e;
        }
    }

    /**
     * Undoes what others have done to it since.
     *
     * @return false when it was as it must be
     * @throws IOException when that cannot be
     */
    public boolean keepRaw() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(TERMIOS, 8);
            CLibrary.Result result = CLibrary.call("ioctl", descriptor, TCGETS, termios.address());
            if (result.status() == -1) {
                if (result.errno() == ENOTTY) {
                    return false;
                }
                throw CLibrary.error("TCGETS", result.errno());
            }
            byte[] before = termios.toArray(JAVA_BYTE);
            termios.set(JAVA_INT, INPUT_FLAGS, termios.get(JAVA_INT, INPUT_FLAGS) & ~COOKED_INPUT);
            termios.set(JAVA_INT, LOCAL_FLAGS, termios.get(JAVA_INT, LOCAL_FLAGS) & ~COOKED_LOCAL);
            termios.set(JAVA_INT, CONTROL_FLAGS, termios.get(JAVA_INT, CONTROL_FLAGS) | RECEIVE);
            termios.set(JAVA_BYTE, CHARACTERS + VTIME, (byte) 0);
            termios.set(JAVA_BYTE, CHARACTERS + VMIN, (byte) 1);
            if (java.util.Arrays.equals(before, termios.toArray(JAVA_BYTE))) {
                return false;
            }
            CLibrary.need("ioctl", descriptor, TCSETS, termios.address());
            return true;
        }
    }

    /**
     * Waits for what comes.
     *
     * @return how many bytes it was; -1 at the end, and once {@link #wake} was called
     */
    public int read(byte[] into) throws IOException {
        if (!libc.awaitReadable(descriptor, wake.reading())) {
            return -1;
        }
        return libc.read(descriptor, into);
    }

    /** Ends the wait of {@link #read} for good. */
    public void wake() throws IOException {
        libc.write(wake.writing(), new byte[1]);
    }

    /** Closes it; nobody may be reading. */
    @Override
    public void close() {
        libc.close(descriptor);
        libc.close(wake.reading());
        libc.close(wake.writing());
    }
}
