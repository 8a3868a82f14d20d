package dev.sallyport.cli.doctor;

import dev.sallyport.controller.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How many sign-ins find room in memory. */
final class MemoryCheck implements Check {
    /** What a hypervisor takes besides its guest's memory, MiB; emulation takes the most. */
    private static final int OVERHEAD = 160;

    private static final Pattern AVAILABLE = Pattern.compile("(?m)^MemAvailable:\\s+(\\d+) kB$");
    private static final Path GROUP = Path.of("/sys/fs/cgroup");

    private final Settings.Shape browser;
    private final Settings.Shape cli;

    MemoryCheck(Settings.Shape browser, Settings.Shape cli) {
        this.browser = browser;
        this.cli = cli;
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public List<Finding> look() throws IOException {
        return List.of(judge(
                availableMib(
                        Files.readString(Path.of("/proc/meminfo")),
                        read(GROUP.resolve("memory.max")),
                        read(GROUP.resolve("memory.current"))),
                browser.memoryMib(),
                cli.memoryMib()));
    }

    private static Optional<String> read(Path file) throws IOException {
        return Files.isReadable(file) ? Optional.of(Files.readString(file).strip()) : Optional.empty();
    }

    /**
     * What can be had, MiB: of the host, or of the control group where that is less.
     *
     * @param meminfo the text of {@code /proc/meminfo}, see proc(5)
     * @param most the group's limit in bytes, or {@code max}
     * @param used what the group uses, in bytes
     */
    static long availableMib(String meminfo, Optional<String> most, Optional<String> used) {
        Matcher matcher = AVAILABLE.matcher(meminfo);
        if (!matcher.find()) {
            throw new IllegalStateException("/proc/meminfo tells no MemAvailable");
        }
        long host = Long.parseLong(matcher.group(1)) >> 10;
        if (most.isPresent() && used.isPresent() && most.get().matches("\\d{1,18}")) {
            return Math.min(host, Math.max(0, Long.parseLong(most.get()) - Long.parseLong(used.get())) >> 20);
        }
        return host;
    }

    static Finding judge(long availableMib, int browserMib, int cliMib) {
        long both = browserMib + cliMib + 2L * OVERHEAD;
        String shapes = "a browser machine of " + browserMib + " MiB and a CLI machine of " + cliMib + " MiB";
        String available = Paths.gib(availableMib << 20) + " available: ";
        if (availableMib >= both) {
            long fit = availableMib / both;
            return Finding.ok(available + "room for " + fit + (fit == 1 ? " sign-in" : " sign-ins") + " at once ("
                    + shapes + " each).");
        }
        String remedy = "End other programs, or give this host more memory.";
        return availableMib >= browserMib + OVERHEAD
                ? Finding.warning(available + "too little for one sign-in (" + shapes + ").", remedy)
                : Finding.broken(available + "too little for one browser machine of " + browserMib + " MiB.", remedy);
    }
}
