package dev.sallyport.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * The memory of a machine that is a process of its host, with the processes that it has started: the proportional set size of
 * {@code /proc/PID/smaps_rollup}, in which a page that several processes share counts by its share, or where that may not be read
 * the resident pages of {@code /proc/PID/statm} (proc(5)).
 */
public final class ProcessMemory {
    private static final String SHARE = "Pss:";
    /** What Linux calls a page on the processors that machines are made for. */
    private static final long PAGE = 4096;

    private ProcessMemory() {}

    /** Bytes held by {@code process} and its descendants; empty when it has ended or nothing may be read of it. */
    public static OptionalLong of(ProcessHandle process) {
        long sum = 0;
        boolean any = false;
        try (Stream<ProcessHandle> family = Stream.concat(Stream.of(process), process.descendants())) {
            for (ProcessHandle each : (Iterable<ProcessHandle>) family::iterator) {
                OptionalLong held = of(Path.of("/proc", Long.toString(each.pid())));
                if (held.isPresent()) {
                    sum += held.getAsLong();
                    any = true;
                }
            }
        }
        return any ? OptionalLong.of(sum) : OptionalLong.empty();
    }

    /** Of one process by its folder in {@code /proc}. A zombie holds nothing, and is not known. */
    static OptionalLong of(Path folder) {
        try {
            for (String line : text(folder.resolve("smaps_rollup")).lines().toList()) {
                if (line.startsWith(SHARE)) {
                    return OptionalLong.of(Long.parseLong(line.substring(SHARE.length())
                                    .replace("kB", "")
                                    .strip())
                            * 1024);
                }
            }
        } catch (IOException notTold) {
            // Another user's process, or a kernel without the file: the other file is everybody's.
        }
        try {
            long pages = Long.parseLong(text(folder.resolve("statm")).split(" ", -1)[1]);
            return pages > 0 ? OptionalLong.of(pages * PAGE) : OptionalLong.empty();
        } catch (IOException ended) {
            return OptionalLong.empty();
        }
    }

    private static String text(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }
}
