package dev.sallyport.image.journal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Processes that a build has started, found by a marker in their environment, which is known before there is a pid. Their descendants,
 * and all in a session that one of them leads, are of the build as well, whatever they made of their environment.
 */
public final class MarkedProcesses {
    /** The environment variable that holds the marker. */
    public static final String VARIABLE = "SALLYPORT_BUILD";

    private MarkedProcesses() {}

    /**
     * A process, as proc(5) shows it.
     *
     * @param start clock ticks after boot: the same pid with another start is another process
     */
    private record Seen(long pid, long parent, long session, long start) {}

    /**
     * Kills all that carry a marker, also what they start meanwhile, and waits until they are gone.
     *
     * @param atMost how long to wait; the calling thread is not to be interrupted meanwhile
     * @return the errors met; none when nothing of it is left
     */
    public static List<String> end(String marker, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        try {
            List<Seen> left = find(marker);
            while (!left.isEmpty()) {
                left.forEach(MarkedProcesses::kill);
                if (System.nanoTime() > deadline) {
                    return left.stream()
                            .map(process -> "process " + process.pid() + " (" + marker + ") does not end")
                            .toList();
                }
                await(left.getFirst());
                left = find(marker);
            }
            return List.of();
        } catch (IOException e) {
            return List.of("the processes of " + marker + " cannot be looked up: " + e);
        }
    }

    /** The ids of all that is of a marker; those of other users are seen by root alone. */
    public static List<Long> pids(String marker) throws IOException {
        return find(marker).stream().map(Seen::pid).toList();
    }

    private static List<Seen> find(String marker) throws IOException {
        Map<Long, Seen> all = new HashMap<>();
        Set<Long> ours = new HashSet<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                look(process).ifPresent(seen -> {
                    all.put(seen.pid(), seen);
                    if (carries(process, marker)) {
                        ours.add(seen.pid());
                    }
                });
            }
        }
        if (!ours.isEmpty()) {
            Set<Long> leaders = Set.copyOf(ours);
            all.values().stream()
                    .filter(seen -> leaders.contains(seen.session()) || descends(seen, leaders, all))
                    .forEach(seen -> ours.add(seen.pid()));
            ours.remove(ProcessHandle.current().pid());
        }
        List<Seen> found = new ArrayList<>();
        all.values().stream().filter(seen -> ours.contains(seen.pid())).forEach(found::add);
        found.sort(Comparator.comparingLong(Seen::pid));
        return found;
    }

    private static boolean descends(Seen from, Set<Long> ancestors, Map<Long, Seen> all) {
        Set<Long> met = new HashSet<>();
        Seen one = from;
        while (one != null && met.add(one.pid())) {
            if (ancestors.contains(one.parent())) {
                return true;
            }
            one = all.get(one.parent());
        }
        return false;
    }

    /** A living one; zombies are not alive. The command's name may hold anything, so fields count from its closing bracket. */
    private static Optional<Seen> look(Path process) {
        try {
            String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            if (fields[0].equals("Z") || fields[0].equals("X")) {
                return Optional.empty();
            }
            return Optional.of(new Seen(
                    Long.parseLong(process.getFileName().toString()),
                    Long.parseLong(fields[1]),
                    Long.parseLong(fields[3]),
                    Long.parseLong(fields[19])));
        } catch (IOException e) {
            // It ended meanwhile.
            return Optional.empty();
        }
    }

    private static boolean carries(Path process, String marker) {
        try {
            String environment =
                    new String(Files.readAllBytes(process.resolve("environ")), StandardCharsets.ISO_8859_1);
            return List.of(environment.split("\0", -1)).contains(VARIABLE + "=" + marker);
        } catch (IOException e) {
            // It ended meanwhile, or is another user's, who is not the one that built here.
            return false;
        }
    }

    /** The handle is taken before the last look, and signals only a process that started when its own did. */
    private static void kill(Seen process) {
        Optional<ProcessHandle> handle = ProcessHandle.of(process.pid());
        boolean same = look(Path.of("/proc", Long.toString(process.pid())))
                .filter(now -> now.start() == process.start())
                .isPresent();
        if (same) {
            handle.ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    /** Until it has ended, or a moment has passed: the end of a zombie's is not told. */
    private static void await(Seen process) {
        Optional<ProcessHandle> handle = ProcessHandle.of(process.pid());
        if (handle.isEmpty()) {
            return;
        }
        try {
            handle.get().onExit().get(20, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a process's end cannot fail", e);
        } catch (InterruptedException e) {
            // What was begun is finished: the interrupt is for later.
            Thread.currentThread().interrupt();
        }
    }
}
