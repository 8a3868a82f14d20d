package dev.sallyport.machine;

import dev.sallyport.model.CauseCode;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads causes out of console lines. A hostile guest can write any of them: it can spoil its own machine alone. */
public final class ConsoleEvidence {
    /**
     * What a line says.
     *
     * @param code the cause
     * @param detail one sentence
     * @param line the line
     */
    public record Finding(CauseCode code, String detail, String line) {}

    private static final Pattern FATAL = Pattern.compile("sallyport-initramfs: FATAL ([A-Z_]{1,40})(?:\\s+(.*))?$");
    private static final Pattern PANIC = Pattern.compile("Kernel panic - not syncing");
    private static final Pattern MEMORY = Pattern.compile("Out of memory|System is deadlocked on memory|oom-kill:");
    private static final Pattern AGENT_MISSING =
            Pattern.compile("sallyport-agent\\.service.*(?:not found|could not be found|No such file|status=203/EXEC)"
                    + "|sallyport\\.target.*(?:not found|could not be found)");
    private static final Pattern AGENT_FAILED =
            Pattern.compile("sallyport-agent\\.service: (?:Failed with result|Start request repeated too quickly)"
                    + "|Failed to start sallyport-agent");

    private ConsoleEvidence() {}

    /** A cause that ends the wait at once: the machine will not come up after this line. */
    public static Optional<Finding> fatal(String line) {
        Matcher fatal = FATAL.matcher(line);
        if (fatal.find()) {
            String said = fatal.group(2) == null ? "" : fatal.group(2);
            return Optional.of(new Finding(code(fatal.group(1)), "The machine's initramfs gave up: " + said, line));
        }
        if (MEMORY.matcher(line).find()) {
            return Optional.of(new Finding(CauseCode.OUT_OF_MEMORY, "Its kernel ran out of memory.", line));
        }
        if (PANIC.matcher(line).find()) {
            return Optional.of(new Finding(CauseCode.KERNEL_PANIC, "Its kernel panicked.", line));
        }
        return Optional.empty();
    }

    /** The most telling of several lines when the wait is over: a fatal one, or what systemd said of the agent, the last first. */
    public static Optional<Finding> any(List<String> lines) {
        return lines.reversed().stream()
                .flatMap(line -> fatal(line).stream())
                .findFirst()
                .or(() -> lines.reversed().stream()
                        .flatMap(line -> agent(line).stream())
                        .findFirst());
    }

    /** A line with the seven before it and the seven after it; none when it is not among {@code lines}. */
    public static List<String> around(List<String> lines, String line) {
        int at = lines.lastIndexOf(line);
        return at < 0 ? List.of() : lines.subList(Math.max(0, at - 7), Math.min(lines.size(), at + 8));
    }

    private static Optional<Finding> agent(String line) {
        if (AGENT_MISSING.matcher(line).find()) {
            return Optional.of(new Finding(CauseCode.AGENT_MISSING, "Its init found no agent to start.", line));
        }
        if (AGENT_FAILED.matcher(line).find()) {
            return Optional.of(new Finding(CauseCode.AGENT_FAILED, "Its agent was started and ended.", line));
        }
        return Optional.empty();
    }

    private static CauseCode code(String name) {
        for (CauseCode code : CauseCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return CauseCode.UNKNOWN;
    }
}
