package dev.sallyport.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How many files a controller may have open: each machine costs some. */
final class FilesCheck implements Check {
    /** What a sign-in's two machines, their consoles, monitors, agents and a screen take. */
    private static final int A_SIGN_IN = 16;
    /** What a controller needs for itself: its programs, its database, its page. */
    private static final int OWN = 500;

    private static final Pattern LIMIT =
            Pattern.compile("(?m)^Max open files +(?:\\d+|unlimited) +(\\d{1,18}|unlimited) ");

    @Override
    public String name() {
        return "open files";
    }

    @Override
    public List<Finding> look() throws IOException {
        return List.of(judge(limit(Files.readString(Path.of("/proc/self/limits")))));
    }

    /**
     * The hard limit, to which a JVM raises its own.
     *
     * @param limits the text of {@code /proc/self/limits}, see proc_pid_limits(5)
     */
    static long limit(String limits) {
        Matcher matcher = LIMIT.matcher(limits);
        if (!matcher.find()) {
            throw new IllegalStateException("/proc/self/limits tells no limit of open files");
        }
        return matcher.group(1).equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(matcher.group(1));
    }

    static Finding judge(long limit) {
        long fit = (limit - OWN) / A_SIGN_IN;
        if (limit == Long.MAX_VALUE || fit >= 1000) {
            return Finding.ok("As many may be open as are needed.");
        }
        String text = "At most " + limit + " may be open: enough for " + Math.max(0, fit) + " sign-ins at once.";
        String remedy = "Raise the hard limit (ulimit -Hn, or LimitNOFILE= of its unit).";
        return fit >= 20 ? Finding.ok(text) : fit >= 1 ? Finding.warning(text, remedy) : Finding.broken(text, remedy);
    }
}
