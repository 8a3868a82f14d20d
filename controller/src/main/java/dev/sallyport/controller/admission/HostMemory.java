package dev.sallyport.controller.admission;

import dev.sallyport.model.Cause;
import dev.sallyport.model.CauseCode;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * This host's memory as the kernel tells it: {@code MemAvailable}, and no more than what the memory limits (cgroup v2) of this
 * process's control group and of those above it leave. Of a group's use the inactive file pages do not count: the kernel takes
 * them back before it refuses memory.
 */
public final class HostMemory implements Memory {
    private static final String UNLIMITED = "max";

    private final Path proc;
    private final Path groups;

    /** @param root where {@code proc} and {@code sys} lie: {@code /}, or a test's folder */
    public HostMemory(Path root) {
        this.proc = root.resolve("proc");
        this.groups = root.resolve("sys/fs/cgroup");
    }

    /** @throws FailureException UNKNOWN when the kernel does not tell it */
    @Override
    public long available() {
        long available = ofHost("MemAvailable");
        for (Path group : ownGroups()) {
            OptionalLong limit = limit(group);
            if (limit.isPresent()) {
                long used = number(group.resolve("memory.current")).orElse(0);
                long reclaimable =
                        field(group.resolve("memory.stat"), "inactive_file").orElse(0);
                available = Math.min(available, limit.getAsLong() - Math.max(0, used - reclaimable));
            }
        }
        return Math.max(0, available);
    }

    /** @throws FailureException UNKNOWN when the kernel does not tell it */
    @Override
    public long total() {
        long total = ofHost("MemTotal");
        for (Path group : ownGroups()) {
            total = Math.min(total, limit(group).orElse(total));
        }
        return total;
    }

    /**
     * Bytes of memory that process {@code pid} holds now: its proportional share of what it shares with others, or, where that
     * may not be read, all that it has mapped; 0 when there is no such process.
     */
    public long residentOf(long pid) {
        Path process = proc.resolve(Long.toString(pid));
        OptionalLong share = field(process.resolve("smaps_rollup"), "Pss");
        return share.isPresent()
                ? share.getAsLong()
                : field(process.resolve("status"), "VmRSS").orElse(0);
    }

    private long ofHost(String name) {
        Path file = proc.resolve("meminfo");
        return field(file, name)
                .orElseThrow(() -> new FailureException(Cause.of(
                        CauseCode.UNKNOWN, "The host's memory is not known: " + file + " has no " + name + ".")));
    }

    /** The folders of this process's control group and of those above it, as far as they are seen from here. */
    private List<Path> ownGroups() {
        List<Path> own = new ArrayList<>();
        for (String line : lines(proc.resolve("self/cgroup"))) {
            if (line.startsWith("0::/")) {
                // A group that is not below the visible root is told as "/../..", of which only the root can be read.
                Path group = groups.resolve(line.substring("0::/".length())).normalize();
                Path at = group.startsWith(groups) ? group : groups;
                while (at != null && at.startsWith(groups)) {
                    own.add(at);
                    at = at.getParent();
                }
            }
        }
        return own;
    }

    /** The lower of where the kernel begins to throttle the group and where it kills. */
    private static OptionalLong limit(Path group) {
        OptionalLong most = number(group.resolve("memory.max"));
        OptionalLong high = number(group.resolve("memory.high"));
        return most.isPresent() && high.isPresent()
                ? OptionalLong.of(Math.min(most.getAsLong(), high.getAsLong()))
                : most.isPresent() ? most : high;
    }

    /** The number that a file holds; empty when it is not there, or says {@code max}. */
    private static OptionalLong number(Path file) {
        List<String> lines = lines(file);
        return lines.isEmpty() || lines.getFirst().equals(UNLIMITED) ? OptionalLong.empty() : parse(lines.getFirst());
    }

    /** The bytes of a line {@code NAME VALUE} or {@code NAME: VALUE kB}. */
    private static OptionalLong field(Path file, String name) {
        for (String line : lines(file)) {
            String[] words = line.split("[:\\s]+", -1);
            if (words.length >= 2 && words[0].equals(name)) {
                OptionalLong value = parse(words[1]);
                boolean kib = words.length > 2 && words[2].equals("kB");
                return value.isPresent() && kib ? OptionalLong.of(value.getAsLong() << 10) : value;
            }
        }
        return OptionalLong.empty();
    }

    private static OptionalLong parse(String text) {
        try {
            return OptionalLong.of(Long.parseLong(text));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /** None when the file is not there, may not be read, or is of a process that has just ended. */
    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of();
        }
    }
}
