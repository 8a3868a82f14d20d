package dev.sallyport.controller.store.postgres;

import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a controller that was killed has left running on a data folder. It is found by its pid file, and believed only when the
 * process is a PostgreSQL server of that very folder: a number that now belongs to somebody else is left alone.
 */
final class OldServer {
    private static final Duration LOOK_EVERY = Duration.ofMillis(10);

    private OldServer() {}

    /**
     * Ends the old server, if there is one, and takes its pid file away. The caller holds the folder's lock, so that no other
     * controller's server is meant.
     *
     * @return true when there was one
     */
    static boolean stop(Path folder, Binaries binaries, RunAs runAs, Duration patience)
            throws IOException, InterruptedException {
        Optional<PidFile> pidFile = PidFile.read(folder);
        Optional<ProcessHandle> old =
                pidFile.flatMap(file -> ProcessHandle.of(file.pid())).filter(process -> isServerOf(process, folder));
        if (old.isPresent()) {
            Signals.stop(old.get(), binaries, runAs, patience);
        }
        // A postmaster that was killed leaves processes for a moment, and shared memory as long as they are there.
        for (ProcessHandle process : processesIn(folder)) {
            if (!ended(process, patience) && !(process.destroyForcibly() && ended(process, patience))) {
                throw FailureException.of(
                        CauseCode.DATABASE_FAILED,
                        "The process " + process.pid() + " of an earlier server of " + folder + " does not end.");
            }
        }
        // A pid file without a server makes the next one refuse to start when its number belongs to a process by now.
        Files.deleteIfExists(PidFile.in(folder));
        return old.isPresent();
    }

    /**
     * True when it ended within {@code patience}. The kernel tells of the end of children alone, and Java looks after other
     * processes three times a second; a server's end is worth looking more often.
     */
    static boolean ended(ProcessHandle process, Duration patience) throws InterruptedException {
        Deadline deadline = Deadline.in(patience);
        while (process.isAlive()) {
            if (deadline.isOver()) {
                return false;
            }
            Thread.sleep(LOOK_EVERY);
        }
        return true;
    }

    /** A postmaster is started as {@code …/postgres -D FOLDER …} and works in that folder; its children have other titles. */
    private static boolean isServerOf(ProcessHandle process, Path folder) {
        try {
            String[] command = Files.readString(
                            Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.ISO_8859_1)
                    .split("\0", -1);
            return command.length > 2
                    && Path.of(command[0]).endsWith("postgres")
                    && List.of(command).contains("-D")
                    && worksIn(process, folder.toRealPath());
        } catch (IOException e) {
            // It ended while it was looked at.
            return false;
        }
    }

    private static List<ProcessHandle> processesIn(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        Path real = folder.toRealPath();
        return ProcessHandle.allProcesses()
                .filter(process -> worksIn(process, real))
                .toList();
    }

    private static boolean worksIn(ProcessHandle process, Path real) {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        try {
            return Files.readSymbolicLink(proc.resolve("cwd")).equals(real)
                    && Files.readSymbolicLink(proc.resolve("exe"))
                            .getFileName()
                            .toString()
                            .startsWith("postgres");
        } catch (IOException e) {
            // It ended while it was looked at, or belongs to a user whose processes are not shown: not to ours then.
            return false;
        }
    }
}
