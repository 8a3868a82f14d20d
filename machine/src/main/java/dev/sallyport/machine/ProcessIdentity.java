package dev.sallyport.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A process of ours, known beyond doubt: its pid, when it started, and a marker in its environment that its children inherit.
 * The marker is written down before the process is made, when there is no pid yet; the pid alone may be somebody else's by the
 * time that it is used.
 *
 * @param pid the process's id
 * @param startTicks clock ticks after boot at which it started: field 22 of {@code /proc/PID/stat}, see proc(5)
 * @param marker the value of {@value #VARIABLE} in its environment
 */
public record ProcessIdentity(long pid, long startTicks, String marker) {
    /** The environment variable that holds the marker. */
    public static final String VARIABLE = "SALLYPORT_MARKER";

    /**
     * All living processes that carry a marker; those of other users are seen by root alone. Zombies are not alive.
     *
     * @param marker the exact value
     * @throws IOException when {@code /proc} cannot be read
     */
    public static List<ProcessIdentity> find(String marker) throws IOException {
        var found = new ArrayList<ProcessIdentity>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                of(Long.parseLong(process.getFileName().toString()))
                        .filter(identity -> identity.marker().equals(marker))
                        .ifPresent(found::add);
            }
        }
        return found;
    }

    /** The identity of a living process that carries any marker; empty when there is none, or it is not ours to see. */
    public static Optional<ProcessIdentity> of(long pid) {
        Path folder = Path.of("/proc", Long.toString(pid));
        try {
            String prefix = VARIABLE + "=";
            // The environment is read between two looks at the start time: both belong to the same process.
            Optional<Long> before = startTicks(folder);
            String environment = new String(Files.readAllBytes(folder.resolve("environ")), StandardCharsets.ISO_8859_1);
            Optional<Long> after = startTicks(folder);
            if (before.isEmpty() || !before.equals(after)) {
                return Optional.empty();
            }
            for (String variable : environment.split("\0", -1)) {
                if (variable.startsWith(prefix)) {
                    return Optional.of(new ProcessIdentity(pid, before.get(), variable.substring(prefix.length())));
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            // It ended meanwhile, or belongs to another user: either way not a living process of ours.
            return Optional.empty();
        }
    }

    /** Field 22; empty for a zombie. The command's name before it may hold anything, so fields count from its closing bracket. */
    private static Optional<Long> startTicks(Path folder) throws IOException {
        String stat = Files.readString(folder.resolve("stat"), StandardCharsets.ISO_8859_1);
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        boolean dead = fields[0].equals("Z") || fields[0].equals("X");
        return dead ? Optional.empty() : Optional.of(Long.parseLong(fields[19]));
    }

    /** True while this very process lives. */
    public boolean alive() {
        return of(pid).filter(this::equals).isPresent();
    }

    /**
     * Kills it with SIGKILL if it is still the one, and waits until it is gone.
     *
     * @return true when it is gone
     * @throws InterruptedException when the calling thread is interrupted
     */
    public boolean kill(Duration atMost) throws InterruptedException {
        Optional<ProcessHandle> handle = ProcessHandle.of(pid);
        if (handle.isEmpty() || !alive()) {
            return true;
        }
        // The handle was taken before the last look, and sends its signal only to a process of the same start time.
        handle.get().destroyForcibly();
        CompletableFuture<ProcessHandle> gone = handle.get().onExit();
        Instant deadline = Instant.now().plus(atMost);
        while (alive()) {
            long left = Duration.between(Instant.now(), deadline).toMillis();
            if (left <= 0) {
                return false;
            }
            try {
                gone.get(Math.min(left, 20), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // A dead child of a process that does not wait for it stays a zombie, whose end is not told: so it is
                // looked at again.
            } catch (ExecutionException e) {
                throw new IllegalStateException("a process's end cannot fail", e);
            }
        }
        return true;
    }

    /**
     * Kills every process that carries a marker, also those that they start meanwhile.
     *
     * @return the errors met; none when none of them is left
     * @throws InterruptedException when the calling thread is interrupted
     */
    public static List<String> killAll(String marker, Duration atMost) throws InterruptedException {
        Instant deadline = Instant.now().plus(atMost);
        try {
            List<ProcessIdentity> left = find(marker);
            while (!left.isEmpty()) {
                for (ProcessIdentity process : left) {
                    Duration rest = Duration.between(Instant.now(), deadline);
                    if (!process.kill(rest.isNegative() ? Duration.ZERO : rest)) {
                        return List.of("process " + process.pid() + " (" + marker + ") does not end");
                    }
                }
                left = find(marker);
            }
            return List.of();
        } catch (IOException e) {
            return List.of("the processes of " + marker + " cannot be looked up: " + e.getMessage());
        }
    }
}
