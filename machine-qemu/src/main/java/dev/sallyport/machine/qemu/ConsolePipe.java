package dev.sallyport.machine.qemu;

import dev.sallyport.machine.SpooledConsole;
import dev.sallyport.model.linux.CLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Our end of the named pipe into which QEMU writes a machine's console. QEMU holds both of its ends, so that readers may come and
 * go; what nobody has read yet waits in the pipe (64 KiB, then the guest does). QEMU's end is the pipe's.
 */
final class ConsolePipe implements AutoCloseable {
    /** Lines are cleaned and looked at in the thread that reads them. */
    private static final int STACK = 256 * 1024;

    private static final int FOR_THEIR_OWNER = 0600;

    /** Whoever opens a pipe for reading alone waits for a writer: this is one, until QEMU is known to be. */
    private final FileChannel keeper;

    private final FileChannel reader;
    private @Nullable Thread pump;

    private ConsolePipe(FileChannel keeper, FileChannel reader) {
        this.keeper = keeper;
        this.reader = reader;
    }

    /**
     * Makes the two pipes of a console (mkfifo(3)), for their owner alone.
     *
     * @throws IOException when they cannot be made
     */
    static void make(Path input, Path output) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            for (Path pipe : List.of(input, output)) {
                CLibrary.need("mkfifo", arena.allocateFrom(pipe.toString()).address(), FOR_THEIR_OWNER);
            }
        }
    }

    /**
     * Opens a pipe for reading. Never blocks.
     *
     * @throws IOException when it cannot be opened
     */
    static ConsolePipe open(Path output) throws IOException {
        FileChannel keeper = FileChannel.open(output, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            return new ConsolePipe(keeper, FileChannel.open(output, StandardOpenOption.READ));
        } catch (IOException e) {
            keeper.close();
            throw e;
        }
    }

    /** Begins to read it into a console, which is closed at its end. */
    void pump(SpooledConsole console, String name) {
        // Reading a file blocks the thread beneath a virtual one.
        pump = Thread.ofPlatform().daemon().name(name).stackSize(STACK).start(() -> console.pump(reader));
    }

    /** QEMU has the pipe open, or has ended: from now on its end is the end. */
    void release() throws IOException {
        keeper.close();
    }

    /** Reads no more. What has been read is in the console afterwards. Not interruptible; closing twice is harmless. */
    @Override
    public void close() throws IOException {
        try (keeper) {
            reader.close();
        } finally {
            join();
        }
    }

    private void join() {
        boolean interrupted = false;
        while (pump != null && pump.isAlive()) {
            try {
                pump.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
