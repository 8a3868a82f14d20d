package dev.sallyport.acceptance.crash;

import dev.sallyport.model.StepHook;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/**
 * Strikes at each side of each journalled step, the first time that it is reached: before it is written, and after it is durable. What
 * was visited is in a file, which outlives the process.
 */
final class FirstVisits implements StepHook {
    /** What happens at a step. */
    enum Blow {
        /** This process ends at once, without a word: as by SIGKILL. */
        HALT,
        /** The database's server is killed, all of its processes. */
        KILL_DATABASE,
        /** The disk that the data folder is on is full, for a while. */
        FILL_DISK;

        Runnable on(Path data) {
            return switch (this) {
                case HALT -> () -> Runtime.getRuntime().halt(HALTED);
                case KILL_DATABASE -> () -> killDatabase(data);
                case FILL_DISK -> new FullDisk(data);
            };
        }

        private static void killDatabase(Path data) {
            try {
                long pid = Long.parseLong(Files.readAllLines(data.resolve("postgres/postmaster.pid"))
                        .getFirst()
                        .strip());
                ProcessHandle.of(pid).ifPresent(server -> {
                    server.descendants().forEach(ProcessHandle::destroyForcibly);
                    server.destroyForcibly();
                });
            } catch (IOException e) {
                // It is just coming back from the blow before.
                System.err.println("no server to kill: " + e);
            }
        }
    }

    /** The exit status of a process that halted. */
    static final int HALTED = 9;

    private final Path file;
    private final Runnable blow;
    private final Set<String> visited;

    FirstVisits(Path file, Runnable blow) {
        this.file = file;
        this.blow = blow;
        this.visited = new HashSet<>(read(file));
    }

    /** What is in the file, in order. */
    static Set<String> read(Path file) {
        try {
            return Files.exists(file) ? new java.util.LinkedHashSet<>(Files.readAllLines(file)) : Set.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void before(String step) {
        visit("before " + step);
    }

    @Override
    public void after(String step) {
        visit("after " + step);
    }

    private synchronized void visit(String place) {
        if (!visited.add(place)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            channel.write(StandardCharsets.UTF_8.encode(place + "\n"));
            channel.force(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        blow.run();
    }
}
