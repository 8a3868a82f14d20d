package dev.sallyport.bench.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What {@code /proc} tells of a process, see proc(5). A process that is gone has used nothing. */
public final class ProcessFigures {
    /** Clock ticks a second of Linux' {@code USER_HZ}. */
    private static final double TICKS = 100;

    private ProcessFigures() {}

    /** Processor time that process {@code pid} has used, in seconds. */
    public static double cpuSeconds(long pid) {
        String stat = read(pid, "stat");
        if (stat.isEmpty()) {
            return 0;
        }
        // The second field is the program's name, which may hold anything but ends with the last parenthesis.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS;
    }

    /** Its memory in bytes, with its part of what it shares with others. */
    public static long pss(long pid) {
        return field(read(pid, "smaps_rollup"), "Pss:") * 1024;
    }

    /** How many threads of the kernel it has. */
    public static long threads(long pid) {
        return field(read(pid, "status"), "Threads:");
    }

    /** How many files it has open. */
    public static long files(long pid) {
        try (var open = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
            return open.count();
        } catch (IOException e) {
            return 0;
        }
    }

    /** Its command line, the arguments apart by spaces. */
    public static String commandLine(long pid) {
        return read(pid, "cmdline").replace('\0', ' ').strip();
    }

    private static long field(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(name.length()).strip().split("\\s+", -1)[0])
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElse(0);
    }

    private static String read(long pid, String file) {
        try {
            return new String(
                    Files.readAllBytes(Path.of("/proc", Long.toString(pid), file)), StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).contains("No such process")) {
                return "";
            }
            throw new UncheckedIOException("/proc/" + pid + "/" + file + " cannot be read", e);
        }
    }
}
