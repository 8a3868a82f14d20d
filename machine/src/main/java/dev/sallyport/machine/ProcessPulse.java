package dev.sallyport.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The pulse of a machine that is a process of its host, with the processes that it has started: read from {@code /proc/PID/stat}
 * (proc(5)) and {@code /proc/PID/task/TID/schedstat} (Linux, Documentation/scheduler/sched-stats.rst).
 */
public final class ProcessPulse {
    private static final String STOPPED = "Tt";
    /** Fields 14 and 15 of proc(5)'s stat, counted from the state, which is field 3. */
    private static final int UTIME = 11;

    private static final int STIME = 12;
    /** Linux tells processes' times in hundredths of a second, whatever its own clock's rate (USER_HZ). */
    private static final long NANOS_PER_TICK = 10_000_000;

    private ProcessPulse() {}

    /** The pulse of {@code process} and its descendants; empty when it has ended. */
    public static Optional<Pulse> of(ProcessHandle process) {
        long worked = 0;
        long waited = 0;
        String halted = "";
        boolean any = false;
        try (Stream<ProcessHandle> family = Stream.concat(Stream.of(process), process.descendants())) {
            for (ProcessHandle each : (Iterable<ProcessHandle>) family::iterator) {
                Path folder = Path.of("/proc", Long.toString(each.pid()));
                try {
                    String stat = Files.readString(folder.resolve("stat"), StandardCharsets.ISO_8859_1);
                    // The command's name may hold anything, so what follows counts from its closing bracket.
                    char state = stat.charAt(stat.lastIndexOf(')') + 2);
                    if (STOPPED.indexOf(state) >= 0) {
                        halted = "process " + each.pid() + " of the hypervisor is stopped (state " + state + ")";
                    }
                    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
                    worked += (Long.parseLong(fields[UTIME]) + Long.parseLong(fields[STIME])) * NANOS_PER_TICK;
                    waited += waited(folder.resolve("task"));
                    any = true;
                } catch (IOException ended) {
                    // Which is told elsewhere.
                }
            }
        }
        return any
                ? Optional.of(new Pulse(halted, Duration.ofNanos(worked), Duration.ofNanos(waited)))
                : Optional.empty();
    }

    /** Nanoseconds that its threads were ready to run and did not. */
    private static long waited(Path folder) throws IOException {
        long sum = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(folder)) {
            for (Path task : tasks) {
                try {
                    sum += Long.parseLong(
                            Files.readString(task.resolve("schedstat")).strip().split(" ", -1)[1]);
                } catch (IOException ended) {
                    // A thread that has ended waits no more.
                }
            }
        }
        return sum;
    }
}
