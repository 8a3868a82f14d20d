package dev.sallyport.bench.sessions;

import dev.sallyport.bench.BenchOptions;
import dev.sallyport.bench.HostDescription;
import dev.sallyport.bench.Measure;
import dev.sallyport.model.FailureException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What came of a run, as measures, as a table, and as a document with its plot. */
final class SessionsResults {
    private static final int GOAL_SESSIONS = 10_000;
    private static final double GOAL_READ_MS = 20;
    private static final double GOAL_START_MS = 50;
    /** What may be called flat: a quarter more than at the level that is compared with. */
    private static final double GOAL_FLAT = 1.25;

    private final BenchOptions options;
    private final int wanted;
    private final List<Level> levels = new ArrayList<>();
    private @Nullable Level none;
    private @Nullable Ended ended;
    private @Nullable FailureException failure;

    /**
     * What was left after the end of all sessions.
     *
     * @param failed ends that were refused
     * @param notCompleted sessions whose users finished and that did not complete
     * @param things of the driver's
     * @param machines rows of machines that are not destroyed
     * @param resources rows of resources that are not undone
     * @param sessions rows of sessions that have not ended
     * @param timers rows of timers
     */
    record Ended(int failed, int notCompleted, int things, int machines, int resources, int sessions, int timers) {}

    /** @param wanted the highest level */
    SessionsResults(BenchOptions options, int wanted) {
        this.options = options;
        this.wanted = wanted;
    }

    /** What the controller costs without any session. */
    void none(Level level) {
        none = level;
    }

    void add(Level level) {
        levels.add(level);
    }

    void ended(Ended what) {
        ended = what;
    }

    /** It could not go on. */
    void failed(FailureException why) {
        if (failure == null) {
            failure = why;
        }
    }

    /** The last level in a line. */
    String progress() {
        Level level = levels.getLast();
        return String.format(
                Locale.ROOT,
                "%d sessions: starts p99 %.1f ms (%d failed), all up %.1f s later, reads p99 %.1f ms (%d failed)%s%s",
                level.sessions(),
                level.up().answers().millisAt(99),
                level.up().answers().failed(),
                level.up().settledSeconds(),
                level.reads().millisAt(99),
                level.reads().failed(),
                level.up().again() == 0 ? "" : ", " + level.up().again() + " sessions made up for",
                level.failures().isEmpty() ? "" : ", by cause " + level.failures());
    }

    /** All figures with their goals; where it was broken off, what was not reached is missed. */
    List<Measure> measures() {
        List<Measure> all = new ArrayList<>();
        int held = levels.stream().mapToInt(Level::sessions).max().orElse(0);
        all.add(Measure.atLeast(
                "live sessions on one controller with a heap of 1 GB", "sessions", held, goalSessions()));
        if (levels.isEmpty() || none == null) {
            return all;
        }
        Level top = levels.getLast();
        String at = " at " + top.sessions() + " sessions";
        all.add(Measure.atMost("reads, p99" + at, "ms", top.reads().millisAt(99), GOAL_READ_MS));
        all.add(Measure.atMost(
                "starts at " + options.startsPerSecond() + " a second, p99, on the way to " + top.sessions(),
                "ms",
                top.up().answers().millisAt(99),
                GOAL_START_MS));
        all.add(Measure.atMost(
                "reads that failed", "reads", sum(level -> level.reads().failed()), 0));
        all.add(Measure.atMost(
                "sessions that failed to start",
                "sessions",
                sum(level -> level.up().answers().failed() + level.up().again()),
                0));
        for (Level level : levels.subList(0, levels.size() - 1)) {
            if (level.sessions() == 100 || level.sessions() == 1000) {
                flat(all, top, level, none);
            }
        }
        left(all);
        return all;
    }

    private int goalSessions() {
        return options.quick() || options.sessions() > 0 ? wanted : GOAL_SESSIONS;
    }

    private static void flat(List<Measure> all, Level top, Level low, Level none) {
        String between = " a session, " + top.sessions() + " against " + low.sessions();
        all.add(Measure.ratioAtMost(
                "processor time a second" + between, "µs", top.cpuMicros(none), low.cpuMicros(none), GOAL_FLAT));
        all.add(Measure.ratioAtMost(
                "heap" + between, "KB", top.heapBytes(none) / 1000, low.heapBytes(none) / 1000, GOAL_FLAT));
        all.add(Measure.ratioAtMost("open files" + between, "files", top.files(none), low.files(none), GOAL_FLAT));
    }

    private void left(List<Measure> all) {
        Ended end = ended;
        if (end == null) {
            // Nobody looked: that is no success.
            all.add(new Measure("left after all sessions ended", "things", wanted, null, null, "at most 0", false));
            return;
        }
        all.add(Measure.atMost("ends that failed", "sessions", end.failed(), 0));
        all.add(Measure.atMost(
                "sessions that did not complete though their users did", "sessions", end.notCompleted(), 0));
        all.add(Measure.atMost("left after all sessions ended: simulated things", "things", end.things(), 0));
        all.add(Measure.atMost("left: machines not destroyed", "rows", end.machines(), 0));
        all.add(Measure.atMost("left: resources not undone", "rows", end.resources(), 0));
        all.add(Measure.atMost("left: sessions not ended", "rows", end.sessions(), 0));
        all.add(Measure.atMost("left: timers", "rows", end.timers(), 0));
    }

    private int sum(java.util.function.ToIntFunction<Level> what) {
        return levels.stream().mapToInt(what).sum();
    }

    /** Prints the table and the measures. */
    void print(PrintStream out) {
        if (none != null) {
            out.println();
            out.print(SessionsTable.text(levels, none));
        }
        out.println();
        for (Measure measure : measures()) {
            out.printf(
                    Locale.ROOT,
                    "  %-6s %-70s %12s %s%n",
                    measure.met() ? "met" : "MISSED",
                    measure.measure(),
                    SessionsTable.number(measure.ours()) + " " + measure.unit(),
                    "(" + measure.goal()
                            + (measure.ratio() == null ? ")" : ", is " + SessionsTable.number(measure.ratio()) + ")"));
        }
    }

    /** Writes the document and its plot. */
    void write() throws IOException {
        Level zero = none;
        if (zero == null || levels.isEmpty()) {
            return;
        }
        Path folder = Files.createDirectories(options.documents());
        Files.writeString(folder.resolve("sessions.svg"), SessionsPlot.of(levels, zero));
        Files.writeString(
                folder.resolve("sessions.md"),
                SessionsDocument.of(levels, zero, measures(), HostDescription.lines(), options, failure));
    }
}
