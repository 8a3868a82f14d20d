package dev.sallyport.agent.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A session's leader and all that came of it, found in proc(5): the members of its process group and session, and those that
 * left both but still carry the environment entry that the leader was started with.
 */
final class Family {
    /** How long to go on killing what keeps forking. */
    private static final Duration KILLING = Duration.ofSeconds(5);

    /** Most of an environment that is looked at. */
    private static final int MAX_ENVIRONMENT = 128 * 1024;

    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Libc libc;
    private final int leader;
    private final String marker;

    Family(Libc libc, int leader, String marker) {
        this.libc = libc;
        this.leader = leader;
        this.marker = marker;
    }

    /** Ends it; returns who is left. */
    List<Integer> end(Duration grace) {
        List<Integer> left = living();
        signal(left, Libc.SIGTERM);
        left = awaitNone(left, grace, 0);
        return awaitNone(left, KILLING, Libc.SIGKILL);
    }

    /** Polls, because the kernel tells a process only of its own children's ends, and strays are not the agent's children. */
    private List<Integer> awaitNone(List<Integer> living, Duration atMost, int signal) {
        List<Integer> left = living;
        long end = System.nanoTime() + atMost.toNanos();
        while (!left.isEmpty() && System.nanoTime() < end) {
            if (signal != 0) {
                signal(left, signal);
            }
            LockSupport.parkNanos(POLL_NANOS);
            left = living();
        }
        return left;
    }

    private void signal(List<Integer> pids, int signal) {
        if (!pids.isEmpty()) {
            libc.kill(-leader, signal);
            pids.forEach(pid -> libc.kill(pid, signal));
        }
    }

    private List<Integer> living() {
        var found = new ArrayList<Integer>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (isOfIt(process)) {
                    found.add(Integer.parseInt(process.getFileName().toString()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the processes cannot be listed", e);
        }
        return found;
    }

    private boolean isOfIt(Path process) {
        String stat;
        try {
            stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return false; // It has just ended.
        }
        // "pid (name) state ppid pgrp session ...": the name may hold anything, so the last parenthesis counts.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", 5);
        char state = fields[0].charAt(0);
        if (state == 'Z' || state == 'X') {
            return false;
        }
        if (Integer.parseInt(fields[2]) == leader || Integer.parseInt(fields[3]) == leader) {
            return true;
        }
        return !marker.isEmpty() && hasMarker(process);
    }

    private boolean hasMarker(Path process) {
        byte[] environment;
        try (var in = Files.newInputStream(process.resolve("environ"))) {
            environment = in.readNBytes(MAX_ENVIRONMENT);
        } catch (IOException e) {
            return false; // It has just ended, or is another user's, whom only root may look at.
        }
        byte[] wanted = marker.getBytes(StandardCharsets.UTF_8);
        int start = 0;
        for (int i = 0; i <= environment.length; i++) {
            if (i == environment.length || environment[i] == 0) {
                if (Arrays.equals(environment, start, i, wanted, 0, wanted.length)) {
                    return true;
                }
                start = i + 1;
            }
        }
        return false;
    }
}
